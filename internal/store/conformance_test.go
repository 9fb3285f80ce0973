package store_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/loanscorer/loanscorer/internal/local"
	"github.com/loanscorer/loanscorer/internal/local/localtest"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/internal/store/storetest"
)

const bucket = "loans"

// server starts an S3 endpoint and returns a store on it, through transport
// where it is not nil, and the client behind it.
func server(t *testing.T, transport http.RoundTripper) (*store.Store, *s3.Client) {
	t.Helper()
	s := localtest.Server(t, local.Options{Bucket: bucket})
	cfg := localtest.Config(s)
	if transport != nil {
		cfg.HTTPClient = &http.Client{Transport: transport}
	}
	c := store.NewClient(cfg, store.ClientOptions{Endpoint: s.S3Endpoint(), MaxBackoff: time.Millisecond})
	return store.New(c, bucket), c
}

// The S3 client keeps the contract against a real endpoint.
func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Empty {
		t.Helper()
		s, c := server(t, nil)
		return storetest.Empty{Store: s, Delete: func(t *testing.T, key string) {
			t.Helper()
			if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key}); err != nil {
				t.Fatal(err)
			}
		}}
	})
}

func TestReady(t *testing.T) {
	t.Parallel()
	s, c := server(t, nil)
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("a bucket that is there: %v", err)
	}
	if err := store.New(c, "other").Ready(t.Context()); err == nil {
		t.Error("a bucket that is not there is ready")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Ready(ctx); err == nil {
		t.Error("ready without having asked")
	}
	if s.Bucket() != bucket {
		t.Errorf("bucket %q", s.Bucket())
	}
}
