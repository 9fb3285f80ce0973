package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Message is one delivery.
type Message struct {
	ID       string
	Body     []byte
	Receives int       // how often it has been delivered, this time included
	SentAt   time.Time // when the queue took it
	Queue    string    // name of the queue, "" from a Poller
	handle   string    // the receipt handle
}

// Handler works on a batch of deliveries and returns one error per message, in
// order. It returns when every message has an outcome or ctx is done; messages
// left unfinished get an error.
type Handler interface {
	Handle(ctx context.Context, batch []Message) []error
}

// HandlerFunc is a function as a Handler.
type HandlerFunc func(ctx context.Context, batch []Message) []error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, batch []Message) []error { return f(ctx, batch) }

// errAnswer is every message's error when a Handler answers for another number
// of messages than it was given.
var errAnswer = errors.New("handler did not answer for each message")

// answers returns exactly one error per message. A Handler that panics gets
// every message once more by itself, so that one of them fails alone. One that
// answers for too few or too many messages has dealt with none of them.
func answers(ctx context.Context, h Handler, batch []Message) []error {
	errs, broken := try(ctx, h, batch)
	if broken == nil {
		return errs
	}
	if len(batch) <= 1 {
		return all(batch, broken)
	}
	errs = make([]error, len(batch))
	for i := range batch {
		if ctx.Err() != nil {
			errs[i] = broken
			continue
		}
		errs[i] = answers(ctx, h, batch[i:i+1])[0]
	}
	return errs
}

// try runs the Handler once; broken says that it panicked.
func try(ctx context.Context, h Handler, batch []Message) (errs []error, broken error) {
	defer func() {
		if r := recover(); r != nil {
			// The panic's value could hold applicant data.
			broken = fmt.Errorf("handler broke down: %T", r)
		}
	}()
	errs = h.Handle(ctx, batch)
	if len(errs) != len(batch) {
		errs = all(batch, errAnswer)
	}
	return errs, nil
}

// errStuck is the error of messages whose Handler does not return.
var errStuck = errors.New("handler did not stop")

// answersWithin is answers for a Handler that may go on after ctx ends: after
// patience it is left behind, its messages get errStuck and stopped is false.
func answersWithin(ctx context.Context, h Handler, batch []Message, patience time.Duration) (errs []error, stopped bool) {
	answer := make(chan []error, 1)
	go func() { answer <- answers(ctx, h, batch) }()
	waiting, cancel := outlive(ctx, patience)
	defer cancel()
	select {
	case errs := <-answer:
		return errs, true
	case <-waiting.Done():
		return all(batch, errStuck), false
	}
}

// all is the same error for every message.
func all(batch []Message, err error) []error {
	errs := make([]error, len(batch))
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// logRefused reports a message that is consumed without having been worked on.
func logRefused(ctx context.Context, log *slog.Logger, id string, err error) {
	log.LogAttrs(ctx, slog.LevelError, "message refused for good",
		slog.String("message_id", id), slog.String("error", err.Error()))
}

// logAgain reports a message that will be delivered again.
func logAgain(ctx context.Context, log *slog.Logger, m *Message, err error) {
	log.LogAttrs(ctx, slog.LevelWarn, "message left for redelivery", slog.String("message_id", m.ID),
		slog.Int("receives", m.Receives), slog.String("error", err.Error()))
}

// Permanent marks an error that no retry will mend: the message is consumed.
// Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether err says that no retry will mend it.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p) || errors.Is(err, ErrMessage)
}

type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// RetryAfter marks an error that is expected to be gone after d, such as
// another worker's lease; the message is redelivered about then.
func RetryAfter(d time.Duration, err error) error {
	return &retryError{after: d, err: err}
}

type retryError struct {
	after time.Duration
	err   error
}

func (e *retryError) Error() string { return e.err.Error() }
func (e *retryError) Unwrap() error { return e.err }
