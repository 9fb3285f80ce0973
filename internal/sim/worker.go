package sim

import (
	"context"
	"time"

	"github.com/loanscorer/loanscorer/events"
)

// Worker receives from a queue and hands batches to a handler, as a poller or
// Lambda does. When its process dies it leaves its messages to their
// visibility timeout and begins again as a new process.
type Worker struct {
	Name     string
	Queue    *Queue
	Dice     Dice
	Faults   *Faults
	Batch    int           // most messages handed over at once, 10 when 0
	Deadline time.Duration // of one batch; 0 is none
	Start    func(*Process) events.Handler
}

// Run works until ctx is done. A batch in hand is then finished.
func (w *Worker) Run(ctx context.Context) {
	if w.Batch == 0 {
		w.Batch = events.MaxBatch
	}
	loops := 0
	for run := 0; ctx.Err() == nil; run++ {
		p := NewProcess(numbered(w.Name, run), w.Dice, w.Faults)
		h := w.Start(p)
		for ctx.Err() == nil && !p.Dead() {
			loops++
			r := w.Dice.For(w.Name+" loop", loops)
			w.work(ctx, p, h, w.Queue.Receive(1+r.IntN(w.Batch)))
			_ = wait(ctx, between(r, 50*time.Millisecond, time.Second))
		}
	}
}

func (w *Worker) work(ctx context.Context, p *Process, h events.Handler, in []Delivery) {
	if len(in) == 0 {
		return
	}
	batch := make([]events.Message, len(in))
	for i := range in {
		batch[i] = in[i].Message
	}
	ctx = context.WithoutCancel(ctx)
	if w.Deadline > 0 {
		limited, cancel := context.WithTimeout(ctx, w.Deadline)
		defer cancel()
		ctx = limited
	}
	errs := h.Handle(ctx, batch)
	if p.Dead() {
		return
	}
	for i, err := range errs {
		if err == nil || events.IsPermanent(err) {
			w.Queue.Delete(in[i])
			continue
		}
		r := w.Dice.For(w.Name+" return "+in[i].ID, in[i].Receives)
		if r.IntN(2) == 0 { // Lambda lets the visibility run out
			w.Queue.Return(in[i], between(r, time.Second, w.Queue.o.Visibility))
		}
	}
}
