package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	jsonType = "application/json"
	noStore  = "no-store"
)

// reply is every answer of this package that is not a problem. Headers that
// are empty are not sent. What each route sends is documented in routes.go.
type reply struct {
	Status            int
	ContentType       string `header:"Content-Type" hidden:"true"`
	Location          string `header:"Location" hidden:"true"`
	RetryAfter        string `header:"Retry-After" hidden:"true"`
	CacheControl      string `header:"Cache-Control" hidden:"true"`
	ETag              string `header:"ETag" hidden:"true"`
	PreferenceApplied string `header:"Preference-Applied" hidden:"true"`
	Security          string `header:"Content-Security-Policy" hidden:"true"`
	Body              []byte
}

// newReply encodes value as the body of a reply that must not be cached.
func newReply(code int, value any) (*reply, error) {
	body, err := encode(value)
	if err != nil {
		return nil, err
	}
	return &reply{Status: code, ContentType: jsonType, CacheControl: noStore, Body: body}, nil
}

// tag adds a strong ETag of the body; when the client has that body already,
// the reply becomes 304.
func (r *reply) tag(ifNoneMatch []string) *reply {
	sum := sha256.Sum256(r.Body)
	r.ETag = `"` + hex.EncodeToString(sum[:16]) + `"`
	if matches(ifNoneMatch, r.ETag) {
		r.Status, r.ContentType, r.Body = http.StatusNotModified, "", nil
	}
	return r
}

// retry sets Retry-After, in seconds; 0 sends none.
func (r *reply) retry(seconds int) *reply {
	if seconds > 0 {
		r.RetryAfter = strconv.Itoa(seconds)
	}
	return r
}

// matches compares weakly, as If-None-Match does (RFC 9110, section 13.1.2).
func matches(headers []string, etag string) bool {
	for item := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		item = strings.TrimSpace(item)
		if item == "*" || strings.TrimPrefix(item, "W/") == etag {
			return true
		}
	}
	return false
}

// encode returns compact JSON without a final newline and without HTML escapes.
func encode(value any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, fmt.Errorf("answer %T: %w", value, err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
