//go:build !race

package scorer

import (
	"context"
	"io"
	"iter"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// unpinned reads whatever version of the upload is there.
type unpinned struct{ *simStore }

func (m unpinned) Open(ctx context.Context, ref store.Ref, offset int64, o store.OpenOptions) (io.ReadCloser, error) {
	if info, err := m.Head(ctx, ref.Key); err == nil {
		ref.ETag, ref.Version = info.ETag, info.Version
	}
	return m.simStore.Open(ctx, ref, offset, o)
}

// blindEntries ignores If-None-Match on the ledger.
type blindEntries struct{ *sim.Client }

func (m blindEntries) Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	if strings.Contains(key, "/chunks/") {
		return m.Put(ctx, key, body, o)
	}
	return m.Client.Create(ctx, key, body, o)
}

// blindPlans ignores If-None-Match on plans.
type blindPlans struct{ *sim.Client }

func (m blindPlans) Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	if strings.HasSuffix(key, "/batch.json") {
		return m.Put(ctx, key, body, o)
	}
	return m.Client.Create(ctx, key, body, o)
}

// keepGuess never replaces the part of a wrong guess.
type keepGuess struct{ *sim.Client }

func (m keepGuess) ReplaceFrom(_ context.Context, key, etag string, r io.Reader, _ store.PutOptions) (store.Info, error) {
	_, err := io.Copy(io.Discard, r)
	return store.Info{Key: key, ETag: etag}, err
}

// partLater says that a part is written when it is not.
type partLater struct{ *sim.Client }

func (m partLater) CreateFrom(ctx context.Context, key string, r io.Reader, o store.PutOptions) (store.Info, error) {
	if !strings.HasSuffix(key, "/part-000001.parquet") {
		return m.Client.CreateFrom(ctx, key, r, o)
	}
	_, err := io.Copy(io.Discard, r)
	return store.Info{Key: key}, err
}

// staleList leaves the newest ledger entry out of lists.
type staleList struct{ *sim.Client }

func (m staleList) List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		var last store.Info
		for info, err := range m.Client.List(ctx, prefix, after) {
			if err != nil {
				yield(info, err)
				return
			}
			if last.Key != "" && !yield(last, nil) {
				return
			}
			last = info
		}
	}
}

// The simulation finds out bulk protocols that are known to be wrong.
// failure 29, 33
func TestSimBulkMutants(t *testing.T) {
	t.Parallel()
	mutants := []struct {
		name   string
		from   uint64 // the first seed: one that finds it soon
		broken func(*sim.Client) Objects
	}{
		{"blind entries", 100, func(c *sim.Client) Objects { return blindEntries{c} }},
		{"blind plans", 0, func(c *sim.Client) Objects { return blindPlans{c} }},
		{"keep guess", 0, func(c *sim.Client) Objects { return keepGuess{c} }},
		{"part later", 0, func(c *sim.Client) Objects { return partLater{c} }},
		{"stale list", 0, func(c *sim.Client) Objects { return staleList{c} }},
	}
	const seeds = 300
	simModels(t) // made outside of every bubble
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := m.from; seed < m.from+seeds; seed++ {
				if l := simBulk(t, seed, m.broken); len(l.problems) > 0 {
					t.Logf("caught by seed %d: %s", seed, l.problems[0])
					return
				}
			}
			t.Errorf("%d seeds find nothing wrong", seeds)
		})
	}
}

// Reads that are not pinned are found out by an upload that is replaced by one
// of the same size before its announcement is handled. Random runs hardly ever
// come to that, because whoever plans the new upload ends the old batch.
//
// failure 33
func TestSimUnpinnedReads(t *testing.T) {
	t.Parallel()
	run := func(pinned bool) status.BatchState {
		s, list := newSimStore(), &simList{}
		var objects Objects = s
		if !pinned {
			objects = unpinned{s}
		}
		b := simBulkWorker(simModels(t)[0], 200, objects, list)
		text := simRowsText(30)
		if errs := b.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, text)}); errs[0] != nil {
			t.Fatal(errs[0])
		}
		plan := simPlans(t, s.Bucket)[0]
		simUpload(t, s.Bucket, strings.ReplaceAll(text, "Urban", "urban"))
		simPump(t, b, list)
		return simSummary(t, s.Bucket, plan.ID).State
	}
	if state := run(true); state != status.BatchSuperseded {
		t.Errorf("pinned: %s, want %s", state, status.BatchSuperseded)
	}
	if state := run(false); state == status.BatchSuperseded {
		t.Error("reads that are not pinned are not found out")
	}
}
