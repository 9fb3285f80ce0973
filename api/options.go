package api

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

// Objects is what the api reads of the object store; *store.Store is one.
type Objects interface {
	// Get returns a whole object of at most limit bytes, or store.ErrNotFound.
	Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error)
	// Create writes an object unless one is there, which is store.ErrExists.
	Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error)
	// Head returns what is known of an object, its metadata included, or store.ErrNotFound.
	Head(ctx context.Context, key string) (store.Info, error)
	// List yields the objects under prefix in byte order, after the key `after`.
	List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error]
	// Folders returns the names between prefix and the next slash, each with its slash, in byte order.
	Folders(ctx context.Context, prefix string) ([]string, error)
	// ReadRange returns n bytes of an object that is written once, or store.ErrNotFound.
	ReadRange(ctx context.Context, key string, offset, n int64) ([]byte, error)
}

// Queue is what the api needs of the applications queue; *events.Sender is one.
type Queue interface {
	// Send puts one message into the queue and returns when it is stored.
	Send(ctx context.Context, body, group string) error
	// SendAll sends many: one error per message, or nil when all are stored.
	SendAll(ctx context.Context, bodies []string, group string) []error
}

// Options configure the api.
type Options struct {
	IDs          *status.IDs  // mints and verifies ids; required
	Objects      Objects      // the bucket; required
	Applications Queue        // where accepted applications go; required
	Model        *model.Model // scores POST /predictions and is shown by GET /v1/model; required

	// Retention is how long the applications queue keeps a message; an
	// application without a document is expired after it. 4 days by default.
	Retention time.Duration
	// DocumentRetention is how long documents are kept; an id older than that
	// without a document answers 410. 0 is for ever.
	DocumentRetention time.Duration
	// Caller tells who sends a request; an id belongs to the caller it was
	// minted for. nil is "local" for every request.
	Caller func(*http.Request) string
	// DirectIntake says that API Gateway puts applications into the queue by
	// itself too. They are called by its request ids, which prove nothing:
	// without a document they are answered 404 with Retry-After.
	DirectIntake bool
	// Ready reports whether the store, the queue and the model can be reached.
	// nil is always ready.
	Ready func(context.Context) error
	// Version of the program, shown by /healthz and in the OpenAPI document; "dev" by default.
	Version string
	// Logger gets one line per request; nil logs nothing.
	Logger *slog.Logger
	// Now is the clock behind ids and ages; time.Now by default.
	Now func() time.Time
}

const defaultRetention = 4 * 24 * time.Hour

func (o *Options) complete() error {
	switch {
	case o.IDs == nil:
		return errors.New("api options: IDs is required")
	case o.Objects == nil:
		return errors.New("api options: Objects is required")
	case o.Applications == nil:
		return errors.New("api options: Applications is required")
	case o.Model == nil:
		return errors.New("api options: Model is required")
	case o.Retention < 0:
		return errors.New("api options: Retention is negative")
	case o.DocumentRetention < 0:
		return errors.New("api options: DocumentRetention is negative")
	}
	if o.Retention == 0 {
		o.Retention = defaultRetention
	}
	if o.Caller == nil {
		o.Caller = func(*http.Request) string { return "local" }
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) error { return nil }
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}
