package sqs

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzRequest feeds bodies to every action: no panic, no answer that is not
// JSON, no internal error, and the service goes on.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"QueueName":"a","Attributes":{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:000000000000:work\",\"maxReceiveCount\":3}"}}`,
		`{"QueueUrl":"http://x/000000000000/work","MessageBody":"\ud83c\udf89","MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"AAEC"}}}`,
		`{"QueueUrl":"http://x/000000000000/work","Entries":[{"Id":"a","MessageBody":"1","ReceiptHandle":"AQAAAAAAAAABAAAAAAAAAAEqoFHJ1W8QVQ==","VisibilityTimeout":0}]}`,
		`{"QueueUrl":"http://x/000000000000/work","MaxNumberOfMessages":10,"MessageAttributeNames":["a.*"],"MessageSystemAttributeNames":["All"]}`,
		`{"QueueUrl":"http://x/000000000000/work","ReceiptHandle":"?","VisibilityTimeout":1,"MaxResults":1,"NextToken":"YQ=="}`,
		`{"SourceArn":"arn:aws:sqs:us-east-1:000000000000:work"}`, `[]`, `null`, ``, `{"QueueUrl":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	s := open(f, testOptions(f))
	if err := s.CreateQueue(f.Context(), "work", nil); err != nil {
		f.Fatal(err)
	}
	s.EndPolls()
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, act := range s.actions {
			if name == "DeleteQueue" {
				continue
			}
			out, err := act(t.Context(), call{host: "x", body: body})
			if err != nil {
				if e := asError(err); e.kind.httpStatus() >= 500 {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if _, err := json.Marshal(out); err != nil {
				t.Errorf("%s: answer: %v", name, err)
			}
		}
	})
}

// FuzzText compares the check for half surrogate pairs with encoding/json: a
// string that passes comes back from JSON as it was written.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`"a"`, `"\ud83c\udf89"`, `"\ud83c"`, `"\udf89\ud83c"`, `"\\ud83c"`, `"\ud83c\u0041"`, `"\"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var s string
		if !utf8.Valid(body) || json.Unmarshal(body, &s) != nil || bytes.ContainsRune(body, utf8.RuneError) {
			return
		}
		lone := bytes.ContainsRune([]byte(s), utf8.RuneError)
		spelled := bytes.Contains(bytes.ToLower(body), []byte(`\ufffd`))
		if hasLoneSurrogate(body) != lone && !spelled {
			t.Errorf("%s: lone surrogate %v, decoded %q", body, hasLoneSurrogate(body), s)
		}
	})
}

// FuzzWAL: any bytes after a log's header are judged without a panic, and a
// log that was judged intact stays so when its tail is cut.
func FuzzWAL(f *testing.F) {
	f.Add([]byte{}, 10)
	f.Add(bytes.Repeat([]byte{0}, 600), 5)
	f.Fuzz(func(_ *testing.T, frames []byte, cut int) {
		log := append([]byte{0x37, 0x7f, 6, 0x82, 0, 0x2d, 0xe2, 0x18, 0, 0, 2, 0}, make([]byte, 20)...)
		log = append(log, frames...)
		_ = checkFrames(bytes.NewReader(log))
		_ = checkFrames(bytes.NewReader(log[:max(0, min(len(log), cut))]))
	})
}

// FuzzAuthorization: any header is read or refused.
func FuzzAuthorization(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host;x-amz-date, Signature=00")
	f.Add("AWS4-HMAC-SHA256 Credential=,,,=")
	f.Fuzz(func(t *testing.T, header string) {
		a, err := parseAuthorization(header)
		if err == nil && (a.signature == "" || len(a.signedHeaders) == 0) {
			t.Errorf("%q was read as %+v", header, a)
		}
	})
}

// FuzzHandle: a handle that is read says what was written.
func FuzzHandle(f *testing.F) {
	f.Add(handle{queue: 1, seq: 2, receipt: 3}.String())
	f.Add("AQ==")
	q := newQueue(1, "work", 0, &config{})
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHandle(q, text)
		if err != nil {
			return
		}
		if again, err := parseHandle(q, h.String()); err != nil || again != h {
			t.Errorf("%q: %+v, then %+v, %v", text, h, again, err)
		}
	})
}
