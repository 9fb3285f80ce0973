package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/loanscorer/loanscorer/internal/local"
	"github.com/loanscorer/loanscorer/internal/local/localtest"
)

const bucket = "loans"

func options(dir string) local.Options {
	return local.Options{
		Dir: dir, S3Addr: "127.0.0.1:0", SQSAddr: "127.0.0.1:0", Bucket: bucket,
		Queues: []local.Queue{
			{Name: "applications", VisibilityTimeout: 45 * time.Second, MaxReceives: 3},
			{Name: "bulk"},
		},
		UploadsPrefix: "uploads/", NotifyQueue: "bulk",
	}
}

func s3Client(s *local.Server) *s3.Client {
	return s3.NewFromConfig(localtest.Config(s), func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle = aws.String(s.S3Endpoint()), true
	})
}

func sqsClient(s *local.Server) *awssqs.Client {
	return awssqs.NewFromConfig(localtest.Config(s), func(o *awssqs.Options) { o.BaseEndpoint = aws.String(s.SQSEndpoint()) })
}

func put(ctx context.Context, c *s3.Client, key, body string) error {
	_, err := c.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(body)})
	return err
}

// receive returns the bodies of the messages that are in a queue, and deletes them.
func receive(t *testing.T, s *local.Server, queue string) (bodies []string) {
	t.Helper()
	c, url := sqsClient(s), aws.String(s.QueueURL(queue))
	for {
		out, err := c.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return bodies
		}
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
			if _, err := c.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestQueuesAreMade(t *testing.T) {
	t.Parallel()
	s := localtest.Server(t, options(""))
	out, err := sqsClient(s).GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: aws.String(s.QueueURL("applications")), AttributeNames: []sqstypes.QueueAttributeName{"All"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Attributes["VisibilityTimeout"]; got != "45" {
		t.Errorf("VisibilityTimeout %q", got)
	}
	if got := out.Attributes["RedrivePolicy"]; !strings.Contains(got, ":applications-dlq") || !strings.Contains(got, "3") {
		t.Errorf("RedrivePolicy %q", got)
	}
	out, err = sqsClient(s).GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: aws.String(s.QueueURL("bulk-dlq")), AttributeNames: []sqstypes.QueueAttributeName{"All"},
	})
	if err != nil || out.Attributes["MessageRetentionPeriod"] != "1209600" {
		t.Errorf("dead-letter queue %v, %v", out, err)
	}
}

// failure 35: what is not an upload is not announced.
func TestNotification(t *testing.T) {
	t.Parallel()
	s := localtest.Server(t, options(""))
	c := s3Client(s)
	for _, key := range []string{"results/x.parquet", "uploads/a b+c%20ü.csv", "upload"} {
		if err := put(t.Context(), c, key, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	bodies := receive(t, s, "bulk")
	if len(bodies) != 1 {
		t.Fatalf("messages %q, want one", bodies)
	}
	var m struct {
		Records []struct {
			EventVersion, EventSource, EventName, EventTime string
			S3                                              struct {
				Bucket struct{ Name string }
				Object struct {
					Key, ETag, Sequencer string
					Size                 int64
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(bodies[0]), &m); err != nil || len(m.Records) != 1 {
		t.Fatalf("%s: %v", bodies[0], err)
	}
	r := m.Records[0]
	if r.EventVersion != "2.1" || r.EventSource != "aws:s3" || r.EventName != "ObjectCreated:Put" || r.S3.Bucket.Name != bucket ||
		r.S3.Object.Key != "uploads/a+b%2Bc%2520%C3%BC.csv" || r.S3.Object.Size != 5 ||
		r.S3.Object.ETag != "5d41402abc4b2a76b9719d911017c592" || len(r.S3.Object.Sequencer) != 16 {
		t.Errorf("record %+v", r)
	}
	if at, err := time.Parse(time.RFC3339, r.EventTime); err != nil || time.Since(at) > time.Minute {
		t.Errorf("event time %q, %v", r.EventTime, err)
	}
}

// An upload whose event cannot be queued is not acknowledged.
func TestNotificationFails(t *testing.T) {
	t.Parallel()
	s := localtest.Server(t, options(""))
	_, err := sqsClient(s).DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: aws.String(s.QueueURL("bulk"))})
	if err != nil {
		t.Fatal(err)
	}
	c := s3.NewFromConfig(localtest.Config(s), func(o *s3.Options) {
		o.BaseEndpoint, o.UsePathStyle, o.RetryMaxAttempts = aws.String(s.S3Endpoint()), true, 1
	})
	var status interface{ HTTPStatusCode() int }
	if err := put(t.Context(), c, "uploads/x", "x"); !errors.As(err, &status) || status.HTTPStatusCode() != 503 {
		t.Errorf("put: %v, want 503", err)
	}
	if err := put(t.Context(), c, "other", "x"); err != nil {
		t.Errorf("put elsewhere: %v", err)
	}
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := local.Start(t.Context(), options(dir))
	if err != nil {
		t.Fatal(err)
	}
	if !s.FirstStart() {
		t.Error("the first start is not called so")
	}
	if err := put(t.Context(), s3Client(s), "uploads/x", "kept"); err != nil {
		t.Fatal(err)
	}
	creds := s.Credentials()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Errorf("second Close: %v", err)
	}
	changed := options(dir)
	changed.Queues[1].VisibilityTimeout = time.Minute
	s = localtest.Server(t, changed)
	if s.FirstStart() || s.Credentials() != creds {
		t.Errorf("first %v, credentials %v, want %v", s.FirstStart(), s.Credentials(), creds)
	}
	if read, err := local.ReadCredentials(dir); err != nil || read != creds {
		t.Errorf("ReadCredentials %v, %v", read, err)
	}
	out, err := s3Client(s).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("uploads/x")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if bodies := receive(t, s, "bulk"); len(bodies) != 1 {
		t.Errorf("messages %q", bodies)
	}
}

func TestSecondServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	localtest.Server(t, options(dir))
	_, err := local.Start(t.Context(), options(dir))
	if !errors.Is(err, local.ErrLocked) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "choose another directory") {
		t.Errorf("error %v, want ErrLocked that names %s and what to do", err, dir)
	}
	localtest.Server(t, options("")) // another directory is no problem
}

