package lookup

import (
	"context"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/bloom"
	"golang.org/x/sync/errgroup"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// Errors of Find.
var (
	// ErrOpen: the batch has no terminal state yet, or there is no such batch.
	ErrOpen = errors.New("batch has no summary yet")
	// ErrNoResults: it ended without results.
	ErrNoResults = errors.New("batch has no results")
	// ErrNoID: its file has no Loan_ID, or it was scored by a version that did
	// not write down where to look.
	ErrNoID = errors.New("batch cannot be searched by Loan_ID")
)

// Objects is what is needed of the object store; *store.Store documents it.
type Objects interface {
	Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error)
	ReadRange(ctx context.Context, key string, offset, n int64) ([]byte, error)
}

// MaxMatches is how many rows of one Loan_ID are returned.
const MaxMatches = 1000

// maxSummary bounds a summary, in bytes.
const maxSummary = 64 << 20

// Found is what a look-up found.
type Found struct {
	Matches []Match `json:"matches"`    // in the order of the file
	More    bool    `json:"more"`       // there are more than MaxMatches
	Bytes   int64   `json:"bytes_read"` // of the store, the summary included
	Reads   int64   `json:"reads"`      // requests to the store
	Parts   int     `json:"parts"`      // of the batch
	Opened  int     `json:"parts_opened"`
}

// Find returns every row of a finished batch with that Loan_ID, as the parts
// have it. It is safe for concurrent use.
func Find(ctx context.Context, objects Objects, batch, loanID string) (*Found, error) {
	m := &meter{objects: objects}
	data, _, err := objects.Get(ctx, status.SummaryKey(batch), maxSummary)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", batch, ErrOpen)
	}
	if err != nil {
		return nil, err
	}
	m.bytes.Add(int64(len(data)))
	m.requests.Add(1)
	var summary status.Summary
	if err := status.Decode(data, &summary); err != nil {
		return nil, err
	}
	switch {
	case summary.State != status.BatchSucceeded && summary.State != status.BatchSucceededWithRejects:
		return nil, fmt.Errorf("%s: %w: it is %s", batch, ErrNoResults, summary.State)
	case len(summary.Lookup) != len(summary.Parts):
		return nil, fmt.Errorf("%s: %w", batch, ErrNoID)
	}
	return m.find(ctx, &summary, loanID)
}

func (m *meter) find(ctx context.Context, summary *status.Summary, loanID string) (*Found, error) {
	hash := bloom.XXH64{}.Sum64([]byte(loanID))
	found := &Found{Matches: []Match{}, Parts: len(summary.Parts)}
	matches := make([][]Match, len(summary.Parts))
	opened := make([]bool, len(summary.Parts))
	opening := make(chan struct{}, partsAtOnce)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for n := range summary.Parts {
		group.Go(func() error {
			part, at := summary.Parts[n], summary.Lookup[n]
			groups, err := m.passing(ctx, part.Key, at, hash)
			if err != nil || len(groups) == 0 {
				return err
			}
			opened[n] = true
			select {
			case opening <- struct{}{}:
				defer func() { <-opening }()
			case <-ctx.Done():
				return ctx.Err()
			}
			matches[n], err = m.searchPart(ctx, part, at.Tail, groups, loanID)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for n := range matches {
		found.Matches = append(found.Matches, matches[n]...)
		if len(found.Matches) > MaxMatches {
			found.Matches, found.More = found.Matches[:MaxMatches], true
		}
		if opened[n] {
			found.Opened++
		}
	}
	found.Bytes, found.Reads = m.bytes.Load(), m.requests.Load()
	return found, nil
}
