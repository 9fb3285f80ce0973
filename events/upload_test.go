package events

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// Notifications as AWS documents them. // failure 32
func TestNotifications(t *testing.T) {
	t.Parallel()
	march := time.Date(2026, 3, 1, 12, 30, 45, 678e6, time.UTC)
	const bucket = "amzn-s3-demo-bucket"
	for name, want := range map[string][]Upload{
		"s3-put.json": {{
			Bucket: bucket, Key: "uploads/HappyFace.csv", Version: "096fKKXTRTtl3on89fVO.nfljtsv6qko",
			ETag: `"d41d8cd98f00b204e9800998ecf8427e"`, Size: 1024, Sequencer: "0055AED6DCD90281E5", At: time.Unix(0, 0).UTC(),
		}},
		"s3-multipart.json": {{
			Bucket: bucket, Key: "uploads/2026/march.csv", ETag: `"d41d8cd98f00b204e9800998ecf8427e-7"`,
			Size: 50 << 20, Sequencer: "0065E1D6DCD90281E5", At: march,
		}},
		"s3-copy.json": {{
			Bucket: bucket, Key: "uploads/copy.csv", ETag: `"9a0364b9e99bb480dd25e1f0284c8555"`,
			Size: 7, Sequencer: "0065E1D6DCD90281E6", At: march,
		}},
		"s3-two-records.json": {
			{Bucket: "b", Key: "uploads/a.csv", ETag: `"0cc175b9c0f1b6a831c399e269772661"`, Size: 1, Sequencer: "02", At: march},
			{Bucket: "b", Key: "uploads/b.csv", ETag: `"92eb5ffee6ae2fec3ad71c777531578f"`, Size: 2, Sequencer: "03", At: march.Add(time.Second)},
		},
		"s3-delete.json":        nil,
		"s3-delete-marker.json": nil,
		"s3-tagging.json":       nil,
		"s3-test-event.json":    nil,
	} {
		for range 10 { // a repeated event says the same: the batch's id is made of it // failure 29
			got, err := ParseBulk(fixture(t, name))
			if diff := cmp.Diff(Bulk{Uploads: want}, got); err != nil || diff != "" {
				t.Errorf("%s: %v %s", name, err, diff)
			}
		}
	}
}

// AWS encodes keys as forms do; they are decoded once. // failure 36
func TestKeysAreDecodedOnce(t *testing.T) {
	t.Parallel()
	for encoded, want := range map[string]string{
		"uploads/a+b.csv":                      "uploads/a b.csv",
		"uploads/a%2Bb.csv":                    "uploads/a+b.csv",
		"uploads/100%25.csv":                   "uploads/100%.csv",
		"uploads/%252B.csv":                    "uploads/%2B.csv",
		"uploads/S%C3%A3o+Paulo%21.csv":        "uploads/São Paulo!.csv",
		"uploads/%F0%9F%92%B8/%E6%97%A5.csv":   "uploads/💸/日.csv",
		"uploads//a/../b/./c.csv":              "uploads//a/../b/./c.csv",
		"uploads/a%2Fb.csv":                    "uploads/a/b.csv",
		"uploads/q%3F%23%26%3D%3B.csv":         "uploads/q?#&=;.csv",
		"uploads/q?#&=;.csv":                   "uploads/q?#&=;.csv",
		"uploads/nl%0A%00.csv":                 "uploads/nl\n\x00.csv",
		strings.Repeat("%C3%A9", 512):          strings.Repeat("é", 512), // 1,024 bytes
		"uploads/" + strings.Repeat("x", 1016): "uploads/" + strings.Repeat("x", 1016),
	} {
		b, err := ParseBulk(notification(t, encoded))
		if err != nil || len(b.Uploads) != 1 || b.Uploads[0].Key != want {
			t.Errorf("%s: %+v, %v, want %q", encoded, b.Uploads, err, want)
		}
	}
}

func notification(tb testing.TB, encodedKey string) []byte {
	tb.Helper()
	key, err := json.Marshal(encodedKey)
	if err != nil {
		tb.Fatal(err)
	}
	return []byte(`{"Records":[{"eventName":"ObjectCreated:Put","eventTime":"2026-03-01T12:30:45.678Z",` +
		`"s3":{"bucket":{"name":"b"},"object":{"key":` + string(key) + `,"size":1,"eTag":"x","sequencer":"01"}}}]}`)
}

// Any key comes back as it was. // failure 36
func FuzzKeyRoundTrip(f *testing.F) {
	for _, key := range []string{"a", "a b+c%", "é/日/💸", "..//./", "\x00\n\u2028", "%2B", strings.Repeat("%", 1024)} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if key == "" || !utf8.ValidString(key) { // S3 keys are UTF-8
			return
		}
		b, err := ParseBulk(notification(t, url.QueryEscape(key)))
		if err != nil || len(b.Uploads) != 1 || b.Uploads[0].Key != key {
			t.Fatalf("%q became %+v, %v", key, b.Uploads, err)
		}
	})
}
