package lookup

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	parallel = 16       // reads at a time
	together = 8 << 10  // ranges that are no further apart, in bytes, are read as one
	maxGroup = 64 << 20 // bytes that are read of a row group, of 16 MiB of text

	partsAtOnce = 2 // that are opened at a time, to bound the memory
)

// meter counts what is read of the store.
type meter struct {
	objects  Objects
	bytes    atomic.Int64
	requests atomic.Int64
}

func (m *meter) read(ctx context.Context, key string, offset, n int64) ([]byte, error) {
	data, err := m.objects.ReadRange(ctx, key, offset, n)
	m.bytes.Add(int64(len(data)))
	m.requests.Add(1)
	if err == nil && int64(len(data)) != n {
		err = damaged("%d of %d bytes from %d on", len(data), n, offset)
	}
	return data, err
}

// span is a range of a part; data is nil before it is read.
type span struct {
	from, to int64
	data     []byte
}

// ranges is a row group of which only what is asked for is read, each byte once.
type ranges struct {
	m    *meter
	key  string
	size int64 // of the part without its indexes
	left int64 // bytes that may still be read

	mu   sync.Mutex
	have []span // apart from each other, ascending
}

// fetch reads ranges that will be needed, many at a time.
func (r *ranges) fetch(ctx context.Context, spans []span) error {
	for _, s := range spans {
		if err := r.check(s); err != nil {
			return err
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var want []span
	for _, s := range spans {
		if n := len(want); n > 0 && s.from <= want[n-1].to+together {
			want[n-1].to = max(want[n-1].to, s.to)
			continue
		}
		want = append(want, s)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, s := range want {
		for _, gap := range r.gaps(s.from, s.to) {
			if r.left -= gap.to - gap.from; r.left < 0 {
				return errors.Join(damaged("more than %d bytes of a row group to read", int64(maxGroup)), group.Wait())
			}
			group.Go(func() error { return r.load(ctx, gap) })
		}
	}
	return group.Wait()
}

func (r *ranges) load(ctx context.Context, s span) error {
	data, err := r.m.read(ctx, r.key, s.from, s.to-s.from)
	if err != nil {
		return err
	}
	s.data = data
	r.mu.Lock()
	defer r.mu.Unlock()
	r.have = append(r.have, s)
	slices.SortFunc(r.have, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return nil
}

// gaps are the ranges between from and to that were not read.
func (r *ranges) gaps(from, to int64) []span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var gaps []span
	for _, s := range r.have {
		if s.to <= from || s.from >= to {
			continue
		}
		if s.from > from {
			gaps = append(gaps, span{from: from, to: s.from})
		}
		from = s.to
	}
	if from < to {
		gaps = append(gaps, span{from: from, to: to})
	}
	return gaps
}

// bytes are those of a range that was fetched, or is read now.
func (r *ranges) bytes(ctx context.Context, s span) ([]byte, error) {
	if err := r.check(s); err != nil {
		return nil, err
	}
	for _, gap := range r.gaps(s.from, s.to) {
		if err := r.load(ctx, gap); err != nil {
			return nil, err
		}
	}
	data := make([]byte, s.to-s.from)
	for _, h := range r.have {
		if h.from < s.to && h.to > s.from {
			copy(data[max(h.from-s.from, 0):], h.data[max(s.from-h.from, 0):])
		}
	}
	return data, nil
}

// check refuses a range that cannot be in the part, or is too much.
func (r *ranges) check(s span) error {
	if s.from < 0 || s.to <= s.from || s.to > r.size || s.to-s.from > maxBytes {
		return damaged("bytes %d to %d of %d", s.from, s.to, r.size)
	}
	return nil
}
