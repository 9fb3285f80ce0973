package s3gw

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

const (
	childDir = "LOANSCORER_TEST_S3GW_CHILD" // names the directory that a child process serves
	testUser = "AKIDTEST"
	testPass = "test-secret"
	bucket   = "loans"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

// child serves dir, prints its address and waits to be killed.
func child(dir string) int {
	ctx := context.Background()
	g, err := Start(ctx, Options{Dir: dir, AccessKeyID: testUser, SecretAccessKey: testPass})
	if err == nil {
		err = g.CreateBucket(ctx, bucket)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(g.Addr())
	<-g.Done()
	return 0
}

// start runs a gateway with one bucket until the test ends.
func start(t *testing.T, o Options) (*Gateway, *s3.Client) {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.AccessKeyID, o.SecretAccessKey = testUser, testPass
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	g, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := g.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	return g, client(g.Addr(), testPass)
}

func client(addr, secret string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String("http://" + addr), Region: "us-east-1", UsePathStyle: true,
		Credentials:      credentials.NewStaticCredentialsProvider(testUser, secret, ""),
		RetryMaxAttempts: 1,
	})
}

func put(ctx context.Context, c *s3.Client, key, body string, opts ...func(*s3.PutObjectInput)) (string, error) {
	in := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: bytes.NewReader([]byte(body))}
	for _, opt := range opts {
		opt(in)
	}
	out, err := c.PutObject(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ETag), nil
}

func mustPut(t *testing.T, c *s3.Client, key, body string, opts ...func(*s3.PutObjectInput)) string {
	t.Helper()
	etag, err := put(t.Context(), c, key, body, opts...)
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	return etag
}

func get(ctx context.Context, c *s3.Client, key string) (string, error) {
	out, err := c.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(out.Body)
	return string(b), errors.Join(err, out.Body.Close())
}

func mustGet(t *testing.T, c *s3.Client, key string) string {
	t.Helper()
	body, err := get(t.Context(), c, key)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	return body
}

// code is the S3 error code of err, or "" without an error.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func status(err error) int {
	var r interface{ HTTPStatusCode() int }
	if errors.As(err, &r) {
		return r.HTTPStatusCode()
	}
	return 0
}

func ifNoneMatch(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }

func ifMatch(etag string) func(*s3.PutObjectInput) {
	return func(in *s3.PutObjectInput) { in.IfMatch = &etag }
}
