package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const someID = "01JNWD3E5T4QWJ9V6Y2C8R7M1K0123456789ABCDEF"

var submitted = time.Date(2026, 3, 9, 10, 11, 12, 345e6, time.UTC)

func encode(tb testing.TB, message any) string {
	tb.Helper()
	body, err := Encode(message)
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// Messages of version 1 are read, and written, as they were first: a queue
// holds them for days. // failure 58
func TestMessagesOfVersion1(t *testing.T) {
	t.Parallel()
	app := NewApplication(someID, "branch-7", submitted, json.RawMessage(
		`{"Loan_ID":"LP900001","ApplicantIncome":5849,"CoapplicantIncome":0,"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}`))
	chunk := NewChunk(someID, 3, 96<<20, 128<<20)
	chunk.FirstRecord, chunk.Generation = new(int64(96<<20+5)), 1

	text := fixture(t, "application-v1.json")
	if got := encode(t, app) + "\n"; got != string(text) {
		t.Errorf("written %s, want %s", got, text)
	}
	if got, err := ParseApplication(text); err != nil || !cmp.Equal(got, app) {
		t.Errorf("application: %v %s", err, cmp.Diff(app, got))
	}
	text = fixture(t, "chunk-v1.json")
	if got := encode(t, chunk) + "\n"; got != string(text) {
		t.Errorf("written %s, want %s", got, text)
	}
	if got, err := ParseBulk(text); err != nil || !cmp.Equal(got, Bulk{Chunk: &chunk}) {
		t.Errorf("chunk: %v %s", err, cmp.Diff(&chunk, got.Chunk))
	}
}

// The version before is read, members that went or that came since are
// ignored. // failure 58
func TestMessagesOfTheVersionBefore(t *testing.T) {
	t.Parallel()
	app, err := ParseApplication(fixture(t, "application-v0.json"))
	if err != nil || app.ID != someID || !app.SubmittedAt.Equal(submitted) {
		t.Errorf("application: %+v, %v", app, err)
	}
	bulk, err := ParseBulk(fixture(t, "chunk-v0.json"))
	if err != nil || bulk.Chunk == nil || bulk.Chunk.Batch != someID || bulk.Chunk.End != 7 || bulk.Chunk.FirstRecord != nil {
		t.Errorf("chunk: %+v, %v", bulk.Chunk, err)
	}
	newer := strings.Replace(string(fixture(t, "chunk-v1.json")), `"v":1`, `"v":1,"added":{"later":[]}`, 1)
	if bulk, err := ParseBulk([]byte(newer)); err != nil || bulk.Chunk.N != 3 {
		t.Errorf("newer chunk: %+v, %v", bulk.Chunk, err)
	}
}

// The version after is read too, so that a worker of this version may run
// beside newer ones; a message newer than that is left for them. // failure 58
func TestNewerMessages(t *testing.T) {
	t.Parallel()
	app, chunk := string(fixture(t, "application-v1.json")), string(fixture(t, "chunk-v1.json"))
	for v, want := range map[int]error{0: nil, 1: nil, 2: nil, 3: ErrNewer, 1 << 30: ErrNewer} {
		version := fmt.Sprintf(`"v":%d`, v)
		m, err := ParseApplication([]byte(strings.Replace(app, `"v":1`, version, 1)))
		if !errors.Is(err, want) || IsPermanent(err) || m.ID != someID {
			t.Errorf("application of version %d: %q, %v, want %v", v, m.ID, err, want)
		}
		_, err = ParseBulk([]byte(strings.Replace(chunk, `"v":1`, version, 1)))
		if !errors.Is(err, want) || IsPermanent(err) {
			t.Errorf("chunk of version %d: %v, want %v", v, err, want)
		}
	}
}

// A message that cannot be read is a permanent error of one kind. // failure 21
func TestUnreadableMessages(t *testing.T) {
	t.Parallel()
	app, chunk := string(fixture(t, "application-v1.json")), string(fixture(t, "chunk-v1.json"))
	replace := func(s, from, to string) string {
		t.Helper()
		if !strings.Contains(s, from) {
			t.Fatalf("%s has no %s", s, from)
		}
		return strings.Replace(s, from, to, 1)
	}
	apps := []string{
		"", "null", "[]", "7", `"application"`, "{}", "{", app + "{}", app + "x", chunk,
		replace(app, `"v":1`, `"v":-1`), replace(app, `"v":1`, `"v":"1"`),
		replace(app, `"kind":"application"`, `"kind":"applications"`),
		replace(app, someID, ""), replace(app, `"submitted_at":"2026-03-09T10:11:12.345Z",`, ""),
		replace(app, "2026-03-09", "yesterday"), app[:strings.Index(app, `,"application"`)] + "}",
	}
	for _, body := range apps {
		if _, err := ParseApplication([]byte(body)); !errors.Is(err, ErrMessage) || !IsPermanent(err) {
			t.Errorf("ParseApplication(%s): %v, want ErrMessage", body, err)
		}
	}
	bulks := []string{
		"", "null", "[]", "{}", chunk + chunk, app,
		replace(chunk, `"v":1`, `"v":-1`), replace(chunk, someID, ""), replace(chunk, `"n":3`, `"n":-3`),
		replace(chunk, `"n":3`, `"n":3.5`), replace(chunk, `"start":100663296`, `"start":-1`),
		replace(chunk, `"end":134217728`, `"end":1`), replace(chunk, `"first_record":100663301`, `"first_record":1`),
		replace(chunk, `134217728`, `134217728000000000000`),
		`{"Records":{}}`, `{"Records":[{"eventName":"ObjectCreated:Put"}]}`,
		`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"%zz"}}}]}`,
		`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":""},"object":{"key":"k"}}}]}`,
		`{"Records":[{"eventName":"ObjectCreated:Put","eventTime":"noon","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}`,
	}
	for _, body := range bulks {
		if _, err := ParseBulk([]byte(body)); !errors.Is(err, ErrMessage) || !IsPermanent(err) {
			t.Errorf("ParseBulk(%s): %v, want ErrMessage", body, err)
		}
	}
	// A rejection can be written down as long as the id can be read.
	if m, err := ParseApplication([]byte(replace(app, `"v":1`, `"v":-1`))); err == nil || m.ID != someID {
		t.Errorf("id of an unreadable message: %q, %v", m.ID, err)
	}
}

// SQS refuses bodies with control characters, U+FFFE and U+FFFF; none is in a
// body of ours, whatever an applicant writes. // failure 24
func TestEncodeUsesOnlyWhatSQSTakes(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for r := range rune(0x11000) {
		all.WriteRune(r) // surrogates become U+FFFD
	}
	text, err := json.Marshal(map[string]string{"Loan_ID": all.String()})
	if err != nil {
		t.Fatal(err)
	}
	body := encode(t, NewApplication(someID, "caller\x00\uffff", submitted, text))
	for i, r := range body {
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
		ok := r == '\t' || r == '\n' || r == '\r' || (r >= 0x20 && r <= 0xd7ff) || (r >= 0xe000 && r <= 0xfffd) || r >= 0x10000
		if !ok {
			t.Errorf("byte %d of the body is %U", i, r)
		}
	}
	m, err := ParseApplication([]byte(body))
	if err != nil || m.Caller != "caller\x00\uffff" {
		t.Fatalf("caller %q, %v", m.Caller, err)
	}
	var back map[string]string
	if err := json.Unmarshal(m.Application, &back); err != nil || back["Loan_ID"] != all.String() {
		t.Errorf("text did not come back: %v", err)
	}
}

func TestEncodeRefusesWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	if body, err := Encode(NewApplication(someID, "", submitted, json.RawMessage("{"))); err == nil {
		t.Errorf("encoded %s", body)
	}
}

