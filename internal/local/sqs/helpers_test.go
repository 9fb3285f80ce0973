package sqs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

var testCredentials = Credentials{AccessKeyID: "AKIDTEST", SecretAccessKey: "not-a-secret"}

// testOptions are for a database in a new directory.
func testOptions(tb testing.TB) Options {
	tb.Helper()
	return Options{Path: filepath.Join(tb.TempDir(), "queues.db"), Credentials: testCredentials}
}

func open(tb testing.TB, opts Options) *Service {
	tb.Helper()
	s, err := Open(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	return s
}

// direct is an HTTP client that calls the service without a network, so that
// a test can run in a synctest bubble.
type direct struct{ handler http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	served := r.Clone(r.Context())
	if r.Body == nil {
		served.Body = http.NoBody
	}
	served.Host = r.URL.Host
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, served)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func newClient(endpoint string, c Credentials, httpClient sqs.HTTPClient) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint), HTTPClient: httpClient,
		Credentials:      credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
		RetryMaxAttempts: 1,
	})
}

// directClient is the real SDK client without a network.
func directClient(s *Service) *sqs.Client {
	return newClient("http://127.0.0.1:9324", testCredentials, direct{s})
}

// networkClient is the real SDK client over loopback.
func networkClient(tb testing.TB, s *Service) *sqs.Client {
	tb.Helper()
	server := httptest.NewServer(s)
	tb.Cleanup(server.Close)
	return newClient(server.URL, testCredentials, server.Client())
}

// fixture is a queue with the client that uses it.
type fixture struct {
	testing.TB
	*sqs.Client
	service *Service
	url     *string
	later   *string // a receipt handle kept between the steps of a test
}

func newFixture(tb testing.TB, opts Options, attributes map[string]string) *fixture {
	tb.Helper()
	s := open(tb, opts)
	f := &fixture{TB: tb, Client: directClient(s), service: s}
	f.url = f.queue("work", attributes)
	return f
}

func (f *fixture) queue(name string, attributes map[string]string) *string {
	f.Helper()
	out, err := f.CreateQueue(f.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	f.must(err)
	return out.QueueUrl
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) send(bodies ...string) {
	f.Helper()
	for _, body := range bodies {
		_, err := f.SendMessage(f.Context(), &sqs.SendMessageInput{QueueUrl: f.url, MessageBody: &body})
		f.must(err)
	}
}

// receive asks once, with every attribute, changed by the edits.
func (f *fixture) receive(edits ...func(*sqs.ReceiveMessageInput)) []types.Message {
	f.Helper()
	in := &sqs.ReceiveMessageInput{
		QueueUrl: f.url, MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"},
	}
	for _, edit := range edits {
		edit(in)
	}
	out, err := f.ReceiveMessage(f.Context(), in)
	f.must(err)
	return out.Messages
}

// one receives exactly one message.
func (f *fixture) one(edits ...func(*sqs.ReceiveMessageInput)) types.Message {
	f.Helper()
	got := f.receive(edits...)
	if len(got) != 1 {
		f.Fatalf("received %d messages, want 1", len(got))
	}
	return got[0]
}

func (f *fixture) attribute(url *string, name string) string {
	f.Helper()
	out, err := f.GetQueueAttributes(f.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"}})
	f.must(err)
	return out.Attributes[name]
}

func (f *fixture) delete(m types.Message) {
	f.Helper()
	_, err := f.DeleteMessage(f.Context(), &sqs.DeleteMessageInput{QueueUrl: f.url, ReceiptHandle: m.ReceiptHandle})
	f.must(err)
}

func from(url *string) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.QueueUrl = url }
}

func waiting(seconds int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = seconds }
}

func hiding(seconds int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.VisibilityTimeout = seconds }
}

func bodies(messages []types.Message) []string {
	var list []string
	for _, m := range messages {
		list = append(list, *m.Body)
	}
	return list
}

// code is the API error code of err, "" for nil.
func code(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api):
		return api.ErrorCode()
	default:
		return "not an API error: " + err.Error()
	}
}

// logLines is a logger whose lines a test can read.
func logLines(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func redriveTo(name string, receives int) string {
	return fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s","maxReceiveCount":"%d"}`, name, receives)
}

func sendAll(ctx context.Context, s *Service, queue string, bodies ...string) error {
	for _, b := range bodies {
		if _, err := s.Send(ctx, queue, b, nil); err != nil {
			return err
		}
	}
	return nil
}

func (f *fixture) change(handle *string, seconds int32) error {
	_, err := f.ChangeMessageVisibility(f.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: f.url, ReceiptHandle: handle, VisibilityTimeout: seconds,
	})
	return err
}

// rowCount is the number of messages in the file, visible or not.
func rowCount(tb testing.TB, s *Service) (n int) {
	tb.Helper()
	err := s.do(tb.Context(), func(ctx context.Context, tx *transaction) error {
		return tx.conn.QueryRowContext(ctx, "SELECT count(*) FROM state").Scan(&n)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// fillInFlight makes rows that count as messages in flight for a day.
func fillInFlight(tb testing.TB, s *Service, q *queue, n int) {
	tb.Helper()
	err := s.do(tb.Context(), func(ctx context.Context, tx *transaction) error {
		q.inFlight = maxInFlight
		tx.nextSeq += int64(n)
		_, err := tx.conn.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<?1)
			INSERT INTO state SELECT i, ?2, x'00', ?3, ?3+86400000, ?3, ?3, 1, i, '', 0 FROM n`, n, q.id, tx.now)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}
