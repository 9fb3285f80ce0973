package sqs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// errBroken says that the service stopped working after a storage failure.
var errBroken = errors.New("queue database failed earlier")

// maxGroup bounds the calls of one transaction.
const maxGroup = 256

// A job is one call's share of a transaction. Its run may be called twice (the
// second time alone, when the group failed), so it must set its results afresh,
// and it must not have written anything when it returns an *Error.
type job struct {
	run       func(ctx context.Context, t *transaction) error
	cancelled <-chan struct{}
	err       error
	done      chan struct{}
}

// transaction is what a job may use.
type transaction struct {
	*database
	now      int64
	wake     []*queue // their long polls are woken after the commit
	onCommit []func() // run after the commit, in order
}

// do runs the job in the next transaction and returns after its commit is on
// disk. A job whose ctx ends before its turn is skipped.
func (s *Service) do(ctx context.Context, run func(context.Context, *transaction) error) error {
	j := &job{run: run, cancelled: ctx.Done(), done: make(chan struct{})}
	select {
	case s.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.closing:
		return ErrClosed
	}
	// The writer has it and will end it soon. Going before that would leave run
	// at work on what the caller reads next.
	<-j.done
	return j.err
}

// write is the one goroutine that uses the database after Open.
func (s *Service) write(ctx context.Context) {
	for {
		select {
		case <-s.closing:
			return
		case j := <-s.jobs:
			s.commit(ctx, s.gather(j))
		}
	}
}

// gather adds the calls that are already waiting.
func (s *Service) gather(first *job) []*job {
	group := []*job{first}
	for len(group) < maxGroup {
		select {
		case j := <-s.jobs:
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

// commit runs the group in one transaction. When that fails, each call gets
// its own, so that one that does not fit on the disk fails alone.
func (s *Service) commit(ctx context.Context, group []*job) {
	err := s.attempt(ctx, group)
	for _, j := range group {
		if err != nil && len(group) > 1 {
			j.err = s.attempt(ctx, []*job{j})
		} else if err != nil {
			j.err = err
		}
		if j.err != nil {
			s.report(j.err)
		}
		close(j.done)
	}
}

// attempt is one transaction. Its error is a storage error: nothing was kept.
// Refusals (*Error) are left in the jobs.
func (s *Service) attempt(ctx context.Context, group []*job) error {
	if cause := s.broken.Load(); cause != nil {
		return errBroken
	}
	t := &transaction{database: s.db, now: s.now()}
	if _, err := s.db.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return s.fail(err)
	}
	for _, j := range group {
		j.err = j.start(ctx, t)
		var refusal *Error
		if j.err == nil || errors.As(j.err, &refusal) || errors.Is(j.err, context.Canceled) {
			continue
		}
		return s.rollback(ctx, j.err)
	}
	if _, err := s.db.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return s.rollback(ctx, err)
	}
	for _, f := range t.onCommit {
		f()
	}
	for i, q := range t.wake {
		if i == 0 || t.wake[i-1] != q {
			q.wake()
		}
	}
	return nil
}

// start skips a call whose client has gone.
func (j *job) start(ctx context.Context, t *transaction) error {
	select {
	case <-j.cancelled:
		return context.Canceled
	default:
		return j.run(ctx, t)
	}
}

func (s *Service) rollback(ctx context.Context, cause error) error {
	if _, err := s.db.conn.ExecContext(ctx, "ROLLBACK"); err != nil && !isCode(err, sqlite3.SQLITE_ERROR) {
		return s.fail(fmt.Errorf("roll back after %w: %w", cause, err))
	}
	return s.fail(cause)
}

// fail names the error and stops the service when the file can no longer be
// trusted: after a failed fsync the kernel may drop the pages, so that a later
// one that succeeds would prove nothing.
func (s *Service) fail(err error) error {
	err = classify(err)
	if !errors.Is(err, ErrCorrupt) && !isCode(err, sqlite3.SQLITE_IOERR) {
		return err
	}
	if s.broken.CompareAndSwap(nil, &err) {
		s.log.Error("queue database failed, restart after looking at the disk", slog.String("path", s.opts.Path), slog.Any("error", err))
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}

// report logs what a client is told in general words only.
func (s *Service) report(err error) {
	var refusal *Error
	if errors.As(err, &refusal) || errors.Is(err, context.Canceled) || errors.Is(err, errBroken) {
		return
	}
	s.log.Error("queue call failed", slog.Any("error", err))
}

// isCode compares SQLite's primary result code.
func isCode(err error, code int) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == code
}
