package scorer

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/store"
)

// open opens the upload at the chunk's first record: the one given, the first
// of the file, or the one guessed. What will surely be read is read ahead.
func (r *chunkRun) open(ctx context.Context) (int64, io.ReadCloser, error) {
	b, plan, head, m := r.bulk, r.plan, r.rows.head, r.message
	// A record that begins in the range ends at most MaxRecord beyond it, and the
	// scanner looks one byte further.
	open := func(from int64) (io.ReadCloser, error) {
		return b.o.Objects.Open(ctx, refOf(plan.Source), from, store.OpenOptions{Ahead: m.End + ingest.MaxRecord + 2 - from})
	}
	switch {
	case head.Dialect.Streamed():
		packing := head.Dialect.Packing // a zip archive is read here and there
		in, err := head.Open(b.source(ctx, plan.Source, packing != ingest.PackingZip && packing != ingest.PackingXLSX))
		return head.DataStart, in, err
	case m.FirstRecord != nil:
		in, err := open(*m.FirstRecord)
		return *m.FirstRecord, in, err
	case m.N == 0:
		in, err := open(m.Start)
		return m.Start, in, err
	}
	in, err := open(m.Start - 1)
	if err != nil {
		return 0, nil, err
	}
	buffered := bufio.NewReaderSize(in, 64<<10)
	first, err := head.Dialect.FirstRecord(buffered, m.Start, m.End)
	if err != nil {
		return 0, nil, errors.Join(err, in.Close())
	}
	return first, bufferedCloser{buffered, in}, nil
}

type bufferedCloser struct {
	*bufio.Reader
	io.Closer
}

// early is an upload that is opened in the background.
type early struct {
	cancel context.CancelFunc
	opened chan struct{}
	first  int64 // offset of the first record
	in     io.ReadCloser
	err    error
}

// openEarly begins to open; what it opens ends with close at the latest.
func openEarly(ctx context.Context, open func(context.Context) (int64, io.ReadCloser, error)) *early {
	ctx, cancel := context.WithCancel(ctx)
	e := &early{cancel: cancel, opened: make(chan struct{})}
	go func() {
		defer close(e.opened)
		e.err = guarded(func() (err error) {
			e.first, e.in, err = open(ctx)
			return err
		})
	}()
	return e
}

// take waits for what was opened and hands it over, once: afterwards there is
// neither a reader nor an error.
func (e *early) take() (first int64, in io.ReadCloser, err error) {
	<-e.opened
	first, in, err = e.first, e.in, e.err
	e.in, e.err = nil, nil
	return first, in, err
}

// close ends the opening, waits for it and closes what was not taken.
func (e *early) close() {
	e.cancel()
	if _, in, _ := e.take(); in != nil {
		_ = in.Close() // nothing of it is wanted
	}
}