// What retries is decided by type, and what has no type is retried. // failure 22
func TestErrorClasses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err       error
		permanent bool
	}{
		{nil, false},
		{errBoom, false},
		{Permanent(nil), false},
		{Permanent(errBoom), true},
		{fmt.Errorf("chunk 3: %w", Permanent(errBoom)), true},
		{errors.Join(errBoom, Permanent(errBoom)), true},
		{fmt.Errorf("%w: why", ErrMessage), true},
		{RetryAfter(time.Second, errBoom), false},
	} {
		if got := IsPermanent(tc.err); got != tc.permanent {
			t.Errorf("IsPermanent(%v) = %t", tc.err, got)
		}
	}
	for _, err := range []error{Permanent(errBoom), RetryAfter(time.Second, errBoom)} {
		if !errors.Is(err, errBoom) || err.Error() != errBoom.Error() {
			t.Errorf("%T hides its error: %v", err, err)
		}
	}
}

func FuzzParseApplication(f *testing.F) {
	f.Add(fixture(f, "application-v1.json"))
	f.Add(fixture(f, "application-v0.json"))
	f.Add(fixture(f, "chunk-v1.json"))
	f.Add(bytes.Repeat([]byte(`{"application":`), 20_000))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ParseApplication(body)
		if err != nil {
			if IsPermanent(err) == errors.Is(err, ErrNewer) {
				t.Fatalf("error of the wrong class: %v", err)
			}
			return
		}
		again, err := ParseApplication([]byte(encode(t, m)))
		if err != nil || again.ID != m.ID || !again.SubmittedAt.Equal(m.SubmittedAt) {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
	})
}

func FuzzParseBulk(f *testing.F) {
	for _, name := range []string{
		"chunk-v1.json", "chunk-v0.json", "s3-put.json", "s3-multipart.json", "s3-copy.json", "s3-delete.json",
		"s3-test-event.json", "s3-two-records.json", "application-v1.json",
	} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := ParseBulk(body)
		if err != nil {
			if IsPermanent(err) == errors.Is(err, ErrNewer) {
				t.Fatalf("error of the wrong class: %v", err)
			}
			return
		}
		if c := b.Chunk; c != nil {
			if c.N < 0 || c.Start < 0 || c.End < c.Start || (c.FirstRecord != nil && *c.FirstRecord < c.Start) {
				t.Fatalf("chunk %+v", c)
			}
			if again, err := ParseBulk([]byte(encode(t, c))); err != nil || !cmp.Equal(again, b) {
				t.Fatalf("%+v became %+v, %v", b, again, err)
			}
		}
		for _, u := range b.Uploads {
			if u.Key == "" || u.Bucket == "" {
				t.Fatalf("upload %+v", u)
			}
		}
	})
}
