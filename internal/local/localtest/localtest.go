// Package localtest gives tests a running S3 and SQS server of their own, for the real SDK
// clients.
//
// Contract: every call of Server starts a fresh server on free ports and an empty directory,
// which ends with the test. A start takes some 10 ms. Only tests may import it.
package localtest

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/loanscorer/loanscorer/internal/local"
)

// Server starts a server for one test. o may be empty: Dir, the addresses and Logger are
// filled in when they are.
func Server(tb testing.TB, o local.Options) *local.Server {
	tb.Helper()
	if o.Dir == "" {
		o.Dir = tb.TempDir()
	}
	if o.S3Addr == "" {
		o.S3Addr = "127.0.0.1:0"
	}
	if o.SQSAddr == "" {
		o.SQSAddr = "127.0.0.1:0"
	}
	if o.Logger == nil {
		w := &output{tb: tb}
		tb.Cleanup(w.end)
		o.Logger = slog.New(slog.NewTextHandler(w, nil))
	}
	s, err := local.Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 30*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Config is an SDK configuration with the server's credentials. The endpoint is to be set on
// each client: Server.S3Endpoint (with UsePathStyle) or Server.SQSEndpoint.
func Config(s *local.Server) aws.Config {
	c := s.Credentials()
	return aws.Config{
		Region:      c.Region,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
	}
}

// output writes to the log of a test until it ends.
type output struct {
	mu sync.Mutex
	tb testing.TB
}

// Write logs one line.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.tb != nil {
		o.tb.Log(strings.TrimRight(string(b), "\n"))
	}
	return len(b), nil
}

func (o *output) end() {
	o.mu.Lock()
	o.tb = nil
	o.mu.Unlock()
}
