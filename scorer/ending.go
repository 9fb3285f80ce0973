package scorer

import (
	"context"
	"errors"
)

// errEnded ends a chunk whose batch has its terminal state already: it was
// cancelled, or failed elsewhere. Nothing of the chunk is written.
var errEnded = errors.New("batch has ended")

// ending looks whether the batch has ended while a chunk of several segments is
// scored: asked after a segment, it answers when the store does, and scoring
// goes on meanwhile. A nil one never tells an end. Not safe for concurrent use.
type ending struct {
	closed func(context.Context) (bool, error)
	answer chan bool // of the question that is out; nil without one
}

// ask asks once more, unless a question is out.
func (e *ending) ask(ctx context.Context) {
	if e == nil || e.answer != nil {
		return
	}
	answer := make(chan bool, 1)
	e.answer = answer
	go func() {
		done := false
		err := guarded(func() (err error) {
			done, err = e.closed(ctx)
			return err
		})
		answer <- err == nil && done // a store that does not answer is no end
	}()
}

// over reports whether an answer has come that says so.
func (e *ending) over() bool {
	if e == nil || e.answer == nil {
		return false
	}
	select {
	case done := <-e.answer:
		e.answer = nil
		return done
	default:
		return false
	}
}

// wait waits for the question that is out, if there is one.
func (e *ending) wait() {
	if e != nil && e.answer != nil {
		<-e.answer
		e.answer = nil
	}
}
