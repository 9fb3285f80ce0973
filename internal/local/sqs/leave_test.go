package sqs

import (
	"context"
	"testing"
	"testing/synctest"
)

// A caller that goes away while its call is at work comes back when the writer
// is done with it: until then the two share memory.
func TestLeavingCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, testOptions(t))
		ctx, cancel := context.WithCancel(t.Context())
		started, release, back := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		go func() {
			back <- s.do(ctx, func(context.Context, *transaction) error {
				close(started)
				<-release
				return nil
			})
		}()
		<-started
		cancel()
		synctest.Wait()
		select {
		case err := <-back:
			t.Errorf("back while its call is at work: %v", err)
		default:
		}
		close(release)
		synctest.Wait()
		if err := <-back; err != nil {
			t.Error(err)
		}
		if err := s.do(ctx, func(context.Context, *transaction) error { return nil }); err == nil {
			t.Error("a call that nobody waits for was made")
		}
	})
}
