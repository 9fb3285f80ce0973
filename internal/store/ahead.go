package store

import (
	"context"
	"io"
	"sync"
)

// What is read ahead: so many ranges at a time, of so many bytes. They are held
// in memory until they are read. The figures behind them are in
// docs/performance.md.
const (
	aheadRanges = 4
	aheadBytes  = 2 << 20
	aheadLast   = aheadBytes / 8 // a rest that small is not a range of its own
)

// ahead reads the bytes up to `until` in ranges, some of them ahead of the
// caller, and what follows by one request when it is asked for:
//
//	offset ─► [piece being read][piece][piece] ─► until ─► rest
//
// Every range is a reader of its own, which resumes what breaks. Not safe for
// concurrent use.
type ahead struct {
	cancel   context.CancelFunc // of all that is fetched
	fetchers sync.WaitGroup
	reader   func(from, to int64) *reader
	buffers  *sync.Pool // of *[]byte, aheadBytes+aheadLast each

	pieces []*piece // in the order of the object; the first is the one to read
	next   int64    // where the range after them begins
	until  int64
	rest   *reader
}

// openAhead begins to read; the first request is answered when it returns.
func (s *Store) openAhead(ctx context.Context, ref Ref, offset int64, o OpenOptions) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	a := &ahead{cancel: cancel, buffers: &s.buffers, next: offset, until: min(offset+o.Ahead, ref.Size)}
	a.reader = func(from, to int64) *reader { return s.reader(ctx, ref, from, to, o) }
	a.rest = a.reader(a.until, ref.Size)
	to := a.end()
	first := a.reader(a.next, to)
	if err := first.request(); err != nil {
		cancel()
		return nil, err
	}
	a.fetch(first, to)
	a.fill()
	return a, nil
}

// end is where the next range ends.
func (a *ahead) end() int64 {
	if a.until-a.next <= aheadBytes+aheadLast {
		return a.until
	}
	return a.next + aheadBytes
}

// fill starts the ranges that there is room for.
func (a *ahead) fill() {
	for len(a.pieces) < aheadRanges && a.next < a.until {
		to := a.end()
		a.fetch(a.reader(a.next, to), to)
	}
}

// fetch reads the range from a.next to `to` in the background.
func (a *ahead) fetch(in *reader, to int64) {
	p := &piece{size: int(to - a.next)}
	p.changed.L = &p.mu
	if p.size >= aheadBytes {
		p.pooled, _ = a.buffers.Get().(*[]byte)
		if p.pooled == nil {
			p.pooled = new(make([]byte, aheadBytes+aheadLast))
		}
		p.data = (*p.pooled)[:p.size]
	} else {
		p.data = make([]byte, p.size)
	}
	a.pieces, a.next = append(a.pieces, p), to
	a.fetchers.Go(func() { p.fetch(in) })
}

// Read implements io.Reader.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.pieces) > 0 {
		n, err := a.pieces[0].read(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		a.recycle(a.pieces[0])
		a.pieces = a.pieces[1:]
		a.fill()
	}
	return a.rest.Read(p)
}

// Close ends what is being fetched and waits for it.
func (a *ahead) Close() error {
	a.cancel()
	a.fetchers.Wait()
	for _, p := range a.pieces {
		a.recycle(p)
	}
	a.pieces = nil
	return a.rest.Close()
}

// recycle takes the memory of a piece that nobody uses any more.
func (a *ahead) recycle(p *piece) {
	if p.pooled != nil {
		a.buffers.Put(p.pooled)
	}
	p.data, p.pooled = nil, nil
}

// piece is one range, in the making or whole.
type piece struct {
	data   []byte
	pooled *[]byte // data, if it goes back to the pool
	size   int
	taken  int // bytes of it that were read by the caller

	mu      sync.Mutex
	changed sync.Cond // have or err
	have    int
	err     error // why there will not be more
}

// fetch fills the piece from in and closes it.
func (p *piece) fetch(in *reader) {
	for have := 0; have < p.size; {
		n, err := in.Read(p.data[have:])
		have += n
		p.mu.Lock()
		p.have, p.err = have, err
		p.mu.Unlock()
		p.changed.Signal()
		if err != nil {
			break
		}
	}
	_ = in.Close() // nothing to lose
}

// read gives what there is, waiting for the first byte; 0 bytes are the end of
// the piece.
func (p *piece) read(to []byte) (int, error) {
	if p.taken == p.size || len(to) == 0 {
		return 0, nil
	}
	p.mu.Lock()
	for p.taken == p.have && p.err == nil {
		p.changed.Wait()
	}
	have, err := p.have, p.err
	p.mu.Unlock()
	if p.taken == have {
		return 0, err
	}
	n := copy(to, p.data[p.taken:have])
	p.taken += n
	return n, nil
}
