package scorer

import (
	"context"
	"io"
	"iter"

	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

// Claims is what the claim protocol needs of the object store; *store.Store
// documents each method's errors.
type Claims interface {
	Head(ctx context.Context, key string) (store.Info, error)
	Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error)
	Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error)
	Replace(ctx context.Context, key, etag string, body []byte, o store.PutOptions) (store.Info, error)
}

// Streams reads and writes objects larger than memory.
type Streams interface {
	Open(ctx context.Context, ref store.Ref, offset int64, o store.OpenOptions) (io.ReadCloser, error)
	CreateFrom(ctx context.Context, key string, r io.Reader, o store.PutOptions) (store.Info, error)
	ReplaceFrom(ctx context.Context, key, etag string, r io.Reader, o store.PutOptions) (store.Info, error)
}

// Objects is what the bulk side needs of the object store.
type Objects interface {
	Claims
	Streams
	Put(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error)
	List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error]
}

// Queue is where chunk messages go; *events.Sender is one.
type Queue interface {
	SendAll(ctx context.Context, bodies []string, group string) []error
}

const (
	maxDocument = 16 << 20 // bytes of a document that is read back
	maxModel    = model.MaxFileBytes

	jsonType    = "application/json"
	parquetType = "application/vnd.apache.parquet"
	csvType     = "text/csv; charset=utf-8"
	linesType   = "application/x-ndjson"
)
