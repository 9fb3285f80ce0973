package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/scorer"
)

// retention is how long a message may come back: the dead-letter queues keep
// it for 14 days.
const retention = 14 * 24 * time.Hour

// maxModel bounds a model that is read from the bucket, in bytes.
const maxModel = 64 << 20

// function is what the roles are made of.
type function struct {
	c       *configuration
	objects *store.Store
	queues  *sqs.Client
	model   *model.Model
	log     *slog.Logger
}

// newHandler makes the role's handler. Whatever can be wrong with the
// configuration or the model is an error here, before the first event.
func newHandler(ctx context.Context, getenv func(string) string, stderr io.Writer) (lambda.Handler, error) {
	c, err := readConfiguration(getenv)
	if err != nil {
		return nil, err
	}
	if c.memory > 0 && getenv(envMemoryLimit) == "" {
		debug.SetMemoryLimit(c.memory << 20 / 100 * 85)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("aws configuration: %w", err)
	}
	f := &function{
		c: c, log: newLogger(stderr, c.level),
		objects: store.New(store.NewClient(cfg, store.ClientOptions{Endpoint: c.s3}), c.bucket),
		queues:  events.NewClient(cfg, c.sqs),
	}
	if f.model, err = f.loadModel(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", envModel, err)
	}
	switch c.role {
	case roleAPI:
		return f.api()
	case roleWorker:
		return f.worker()
	default:
		return f.maintenance()
	}
}

// loadModel takes the built-in model, a file, or a model of the bucket.
func (f *function) loadModel(ctx context.Context) (*model.Model, error) {
	var data []byte
	var err error
	switch {
	case f.c.modelSHA256 != "":
		data, _, err = f.objects.Get(ctx, status.ModelKey(f.c.modelSHA256), maxModel)
	case f.c.modelFile != "":
		data, err = os.ReadFile(f.c.modelFile)
	default:
		return model.Default(), nil
	}
	if err != nil {
		return nil, err
	}
	m, err := model.Parse(data)
	if err != nil {
		return nil, err
	}
	if want := f.c.modelSHA256; want != "" && m.SHA256() != want {
		return nil, fmt.Errorf("model %s: its bytes have SHA-256 %s: %w", want, m.SHA256(), model.ErrCorrupt)
	}
	return m, nil
}

// bulk makes the worker of the bulk queue.
func (f *function) bulk() (*scorer.Bulk, error) {
	s, err := scorer.New(f.model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", envModel, err)
	}
	return scorer.NewBulk(scorer.BulkOptions{
		Scorer: s, Objects: f.objects, Queue: events.NewSender(f.queues, f.c.bulk), IDs: f.c.ids,
		Bucket: f.c.bucket, ChunkSize: f.c.chunkSize, Logger: f.log,
	})
}

// ready reports whether the bucket and the applications queue answer.
func (f *function) ready(ctx context.Context) error {
	_, err := f.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &f.c.applications})
	if err != nil {
		err = fmt.Errorf("applications queue: %w", err)
	}
	return errors.Join(f.objects.Ready(ctx), err)
}