func TestTakenAddress(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	dir := t.TempDir()
	for _, set := range []func(*local.Options){
		func(o *local.Options) { o.S3Addr = addr },
		func(o *local.Options) { o.SQSAddr = addr },
	} {
		o := options(dir)
		set(&o)
		_, err := local.Start(t.Context(), o)
		if !errors.Is(err, local.ErrAddrInUse) || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "choose another port") {
			t.Errorf("error %v, want ErrAddrInUse that names %s", err, addr)
		}
	}
	localtest.Server(t, options(dir)) // the failed starts have let go of the directory
}

func TestBadDirectory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := local.Start(t.Context(), options(filepath.Join(file, "data")))
	if err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("directory below a file: %v", err)
	}
	if _, err := local.Start(t.Context(), local.Options{}); err == nil {
		t.Error("no directory: no error")
	}
	o := options(t.TempDir())
	o.NotifyQueue = "other"
	if _, err := local.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "NotifyQueue") {
		t.Errorf("unknown queue: %v", err)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := local.ReadCredentials(dir); !errors.Is(err, local.ErrNoCredentials) || !strings.Contains(err.Error(), dir) {
		t.Errorf("none yet: %v", err)
	}
	s := localtest.Server(t, options(dir))
	info, err := os.Stat(filepath.Join(dir, "credentials.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("credentials.json: %v, %v", info.Mode(), err)
	}
	if c := s.Credentials(); len(c.AccessKeyID) != 20 || len(c.SecretAccessKey) != 40 || c.Region != "us-east-1" {
		t.Errorf("credentials %q, %d characters, %q", c.AccessKeyID, len(c.SecretAccessKey), c.Region)
	}
	bad := t.TempDir()
	if err := os.WriteFile(filepath.Join(bad, "credentials.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Start(t.Context(), options(bad)); err == nil || !strings.Contains(err.Error(), "credentials.json") {
		t.Errorf("damaged file: %v", err)
	}
}

func TestCloseIsQuick(t *testing.T) {
	t.Parallel()
	s, err := local.Start(t.Context(), options(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	for _, url := range []string{s.S3Endpoint(), s.SQSEndpoint()} {
		conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://")) // never used
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	polled := make(chan error, 1)
	go func() {
		_, err := sqsClient(s).ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{
			QueueUrl: aws.String(s.QueueURL("applications")), WaitTimeSeconds: 20,
		})
		polled <- err
	}()
	if err := put(t.Context(), s3Client(s), "k", "x"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	<-polled // answered or cut off, but not after 20 s
	select {
	case err := <-s.Err():
		t.Errorf("a close is reported as a fault: %v", err)
	default:
	}
}
