package scorer

import "sync"

// spareWorkers keep the memory of chunks that are scored for the next chunks of
// the same batch: tables that have grown as large as the file needs, and what
// is known of its values. Memory that nobody comes for goes to the garbage
// collector. The zero value is empty; it is safe for concurrent use.
type spareWorkers struct {
	pool sync.Pool // of *spareWorker
}

// spareWorker is a worker with what it was made for.
type spareWorker struct {
	batch  string
	scorer *Scorer
	worker *segmentWorker
}

// take returns a worker of the batch and the scorer; nil if there is none.
func (p *spareWorkers) take(batch string, s *Scorer) *segmentWorker {
	w, ok := p.pool.Get().(*spareWorker)
	if !ok || w.batch != batch || w.scorer != s {
		return nil // of another batch: not needed any more
	}
	return w.worker
}

// give hands over a worker that is not used any more.
func (p *spareWorkers) give(batch string, s *Scorer, w *segmentWorker) {
	p.pool.Put(&spareWorker{batch, s, w})
}
