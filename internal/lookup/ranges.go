package lookup

import (
	"cmp"
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

const (
	parallel  = 16      // reads at a time
	together  = 8 << 10 // ranges that are no further apart, in bytes, are read as one
	readAhead = 256     // what the Parquet reader reads at a time, in bytes
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
	return data, err
}

// span is a range of a part; data is nil before it is read.
type span struct {
	from, to int64
	data     []byte
}

// ranges is a part of which only what is asked for is read, each byte once.
type ranges struct {
	ctx  context.Context //nolint:containedctx // io.ReaderAt has no other way to it; it lives as long as one look-up
	m    *meter
	key  string
	size int64

	mu   sync.Mutex
	have []span // apart from each other, ascending
}

// fetch reads ranges that will be needed, many at a time.
func (r *ranges) fetch(ctx context.Context, spans []span) error {
	for i := range spans {
		spans[i].to = min(spans[i].to+readAhead, r.size)
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

// ReadAt implements io.ReaderAt; what was not fetched is read.
func (r *ranges) ReadAt(p []byte, offset int64) (int, error) {
	to := min(offset+int64(len(p)), r.size)
	if offset < 0 || offset >= to {
		return 0, io.EOF
	}
	for _, gap := range r.gaps(offset, to) {
		if err := r.load(r.ctx, gap); err != nil {
			return 0, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.have {
		if s.from < to && s.to > offset {
			copy(p[max(s.from-offset, 0):], s.data[max(offset-s.from, 0):])
		}
	}
	if n := int(to - offset); n < len(p) {
		return n, io.EOF
	}
	return len(p), nil
}
