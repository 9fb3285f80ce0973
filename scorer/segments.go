package scorer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/scorer/columnar"
)

// segmentBytes is how much of a local file becomes one row group, and what is
// scored by one core at a time. Row groups are the same however many cores
// there are.
const segmentBytes = DefaultChunkSize

// evenSegments is the size of equal segments of a file, at most segmentBytes: an
// even number of them, so that none is short while a core has nothing to do. It
// depends on the file alone.
func evenSegments(size int64) int64 {
	n := (size + segmentBytes - 1) / segmentBytes
	if n < 2 {
		return segmentBytes
	}
	n += n % 2
	return (size + n - 1) / n
}

// segment is what came of one range of a file. Its lines count from its first
// record.
type segment struct {
	first, next int64 // offsets of its first record, and of the one after it
	lines       int64
	tally       status.Tally
	rejects     *rejectLines
	group       *columnar.Group
	ids         *ingest.IDs // nil if the file has none
}

// segments scores a local file range by range.
type segments struct {
	rows *rowScorer
	head *ingest.Head
	in   io.ReaderAt // the whole file
	size int64

	bytes int64 // of a segment
	cores int   // segments that are scored at a time
	sink  *segmentSink

	idle chan *segmentWorker // that have nothing to do
	more chan struct{}       // one for each worker that may still be made
}

// scoredSegment is a segment on its way to the sink, and the memory it is in.
type scoredSegment struct {
	segment *segment
	worker  *segmentWorker
	err     error
}

// run scores all segments and hands them to the sink in the order of the file.
// No more are begun than there are cores to score them: they would only take
// turns, and their memory would not stay in the caches.
func (s *segments) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	workers := s.cores + s.cores/4 // some wait for their turn; memory is not free either
	s.idle, s.more = make(chan *segmentWorker, workers), make(chan struct{}, workers)
	for range workers {
		s.more <- struct{}{}
	}
	pending := make(chan chan scoredSegment, workers) // never full: each has a worker
	wg.Go(func() {
		defer close(pending)
		s.start(ctx, &wg, pending)
	})
	k, next := 0, s.head.DataStart
	for done := range pending {
		r := <-done
		if r.err == nil && r.segment.first != next {
			r.segment, r.err = s.score(ctx, r.worker, k, &next)
		}
		if r.err == nil {
			r.err = s.sink.take(r.segment, func(to func(*reject) error) error { return s.rejects(ctx, r.segment, k, to) })
		}
		if r.err != nil {
			return r.err
		}
		next = r.segment.next
		s.idle <- r.worker
		k++
	}
	return ctx.Err()
}

// start begins one segment after the other, each as soon as a core and a worker
// are free. It tells pending of them in their order.
func (s *segments) start(ctx context.Context, wg *sync.WaitGroup, pending chan<- chan scoredSegment) {
	busy := make(chan struct{}, s.cores)
	for k := range ingest.Chunks(s.head.DataStart, s.size, s.bytes) {
		select {
		case busy <- struct{}{}:
		case <-ctx.Done():
			return
		}
		w, ok := s.worker(ctx)
		if !ok {
			return
		}
		done := make(chan scoredSegment, 1)
		pending <- done
		wg.Go(func() {
			r := scoredSegment{worker: w}
			r.err = guarded(func() (err error) {
				if r.worker == nil {
					if r.worker, err = s.rows.worker(); err != nil {
						return err
					}
				}
				r.segment, err = s.score(ctx, r.worker, k, nil)
				return err
			})
			<-busy
			done <- r
		})
	}
}

// worker waits for a worker; nil is one that is to be made. One that has worked
// before is taken first: its memory is there already. It is false when ctx ends.
func (s *segments) worker(ctx context.Context) (*segmentWorker, bool) {
	select {
	case w := <-s.idle:
		return w, true
	default:
	}
	select {
	case w := <-s.idle:
		return w, true
	case <-s.more:
		return nil, true
	case <-ctx.Done():
		return nil, false
	}
}

// score scores segment k from its first record on, which is guessed if it is
// not given.
func (s *segments) score(ctx context.Context, w *segmentWorker, k int, first *int64) (*segment, error) {
	if err := s.open(&w.scanner, k, first); err != nil {
		return nil, err
	}
	return s.rows.segment(ctx, &w.scanner, w, newRejectLines())
}

// open makes records scan segment k.
func (s *segments) open(records *ingest.Scanner, k int, first *int64) error {
	r := ingest.Chunk(s.head.DataStart, s.size, s.bytes, k)
	start := r.Start
	switch {
	case first != nil:
		start = *first
	case k > 0:
		var err error
		if start, err = s.head.Dialect.FirstRecord(io.NewSectionReader(s.in, start-1, s.size-start+1), start, r.End); err != nil {
			return &sourceError{err}
		}
	}
	in := io.NewSectionReader(s.in, start, s.size-start)
	records.Reset(in, start, ingest.ScannerOptions{End: r.End, Dialect: s.head.Dialect})
	return nil
}

// rejects makes a segment's rejects anew.
func (s *segments) rejects(ctx context.Context, seg *segment, k int, to func(*reject) error) error {
	var records ingest.Scanner
	if err := s.open(&records, k, &seg.first); err != nil {
		return err
	}
	return s.rows.refuse(ctx, &records, &rejectWriter{sink: to})
}

// segmentSink takes segments in order.
type segmentSink struct {
	file     *columnar.File
	table    *rejectTable
	progress func(next int64)
	tally    status.Tally
	lines    int64  // before the next segment's first record
	limit    *int64 // of rejected rows; may be nil
	ids      *ingest.IDs
}

// take writes a segment; anew makes its rejects when there are more than it
// kept.
func (k *segmentSink) take(seg *segment, anew func(to func(*reject) error) error) error {
	if err := k.file.Write(seg.group); err != nil {
		return err
	}
	k.tally.Add(&seg.tally)
	if seg.ids != nil {
		k.ids.Merge(seg.ids)
	}
	if err := k.takeRejects(seg, anew); err != nil {
		return err
	}
	k.lines += seg.lines
	if err := tooMany(k.limit, k.tally.RejectedRows()); err != nil {
		return err
	}
	if k.progress != nil {
		k.progress(seg.next)
	}
	return nil
}

func (k *segmentSink) takeRejects(seg *segment, anew func(to func(*reject) error) error) error {
	if !seg.rejects.full {
		return k.table.copyLines(bytes.NewReader(seg.rejects.buf.Bytes()), k.lines)
	}
	return guarded(func() error {
		return anew(func(r *reject) error {
			r.Line += k.lines
			return k.table.write(r)
		})
	})
}

// copyLines writes rejects that linesTo wrote; lines is what to add to their
// line numbers.
func (t *rejectTable) copyLines(in io.Reader, lines int64) error {
	d := json.NewDecoder(in)
	for {
		var r reject
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		r.Line += lines
		if err := t.write(&r); err != nil {
			return err
		}
	}
}
