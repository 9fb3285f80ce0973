package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
	"github.com/loanscorer/loanscorer/scorer"
)

// noReasons is the value of LOANSCORER_REASONS that turns reasons off.
const noReasons = "none"

// maxReasons bounds a file of reasons, in bytes.
const maxReasons = 1 << 20

// function is what the roles are made of.
type function struct {
	c       *configuration
	objects *store.Store
	queues  *sqs.Client
	scorer  *scorer.Scorer
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
	if f.scorer, err = f.loadScorer(ctx); err != nil {
		return nil, err
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

// read returns a document's bytes, nil for the built-in one. key is where the
// bucket has it; a document of the bucket has the SHA-256 that names it.
func (f *function) read(ctx context.Context, d document, key func(sha string) string, limit int64) ([]byte, error) {
	switch {
	case d.sha256 != "":
		data, _, err := f.objects.Get(ctx, key(d.sha256), limit)
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != d.sha256 {
			return nil, fmt.Errorf("%q: its bytes have SHA-256 %x", key(d.sha256), sum)
		}
		return data, nil
	case d.file != "":
		in, err := os.Open(d.file)
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(io.LimitReader(in, limit+1))
		if err = errors.Join(err, in.Close()); err == nil && int64(len(data)) > limit {
			err = fmt.Errorf("%s: more than %d bytes", d.file, limit)
		}
		return data, err
	default:
		return nil, nil
	}
}

// loadModel takes the built-in model, a file, or a model of the bucket. It is
// ready to score: its compiled form has passed the self-test.
func (f *function) loadModel(ctx context.Context, d document) (*model.Model, error) {
	data, err := f.read(ctx, d, status.ModelKey, model.MaxFileBytes)
	if err != nil {
		return nil, err
	}
	var m *model.Model
	if data == nil {
		m = model.Default()
	} else if m, err = model.Parse(data); err != nil {
		return nil, err
	}
	return m, m.Compile()
}

// loadScorer binds the model to its reasons.
func (f *function) loadScorer(ctx context.Context) (*scorer.Scorer, error) {
	m, err := f.loadModel(ctx, f.c.model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", envModel, err)
	}
	o := scorer.Options{NoReasons: f.c.reasons.file == noReasons}
	if o.Shadow, err = f.loadShadow(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", envShadow, err)
	}
	if !o.NoReasons {
		data, err := f.read(ctx, f.c.reasons, status.ReasonsKey, maxReasons)
		if err == nil && data != nil {
			o.Reasons, err = explain.ParseTable(data)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", envReasons, err)
		}
	}
	s, err := scorer.NewWith(m, o)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", envModel, envReasons, err)
	}
	return s, nil
}

// builtIn is the value of LOANSCORER_SHADOW that means the built-in model.
const builtIn = "default"

// loadShadow takes the shadow model of new files, nil for none. The api plans
// no files and needs none.
func (f *function) loadShadow(ctx context.Context) (*scorer.Scorer, error) {
	d := f.c.shadow
	if d == (document{}) || f.c.role == roleAPI {
		return nil, nil //nolint:nilnil // nil is no shadow, in Options too
	}
	if d.file == builtIn {
		d = document{}
	}
	m, err := f.loadModel(ctx, d)
	if err != nil {
		return nil, err
	}
	return scorer.NewWith(m, scorer.Options{NoReasons: true})
}

// bulk makes the worker of the bulk queue.
func (f *function) bulk() (*scorer.Bulk, error) {
	return scorer.NewBulk(scorer.BulkOptions{
		Scorer: f.scorer, Objects: f.objects, Queue: events.NewSender(f.queues, f.c.bulk), IDs: f.c.ids,
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
