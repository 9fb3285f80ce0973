package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	crand "crypto/rand"
)

// Limits of Amazon SQS. Source: the API reference and "Amazon SQS message quotas".
const (
	maxMessageBytes = 1 << 20 // of a message with its attributes, and of all messages of a batch
	maxBatch        = 10
	maxInFlight     = 120_000
	maxTimeout      = 43200 // seconds
	maxDelay        = 900
	maxWait         = 20
	minRetention    = 60
	maxAttributes   = 10

	// maxRequestBytes holds a message of 1 MiB with every byte escaped (\u0041).
	maxRequestBytes = 8 << 20
)

// checkQueueName wants 1 to 80 letters, digits, hyphens and underscores.
func checkQueueName(name string) error {
	if name == "" {
		return missing("QueueName")
	}
	if strings.HasSuffix(name, ".fifo") {
		return kindUnsupported.errorf("FIFO queues are not supported by this server: %q ends in .fifo.", name)
	}
	if !isToken(name) {
		return kindParameter.errorf("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length: %q", name)
	}
	return nil
}

// isToken is the syntax that queue names and batch entry ids share.
func isToken(s string) bool {
	if s == "" || len(s) > 80 {
		return false
	}
	for _, c := range []byte(s) {
		if !isAlphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// isText says whether every character is one that a message may hold:
// https://www.w3.org/TR/REC-xml/#charsets
func isText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}

// between checks an optional integer parameter; def stands in when it is absent.
func between(name string, v *int64, low, high, def int64) (int64, error) {
	if v == nil {
		return def, nil
	}
	if *v < low || *v > high {
		return 0, badParameter(name, *v, fmt.Sprintf("Must be between %d and %d, if provided.", low, high))
	}
	return *v, nil
}

// newID is a random (version 4) UUID.
func newID() (id [16]byte) {
	_, _ = crand.Read(id[:]) // never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return id
}

func formatID(id [16]byte) string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// handle is what a receipt handle says.
type handle struct{ queue, seq, receipt int64 }

const handleVersion = 1

// newReceipt is a random positive number: a handle cannot be guessed, and one
// of an earlier database matches nothing.
func newReceipt() int64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // never fails
	return int64(binary.LittleEndian.Uint64(b[:])>>1 | 1)
}

func (h handle) String() string {
	b := []byte{handleVersion}
	for _, v := range [...]int64{h.queue, h.seq, h.receipt} {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	return base64.URLEncoding.EncodeToString(b)
}

// parseHandle reads a receipt handle of this queue.
func parseHandle(q *queue, text string) (handle, error) {
	if text == "" {
		return handle{}, missing("ReceiptHandle")
	}
	b, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(b) != 25 || b[0] != handleVersion {
		return handle{}, kindReceiptHandle.errorf("The input receipt handle %q is not a valid receipt handle.", text)
	}
	read := func(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }
	h := handle{queue: read(1), seq: read(9), receipt: read(17)}
	if h.queue != q.id {
		return handle{}, kindReceiptHandle.errorf("The input receipt handle is not one of queue %s.", q.name)
	}
	return h, nil
}

func encodeToken(name string) string { return base64.URLEncoding.EncodeToString([]byte(name)) }

func decodeToken(token string) (string, error) {
	b, err := base64.URLEncoding.DecodeString(token)
	if err != nil || token != "" && !isToken(string(b)) {
		return "", badParameter("NextToken", token, "It was not given by this server.")
	}
	return string(b), nil
}
