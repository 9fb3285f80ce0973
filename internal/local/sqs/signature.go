package sqs

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	signatureAlgorithm = "AWS4-HMAC-SHA256"
	maxSkew            = 15 * time.Minute
	amzTime            = "20060102T150405Z"
)

// authorization is a parsed Authorization header of Signature Version 4:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
type authorization struct {
	accessKey, date, region, service string
	signedHeaders                    []string // lower case
	signature                        string
}

func parseAuthorization(header string) (authorization, error) {
	var a authorization
	algorithm, rest, _ := strings.Cut(header, " ")
	if header == "" {
		return a, kindNoSignature.errorf("Request is missing Authentication Token")
	}
	if algorithm != signatureAlgorithm {
		return a, kindIncompleteSignature.errorf("Authorization header requires %s, it has %q.", signatureAlgorithm, algorithm)
	}
	var scope string
	for part := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch key {
		case "Credential":
			scope = value
		case "SignedHeaders":
			a.signedHeaders = strings.Split(value, ";")
		case "Signature":
			a.signature = value
		}
	}
	fields := strings.Split(scope, "/")
	if len(fields) != 5 || fields[4] != "aws4_request" || len(a.signedHeaders) == 0 || a.signature == "" {
		return a, kindIncompleteSignature.errorf("Authorization header requires Credential, SignedHeaders and Signature.")
	}
	a.accessKey, a.date, a.region, a.service = fields[0], fields[1], fields[2], fields[3]
	return a, nil
}

// checkSignature signs the request again with the SDK's own signer and
// compares the results.
func (s *Service) checkSignature(r *http.Request, body []byte) error {
	a, err := parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	if a.accessKey != s.opts.Credentials.AccessKeyID {
		return kindUnknownKey.errorf("The security token included in the request is invalid: its access key id is not the one of this server.")
	}
	if a.service != "sqs" {
		return kindSignature.errorf("Credential should be scoped to correct service: 'sqs', it has %q.", a.service)
	}
	if a.region != s.opts.Region {
		return kindSignature.errorf("Credential should be scoped to a valid region: %q, it has %q.", s.opts.Region, a.region)
	}
	at, err := s.signingTime(r, a)
	if err != nil {
		return err
	}
	want, err := s.sign(r, a, body, at)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(a.signature)) != 1 {
		return kindSignature.errorf("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.")
	}
	return nil
}

// signingTime is X-Amz-Date, which must be within 15 minutes of the clock.
func (s *Service) signingTime(r *http.Request, a authorization) (time.Time, error) {
	text := r.Header.Get("X-Amz-Date")
	at, err := time.Parse(amzTime, text)
	if err != nil || !strings.HasPrefix(text, a.date) {
		return at, kindIncompleteSignature.errorf("X-Amz-Date %q must be a time such as %s on the day of the credential scope %q.", text, amzTime, a.date)
	}
	now := s.opts.Now().UTC()
	if at.Before(now.Add(-maxSkew)) {
		return at, kindSignature.errorf("Signature expired: %s is now earlier than %s (%s - 15 min.)", text, now.Add(-maxSkew).Format(amzTime), now.Format(amzTime))
	}
	if at.After(now.Add(maxSkew)) {
		return at, kindSignature.errorf("Signature not yet current: %s is still later than %s (%s + 15 min.)", text, now.Add(maxSkew).Format(amzTime), now.Format(amzTime))
	}
	return at, nil
}

// sign returns the signature that the request should have.
func (s *Service) sign(r *http.Request, a authorization, body []byte, at time.Time) (string, error) {
	clone := (&http.Request{
		Method: r.Method, Host: r.Host, Header: http.Header{},
		URL: &url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery},
	}).WithContext(r.Context())
	signed := map[string]bool{}
	for _, name := range a.signedHeaders {
		signed[name] = true
		switch name {
		case "host":
		case "content-length":
			clone.ContentLength = r.ContentLength
		default:
			clone.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !signed[lower] {
			return "", kindSignature.errorf("The header %s must be signed.", lower)
		}
	}
	if !signed["host"] {
		return "", kindSignature.errorf("The header host must be signed.")
	}
	hash := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: s.opts.Credentials.AccessKeyID, SecretAccessKey: s.opts.Credentials.SecretAccessKey}
	if err := s.signer.SignHTTP(r.Context(), credentials, clone, hex.EncodeToString(hash[:]), a.service, a.region, at); err != nil {
		return "", err
	}
	again, err := parseAuthorization(clone.Header.Get("Authorization"))
	return again.signature, err
}

// queryErrorBody tells a client of the old Query protocol, in its own format,
// why it is refused.
func queryErrorBody(e *Error) []byte {
	type detail struct {
		Type, Code, Message string
	}
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"ErrorResponse"`
		Error   detail
	}{Error: detail{Type: "Sender", Code: e.kind.query, Message: e.Message}})
	if err != nil {
		return nil
	}
	return body
}
