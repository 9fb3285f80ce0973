package scorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// CodeErased is the problem's code in the document of an application whose
// data was erased.
const CodeErased = "erased"

// maxErased bounds a result file that is written anew, in bytes.
const maxErased = 512 << 20

// Errors of Eraser.
var (
	// ErrNotKept says that there is no document: nothing was decided, or it is
	// past its retention.
	ErrNotKept = errors.New("nothing is kept of it")
	// ErrNotDone says that a worker may still write: erase it when it is done.
	ErrNotDone = errors.New("not done yet")
)

// Erasable is the bucket to an Eraser; *store.Store is one.
type Erasable interface {
	Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error)
	Head(ctx context.Context, key string) (store.Info, error)
	Replace(ctx context.Context, key, etag string, body []byte, o store.PutOptions) (store.Info, error)
}

// Eraser removes what is kept of single applications: their rows in result
// files and what their documents say. It writes files anew without the row,
// under If-Match, and the document last, so that it can be repeated after any
// failure. What stays is an empty shell under the id, so that a message that
// comes again is not scored again.
//
// It does not touch messages in queues, old versions of objects, copies made
// elsewhere, or uploaded files and their results.
type Eraser struct {
	Objects Erasable         // required
	Now     func() time.Time // time.Now
}

// Erased is what an erasure did.
type Erased struct {
	ID     string   `json:"id"`
	Keys   []string `json:"keys"`   // objects that hold, or held, something of it; old versions of them still do
	Rows   int      `json:"rows"`   // removed from result files
	Merged bool     `json:"merged"` // the day's files were merged; otherwise erase again when they are
}

// Erase removes what is kept of one application. Repeating it does no harm.
func (e *Eraser) Erase(ctx context.Context, id string) (Erased, error) {
	out := Erased{ID: id}
	key := status.ApplicationKey(id)
	data, info, err := e.Objects.Get(ctx, key, maxDocument)
	if errors.Is(err, store.ErrNotFound) {
		return out, fmt.Errorf("%s: %w", id, ErrNotKept)
	}
	if err != nil {
		return out, err
	}
	var doc status.Application
	if err := status.Decode(data, &doc); err != nil {
		return out, fmt.Errorf("%q: %w", key, err)
	}
	if err := e.done(ctx, &doc); err != nil {
		return out, fmt.Errorf("%s: %w", id, err)
	}
	out.Keys = append(out.Keys, key)
	if doc.Result != "" {
		if err := e.files(ctx, &doc, &out); err != nil {
			return out, err
		}
	}
	shell, err := status.Encode(&status.Application{
		V: status.Version, ID: id, State: status.DocRejected, Result: doc.Result, ClaimedAt: doc.ClaimedAt,
		LeaseUntil: doc.LeaseUntil, SubmittedAt: doc.SubmittedAt, Attempts: doc.Attempts,
		Error: &status.Problem{Title: "application was erased", Code: CodeErased, Detail: "its data was removed on request"},
	})
	if err != nil || bytes.Equal(shell, data) {
		return out, err
	}
	if _, err := e.Objects.Replace(ctx, key, info.ETag, shell, store.PutOptions{ContentType: jsonType}); err != nil {
		return out, err
	}
	return out, nil
}

// done refuses an application that a worker may still write.
func (e *Eraser) done(ctx context.Context, doc *status.Application) error {
	now := time.Now
	if e.Now != nil {
		now = e.Now
	}
	facts := status.Facts{Document: doc, Now: now(), File: status.FileMissing}
	if doc.State == status.DocClaimed {
		switch info, err := e.Objects.Head(ctx, doc.Result); {
		case err == nil:
			facts.File = status.FileOf(info.Metadata)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
	}
	if state := status.Derive(facts); !state.Done() {
		return fmt.Errorf("%s: %w", state, ErrNotDone)
	}
	return nil
}

// files removes the row from the small file first and from the day's file
// then: a merge reads the small ones.
func (e *Eraser) files(ctx context.Context, doc *status.Application, out *Erased) error {
	day := strings.TrimPrefix(doc.Result, status.ApplicationResultsPrefix+"dt=")
	day, _, _ = strings.Cut(day, "/")
	for _, key := range []string{doc.Result, status.DailyResultKey(day)} {
		removed, err := e.without(ctx, key, doc.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		out.Rows += removed
		out.Keys = append(out.Keys, key)
		out.Merged = out.Merged || key == status.DailyResultKey(day)
	}
	return nil
}

// without writes a result file anew without the rows of an application, and
// returns how many there were.
func (e *Eraser) without(ctx context.Context, key, id string) (int, error) {
	data, info, err := e.Objects.Get(ctx, key, maxErased)
	if err != nil {
		return 0, err
	}
	rows, err := decodeResults(data)
	if err != nil {
		return 0, fmt.Errorf("%q: %w", key, err)
	}
	kept := make([]parquet.Row, 0, len(rows))
	for _, row := range rows {
		if string(row[idColumn()].ByteArray()) != id {
			kept = append(kept, row)
		}
	}
	removed := len(rows) - len(kept)
	if removed == 0 {
		return 0, nil
	}
	columns, _ := applicationColumns()
	var body bytes.Buffer
	t := newTable(&body, columns)
	if err := errors.Join(t.write(kept), t.close()); err != nil {
		return 0, err
	}
	if _, err := e.Objects.Replace(ctx, key, info.ETag, body.Bytes(), fileOptions(status.FileResults, body.Bytes())); err != nil {
		return 0, err
	}
	return removed, nil
}
