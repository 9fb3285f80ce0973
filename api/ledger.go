package api

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

const (
	ledgerReads = 200      // ledger entries that one request reads at most
	ledgerCost  = 32 << 10 // of the cache: about 8 MiB
	maxEntry    = 1 << 20  // bytes of a ledger entry
)

// rows counts rows by outcome.
type rows struct{ all, decided, approved, declined, referred, rejected int64 }

func countsOf(t *status.Tally) rows {
	return rows{
		all: t.Rows, decided: t.DecidedRows(), rejected: t.RejectedRows(), approved: t.Decided[string(model.Approved)],
		declined: t.Decided[string(model.Declined)], referred: t.Decided[string(model.Referred)],
	}
}

func (r *rows) add(o rows) {
	r.all += o.all
	r.decided += o.decided
	r.approved += o.approved
	r.declined += o.declined
	r.referred += o.referred
	r.rejected += o.rejected
}

func (r rows) counts(chunks, done int) BatchCounts {
	return BatchCounts{
		Rows: &r.all, Decided: &r.decided, Approved: &r.approved, Declined: &r.declined, Referred: &r.referred,
		Rejected: &r.rejected, Chunks: chunks, ChunksDone: done,
	}
}

// progress is what the ledger of an unfinished batch says.
type progress struct {
	chunks   int  // entries
	complete bool // rows and problems cover every entry
	rows     rows
	problems []status.RowProblem // at most status.MaxRowProblems, in the order of the file
}

// readLedger lists a batch's ledger and adds its entries up. Entries that are
// not in the cache are read as long as the budget lasts; a later request finds
// those and gets further.
func (s *service) readLedger(ctx context.Context, batch string, budget *atomic.Int64) (progress, error) {
	var keys []store.Info
	for info, err := range s.o.Objects.List(ctx, status.LedgerPrefix(batch), "") {
		if err != nil {
			return progress{}, fmt.Errorf("%w: %w", errStore, err)
		}
		keys = append(keys, info)
	}
	entries := make([]*entry, len(keys))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, info := range keys {
		if entries[i] = s.ledger.get(info); entries[i] != nil {
			continue
		}
		if budget.Add(-1) < 0 {
			continue
		}
		group.Go(func() error {
			e, err := s.readEntry(ctx, info)
			entries[i] = e
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return progress{}, err
	}
	return sum(entries), nil
}

func sum(entries []*entry) progress {
	p := progress{chunks: len(entries), complete: true}
	for _, e := range entries {
		if e == nil {
			p.complete = false
			continue
		}
		p.rows.add(e.rows)
		if room := status.MaxRowProblems - len(p.problems); p.complete && room > 0 {
			p.problems = append(p.problems, e.problems[:min(room, len(e.problems))]...)
		}
	}
	return p
}

// readEntry reads one ledger entry into the cache. One that is gone again
// counts as not known.
func (s *service) readEntry(ctx context.Context, info store.Info) (*entry, error) {
	var chunk status.Chunk
	data, got, err := s.o.Objects.Get(ctx, info.Key, maxEntry)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, nil //nolint:nilnil // nil is an entry that is not known, which sum expects
	case errors.Is(err, store.ErrTooLarge):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errStore, err)
	}
	if err := status.Decode(data, &chunk); err != nil {
		return nil, fmt.Errorf("%q: %w", info.Key, err)
	}
	e := &entry{rows: countsOf(&chunk.Tally), problems: chunk.Problems[:min(len(chunk.Problems), status.MaxRowProblems)]}
	s.ledger.put(got, e)
	return e, nil
}

// entry is what is kept of a ledger entry.
type entry struct {
	name     string
	rows     rows
	problems []status.RowProblem
}

func (e *entry) cost() int { return 1 + len(e.problems) }

// ledgerCache keeps ledger entries by key and ETag, the least recently used
// ones go first. It is safe for concurrent use.
type ledgerCache struct {
	mu    sync.Mutex
	cost  int
	names map[string]*list.Element // of *entry
	order *list.List               // the most recently used first
}

func newLedgerCache() *ledgerCache {
	return &ledgerCache{names: map[string]*list.Element{}, order: list.New()}
}

func entryName(info store.Info) string { return info.Key + "\x00" + info.ETag }

func (c *ledgerCache) get(info store.Info) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.names[entryName(info)]
	if !ok {
		return nil
	}
	c.order.MoveToFront(found)
	e, _ := found.Value.(*entry)
	return e
}

func (c *ledgerCache) put(info store.Info, e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.name = entryName(info)
	if _, ok := c.names[e.name]; ok {
		return
	}
	c.names[e.name] = c.order.PushFront(e)
	for c.cost += e.cost(); c.cost > ledgerCost; {
		oldest := c.order.Back()
		gone, _ := c.order.Remove(oldest).(*entry)
		delete(c.names, gone.name)
		c.cost -= gone.cost()
	}
}
