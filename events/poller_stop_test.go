package events

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// After the stop nothing is received, what is in hand has the grace period,
// and what is not done by then is given back at once. // failure 75
func TestPollerStops(t *testing.T) {
	t.Parallel()
	const grace = 7 * time.Second
	for _, tc := range []struct {
		name    string
		handler HandlerFunc
		longest time.Duration // Run may go on after the stop
		left    int           // messages that stay in the queue
	}{
		{"idle", nil, 0, 0},
		{"finishes within the grace", func(_ context.Context, b []Message) []error {
			<-time.After(5 * time.Second)
			return same(b, nil)
		}, 5 * time.Second, 0},
		{"gives up at the end of the grace", func(ctx context.Context, b []Message) []error {
			<-ctx.Done()
			return same(b, ctx.Err())
		}, grace, 3},
		{"half done at the end of the grace", func(ctx context.Context, b []Message) []error {
			<-ctx.Done()
			errs := same(b, ctx.Err())
			errs[0] = nil
			return errs
		}, grace, 2},
		{"does not look at ctx", func(_ context.Context, b []Message) []error {
			<-time.After(time.Hour)
			return same(b, nil)
		}, grace + 2*time.Second, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newFakeQueue(t)
				if tc.handler != nil {
					q.send("a", "b", "c")
				}
				r := run(t, q, tc.handler, PollerOptions{Grace: grace})
				after(time.Millisecond)
				if tc.handler != nil {
					q.send("not any more")
				}
				took := r.stop()
				if took > tc.longest {
					t.Errorf("Run went on for %v, want at most %v", took, tc.longest)
				}
				if left := q.left(); tc.handler != nil && len(left) != tc.left+1 {
					t.Errorf("left %v, want %d of the three", left, tc.left)
				}
				after(2 * time.Hour) // the bubble waits for handlers left behind
				for _, id := range q.left() {
					if c := q.changesOf(id); id != "m003" && tc.handler != nil && (len(c) == 0 || c[len(c)-1].seconds != 0) {
						t.Errorf("%s was given back as %v, want visible at once", id, c)
					}
				}
				if q.receivedAfterStop > 0 {
					t.Errorf("%d receives after the stop", q.receivedAfterStop)
				}
			})
		})
	}
}

// A stop in the middle of the window does not wait for its end.
func TestPollerStopsInTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue(t)
		q.send("a", "b")
		r := run(t, q, func(_ context.Context, b []Message) []error { return same(b, nil) },
			PollerOptions{Batch: 100, Window: 15 * time.Second})
		after(time.Second)
		if took := r.stop(); took > 0 || len(q.left()) > 0 || q.receivedAfterStop > 0 {
			t.Errorf("stopped after %v, left %v, %d receives after the stop", took, q.left(), q.receivedAfterStop)
		}
	})
}

// A queue that hangs cannot keep the process from ending.
func TestPollerStopsWhenTheQueueHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := hanging{newFakeQueue(t)}
		q.send("a", "b")
		r := run(t, q, func(ctx context.Context, b []Message) []error {
			<-ctx.Done()
			return []error{nil, errBoom}
		}, PollerOptions{})
		after(time.Second)
		if took := r.stop(); took > 9*time.Second {
			t.Errorf("Run went on for %v, want at most 9 s", took)
		}
	})
}

// Random stops at any moment: all workers end, within the limit, and every
// message is either done or visible again.
func TestPollerStopsAtAnyMoment(t *testing.T) {
	t.Parallel()
	for i := range 40 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newFakeQueue(t)
				for range 50 {
					q.send("x")
				}
				var done atomic.Int32
				r := run(t, q, func(ctx context.Context, b []Message) []error {
					if err := pause(ctx, time.Duration(len(b))*137*time.Millisecond); err != nil {
						return same(b, err)
					}
					done.Add(int32(len(b)))
					return same(b, nil)
				}, PollerOptions{Batch: 7, Window: 90 * time.Millisecond, Workers: 3, Grace: 500 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
				after(time.Duration(i) * 73 * time.Millisecond)
				if took := r.stop(); took > 2500*time.Millisecond {
					t.Errorf("Run went on for %v", took)
				}
				if left := len(q.left()); left != 50-int(done.Load()) {
					t.Errorf("%d left, %d done of 50", left, done.Load())
				}
				q.mu.Lock()
				defer q.mu.Unlock()
				for id, m := range q.messages {
					if m.visible.After(time.Now()) {
						t.Errorf("%s stays invisible for %v", id, time.Until(m.visible))
					}
				}
				if q.receivedAfterStop > 0 {
					t.Errorf("%d receives after the stop", q.receivedAfterStop)
				}
			})
		})
	}
}
