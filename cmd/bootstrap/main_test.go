package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/local"
	"github.com/loanscorer/loanscorer/internal/local/localtest"
	"github.com/loanscorer/loanscorer/internal/runtimetest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

const (
	testSecret       = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	testApplications = "loanscorer-applications"
	testBulk         = "loanscorer-bulk"
	testBucket       = "loanscorer"

	envTestHandler = "BOOTSTRAP_TEST_HANDLER" // this program is a function with that handler
)

// program is the built function.
var program string

// TestMain builds the function once, as 'make bootstrap' does. This program can
// be a function itself, with handlers that no real one has.
func TestMain(m *testing.M) {
	if name := os.Getenv(envTestHandler); name != "" {
		os.Exit(run(context.Background(), os.Getenv, os.Stderr, testHandler(name)))
	}
	os.Exit(withProgram(m))
}

func withProgram(m *testing.M) int {
	// deploy/image-test.sh has a container image tested instead of this program.
	if program = os.Getenv("LOANSCORER_TEST_PROGRAM"); program != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "bootstrap")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// testHandler makes the real handler and breaks it.
func testHandler(name string) build {
	return func(ctx context.Context, getenv func(string) string, stderr io.Writer) (lambda.Handler, error) {
		h, err := newHandler(ctx, getenv, stderr)
		if err != nil {
			return nil, err
		}
		w := h.(*worker)
		switch name {
		case "panic":
			w.applications = panicking{w.applications}
			return w, nil
		case "hang":
			return hanging{w}, nil
		default:
			return nil, fmt.Errorf("%s: %q", envTestHandler, name)
		}
	}
}

// hanging does its work and never answers.
type hanging struct{ lambda.Handler }

func (h hanging) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	_, _ = h.Handler.Invoke(ctx, payload)
	select {}
}

// panicking breaks down over one message.
type panicking struct{ events.Handler }

func (p panicking) Handle(ctx context.Context, batch []events.Message) []error {
	for i := range batch {
		if strings.Contains(string(batch[i].Body), "PANIC") {
			panic("CANARY")
		}
	}
	return p.Handler.Handle(ctx, batch)
}

// cloud is S3 and SQS for the functions of one test.
type cloud struct {
	server       *local.Server
	objects      *store.Store
	queues       *sqs.Client
	applications string // queue URLs
	bulk         string
}

func newCloud(t *testing.T, visibility time.Duration) *cloud {
	t.Helper()
	s := localtest.Server(t, local.Options{
		Bucket: testBucket, UploadsPrefix: status.UploadsPrefix, NotifyQueue: testBulk,
		Queues: []local.Queue{
			{Name: testApplications, VisibilityTimeout: visibility, MaxReceives: 100},
			{Name: testBulk, VisibilityTimeout: visibility, MaxReceives: 100},
		},
	})
	cfg := localtest.Config(s)
	return &cloud{
		server:       s,
		objects:      store.New(store.NewClient(cfg, store.ClientOptions{Endpoint: s.S3Endpoint()}), testBucket),
		queues:       events.NewClient(cfg, s.SQSEndpoint()),
		applications: s.QueueURL(testApplications), bulk: s.QueueURL(testBulk),
	}
}

// env is a function's environment; more goes last and wins.
func (c *cloud) env(role string, more ...string) []string {
	creds := c.server.Credentials()
	return append([]string{
		"AWS_ACCESS_KEY_ID=" + creds.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + creds.SecretAccessKey,
		envS3 + "=" + c.server.S3Endpoint(), envSQS + "=" + c.server.SQSEndpoint(),
		envRole + "=" + role, envBucket + "=" + testBucket, envSecret + "=" + testSecret,
		envApplications + "=" + c.applications, envBulk + "=" + c.bulk, envReceives + "=100",
	}, more...)
}

// function is the built program in a role.
func (c *cloud) function(t *testing.T, role string, more ...string) *runtimetest.Function {
	t.Helper()
	f := runtimetest.New(t, runtimetest.Options{Program: []string{program}, Env: c.env(role, more...)})
	logAtEnd(t, f)
	return f
}

// logAtEnd shows what the function wrote if the test fails.
func logAtEnd(t *testing.T, f *runtimetest.Function) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the function:\n%s", f.Log())
		}
	})
}

func fixture(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func encoded(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decoded[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}
