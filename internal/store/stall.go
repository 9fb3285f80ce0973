package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrStalled says that the store began to answer and then stayed silent for too
// long.
var ErrStalled = errors.New("store stalled")

const defaultStall = 30 * time.Second

// stalling is the body of an answer; a read that gets nothing for longer than
// limit ends the request behind it.
type stalling struct {
	body    io.ReadCloser
	limit   time.Duration
	stop    context.CancelFunc // ends the request
	stalled bool
}

// Read implements io.Reader.
func (s *stalling) Read(p []byte) (int, error) {
	timer := time.AfterFunc(s.limit, s.stop)
	n, err := s.body.Read(p)
	if !timer.Stop() {
		s.stalled = true
	}
	if s.stalled && err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w for %v", ErrStalled, s.limit)
	}
	return n, err
}

// Close implements io.Closer.
func (s *stalling) Close() error {
	s.stop()
	return s.body.Close()
}
