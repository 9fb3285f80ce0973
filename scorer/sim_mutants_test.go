//go:build !race

package scorer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// simMutant is a client that breaks one promise which the protocol stands on,
// so that the protocol above it is a wrong one. Unset functions keep their
// promises.
type simMutant struct {
	*sim.Client
	head    func(ctx context.Context, key string) (store.Info, error)
	get     func(ctx context.Context, key string, limit int64) ([]byte, store.Info, error)
	create  func(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error)
	replace func(ctx context.Context, key, etag string, body []byte, o store.PutOptions) (store.Info, error)
}

func (m *simMutant) Head(ctx context.Context, key string) (store.Info, error) {
	if m.head == nil {
		return m.Client.Head(ctx, key)
	}
	return m.head(ctx, key)
}

func (m *simMutant) Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error) {
	if m.get == nil {
		return m.Client.Get(ctx, key, limit)
	}
	return m.get(ctx, key, limit)
}

func (m *simMutant) Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	if m.create == nil {
		return m.Client.Create(ctx, key, body, o)
	}
	return m.create(ctx, key, body, o)
}

func (m *simMutant) Replace(ctx context.Context, key, etag string, body []byte, o store.PutOptions) (store.Info, error) {
	if m.replace == nil {
		return m.Client.Replace(ctx, key, etag, body, o)
	}
	return m.replace(ctx, key, etag, body, o)
}

func isTombstone(o store.PutOptions) bool {
	return status.FileOf(o.Metadata) == status.FileTombstone
}

// noFence takes claims over without a tombstone.
func noFence(c *sim.Client) Claims {
	m := &simMutant{Client: c}
	m.create = func(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
		if isResult(key) && isTombstone(o) {
			return store.Info{}, nil
		}
		return c.Create(ctx, key, body, o)
	}
	return m
}

// blindCommit ignores If-None-Match on result files.
func blindCommit(c *sim.Client) Claims {
	m := &simMutant{Client: c}
	m.create = func(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
		if isResult(key) && !isTombstone(o) {
			return c.Put(ctx, key, body, o)
		}
		return c.Create(ctx, key, body, o)
	}
	return m
}

// blindFence ignores If-None-Match on tombstones.
func blindFence(c *sim.Client) Claims {
	m := &simMutant{Client: c}
	m.create = func(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
		if isResult(key) && isTombstone(o) {
			return c.Put(ctx, key, body, o)
		}
		return c.Create(ctx, key, body, o)
	}
	return m
}

// blindClaim ignores If-None-Match on documents.
func blindClaim(c *sim.Client) Claims {
	m := &simMutant{Client: c}
	m.create = func(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
		if isDocument(key) {
			return c.Put(ctx, key, body, o)
		}
		return c.Create(ctx, key, body, o)
	}
	return m
}

// blindTakeover ignores If-Match.
func blindTakeover(c *sim.Client) Claims {
	m := &simMutant{Client: c}
	m.replace = func(ctx context.Context, key, _ string, body []byte, o store.PutOptions) (store.Info, error) {
		return c.Put(ctx, key, body, o)
	}
	return m
}

// impatient takes every claim whose file is missing for one that was fenced.
func impatient(c *sim.Client) Claims {
	m := &simMutant{Client: c}
	m.head = func(ctx context.Context, key string) (store.Info, error) {
		info, err := c.Head(ctx, key)
		if isResult(key) && errors.Is(err, store.ErrNotFound) {
			return store.Info{Metadata: map[string]string{status.MetaFile: string(status.FileTombstone)}}, nil
		}
		return info, err
	}
	return m
}

// credulous takes every claim for a decision.
func credulous(c *sim.Client) Claims {
	m := &simMutant{Client: c}
	m.head = func(ctx context.Context, key string) (store.Info, error) {
		info, err := c.Head(ctx, key)
		if isResult(key) && errors.Is(err, store.ErrNotFound) {
			return store.Info{}, nil
		}
		return info, err
	}
	return m
}

// skipping leaves an application whose claim has an unknown outcome out of
// the commit, instead of giving the whole attempt up.
func skipping(c *sim.Client) Claims {
	m := &simMutant{Client: c}
	var mu sync.Mutex
	skip := map[string]bool{}
	m.create = func(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
		info, err := c.Create(ctx, key, body, o)
		if isDocument(key) && errors.Is(err, sim.ErrFault) {
			mu.Lock()
			skip[key] = true
			mu.Unlock()
			return info, fmt.Errorf("%q: %w", key, store.ErrExists)
		}
		return info, err
	}
	m.get = func(ctx context.Context, key string, limit int64) ([]byte, store.Info, error) {
		mu.Lock()
		skipped := skip[key]
		delete(skip, key)
		mu.Unlock()
		if !skipped {
			return c.Get(ctx, key, limit)
		}
		held, err := status.Encode(status.Application{
			State: status.DocClaimed, Result: "results/applications/none", LeaseUntil: time.Now().Add(time.Hour),
		})
		return held, store.Info{ETag: `"held"`}, err
	}
	return m
}

// fileFirst writes the documents after the file, not before it.
func fileFirst(c *sim.Client) Claims {
	m := &simMutant{Client: c}
	var mu sync.Mutex
	var later []func(context.Context) error
	m.create = func(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
		switch {
		case isDocument(key):
			if _, err := c.Head(ctx, key); err == nil {
				return store.Info{}, store.ErrExists
			}
			mu.Lock()
			defer mu.Unlock()
			later = append(later, func(ctx context.Context) error {
				_, err := c.Create(ctx, key, body, o)
				return err
			})
			return store.Info{}, nil
		case isResult(key) && !isTombstone(o):
			info, err := c.Create(ctx, key, body, o)
			for _, write := range later {
				err = errors.Join(err, write(ctx))
			}
			later = nil
			return info, err
		}
		return c.Create(ctx, key, body, o)
	}
	return m
}

// The simulation finds out protocols that are known to be wrong.
// failure 2, 3, 5, 7, 9
func TestSimMutants(t *testing.T) {
	t.Parallel()
	mutants := map[string]func(*sim.Client) Claims{
		"no fence": noFence, "blind commit": blindCommit, "blind fence": blindFence, "blind claim": blindClaim,
		"blind takeover": blindTakeover, "impatient": impatient, "credulous": credulous,
		"skipping": skipping, "file first": fileFirst,
	}
	const seeds = 400
	for name, broken := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			read := outside(t)
			for seed := range uint64(seeds) {
				if c := simApplications(t, seed, read, broken); len(c.problems) > 0 {
					t.Logf("caught by seed %d: %s", seed, c.problems[0])
					return
				}
			}
			t.Errorf("%d seeds find nothing wrong", seeds)
		})
	}
}
