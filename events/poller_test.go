package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var errBoom = errors.New("boom")

func TestNewPollerNamesTheOptionAtFault(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	for _, tc := range []struct {
		name string
		o    PollerOptions
		want string // "" is no error
	}{
		{"defaults", PollerOptions{Queue: "u", Logger: log}, ""},
		{"queue", PollerOptions{Logger: log}, "Queue"},
		{"logger", PollerOptions{Queue: "u"}, "Logger"},
		{"batch", PollerOptions{Queue: "u", Logger: log, Batch: -1}, "Batch"},
		{"workers", PollerOptions{Queue: "u", Logger: log, Workers: -1}, "Workers"},
		{"grace", PollerOptions{Queue: "u", Logger: log, Grace: -1}, "Grace"},
		{"heartbeats need a second", PollerOptions{Queue: "u", Logger: log, Visibility: 2}, "Visibility"},
		{"visibility beyond SQS", PollerOptions{Queue: "u", Logger: log, Visibility: 13 * time.Hour}, "Visibility"},
		{"window outlasts the lease", PollerOptions{Queue: "u", Logger: log, Window: 16 * time.Second}, "Window"},
		{"window of half the lease", PollerOptions{Queue: "u", Logger: log, Window: 15 * time.Second}, ""},
	} {
		p, err := NewPoller(nil, nil, tc.o)
		switch {
		case tc.want == "" && err != nil, tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		case err == nil && (p.o.Batch != 10 || p.o.Workers != 1 || p.o.Visibility != 30*time.Second || p.o.Grace != 6*time.Second):
			t.Errorf("%s: defaults are %+v", tc.name, p.o)
		}
	}
}

func TestPollerHandsOverWhatTheQueueSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue(t)
		q.send("one")
		sent := time.Now()
		var got []Message
		r := run(t, q, func(_ context.Context, batch []Message) []error {
			got = append(got, batch...)
			return same(batch, nil)
		}, PollerOptions{})
		after(time.Second)
		r.stop()
		if len(got) != 1 || got[0].ID != "m000" || string(got[0].Body) != "one" || got[0].Receives != 1 || !got[0].SentAt.Equal(sent) {
			t.Errorf("handed over %+v", got)
		}
		if left := q.left(); len(left) > 0 {
			t.Errorf("left in the queue: %v", left)
		}
	})
}

// Every answer has its consequence and no other message's. // failure 22
func TestPollerOutcomes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, log := newFakeQueue(t), &records{}
		answers := map[string]error{
			"fine":      nil,
			"permanent": fmt.Errorf("row: %w", Permanent(errBoom)),
			"unread":    fmt.Errorf("%w: not JSON", ErrMessage), // failure 21
			"transient": errBoom,
			"held":      fmt.Errorf("claim: %w", RetryAfter(90*time.Second, errBoom)),
		}
		q.send("fine", "permanent", "unread", "transient", "held")
		r := run(t, q, func(_ context.Context, batch []Message) []error {
			errs := make([]error, len(batch))
			for i := range batch {
				errs[i] = answers[string(batch[i].Body)]
			}
			return errs
		}, PollerOptions{Logger: slog.New(log)})
		after(500 * time.Millisecond)
		if diff := cmp.Diff([]string{"m003", "m004"}, q.left()); diff != "" {
			t.Errorf("left in the queue: %s", diff)
		}
		if n := log.count(slog.LevelError, "message refused for good"); n != 2 {
			t.Errorf("%d refusals logged, want 2", n)
		}
		if n := log.count(slog.LevelWarn, "message left for redelivery"); n != 2 {
			t.Errorf("%d redeliveries logged, want 2", n)
		}
		if c := q.changesOf("m004"); len(c) != 1 || c[0].seconds != 90 {
			t.Errorf("held message comes again as %+v, want after 90 s", c)
		}
		if c := q.changesOf("m003"); len(c) != 1 || c[0].seconds < 1 || c[0].seconds > 4 {
			t.Errorf("transient failure comes again as %+v, want 1 to 3 s", c)
		}
		r.stop()
	})
}

// A backlog that failed together must not come back together. // failure 76
func TestPollerJittersRedeliveries(t *testing.T) {
	t.Parallel()
	p := &Poller{}
	for receives, limit := range map[int]time.Duration{
		-1: 2 * time.Second, 0: 2 * time.Second, 1: 3 * time.Second, 3: 9 * time.Second, 6: 61 * time.Second, 1 << 30: 61 * time.Second,
	} {
		distinct := map[time.Duration]bool{}
		for range 200 {
			d := p.wait(t.Context(), errBoom, receives)
			if d < time.Second || d > limit {
				t.Fatalf("receive %d: wait %v, want 1 s to %v", receives, d, limit)
			}
			distinct[d] = true
		}
		if len(distinct) < 150 {
			t.Errorf("receive %d: %d different waits of 200", receives, len(distinct))
		}
	}
	for _, d := range []time.Duration{-time.Hour, 20 * time.Hour, 1 << 62} {
		if got := seconds(p.wait(t.Context(), RetryAfter(d, errBoom), 1)); got < 0 || got > 12*60*60 {
			t.Errorf("hint %v: %d s, which SQS refuses", d, got)
		}
	}
}

// An answer of the wrong length, or a panic, acknowledges nothing.
func TestPollerLosesNothingToABrokenHandler(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]HandlerFunc{
		"nil":      func(context.Context, []Message) []error { return nil },
		"short":    func(_ context.Context, b []Message) []error { return make([]error, len(b)-1) },
		"long":     func(_ context.Context, b []Message) []error { return make([]error, len(b)+1) },
		"panicked": func(context.Context, []Message) []error { panic("PII") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, log := newFakeQueue(t), &records{}
				q.send("a", "b", "c")
				r := run(t, q, h, PollerOptions{Logger: slog.New(log)})
				after(500 * time.Millisecond)
				r.stop()
				if left := q.left(); len(left) != 3 {
					t.Errorf("left in the queue: %v, want all 3", left)
				}
				if n := log.count(slog.LevelWarn, "message left for redelivery"); n < 3 {
					t.Errorf("%d redeliveries logged, want 3", n)
				}
				for i := range log.all {
					log.all[i].Attrs(func(a slog.Attr) bool {
						if strings.Contains(a.Value.String(), "PII") {
							t.Errorf("log tells the panic's value: %v", a) // failure 69
						}
						return true
					})
				}
			})
		})
	}
}

func TestPollerAcknowledgesInTens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue(t)
		for i := range 35 {
			q.send(strconv.Itoa(i))
		}
		var sizes []int
		r := run(t, q, func(_ context.Context, batch []Message) []error {
			sizes = append(sizes, len(batch))
			return same(batch, nil)
		}, PollerOptions{Batch: 100, Window: time.Second})
		after(2 * time.Second)
		r.stop()
		if diff := cmp.Diff([]int{35}, sizes); diff != "" {
			t.Errorf("batches: %s", diff)
		}
		if _, deletes, _ := q.calls(); deletes != 4 || len(q.left()) != 0 {
			t.Errorf("%d delete calls, left %v; want 4 and none", deletes, q.left())
		}
	})
}

func TestPollerWindow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		first  int           // messages there at once
		later  int           // messages that come after 300 ms
		batch  int           // of the poller
		handed time.Duration // when the first batch is handed over
		sizes  []int
	}{
		{"gathers", 1, 4, 10, time.Second, []int{5}},
		{"more than one call", 3, 20, 100, time.Second, []int{23}},
		{"a full batch does not wait", 10, 0, 10, 0, []int{10}},
		{"nor one of less than ten", 4, 0, 4, 0, []int{4}},
		{"takes no more than a batch", 1, 7, 5, time.Second, []int{5, 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q := newFakeQueue(t)
				q.send(make([]string, tc.first)...)
				begun, handed, sizes := time.Now(), time.Duration(-1), []int(nil)
				r := run(t, q, func(_ context.Context, batch []Message) []error {
					if handed < 0 {
						handed = time.Since(begun)
					}
					sizes = append(sizes, len(batch))
					return same(batch, nil)
				}, PollerOptions{Batch: tc.batch, Window: time.Second})
				after(300 * time.Millisecond)
				q.send(make([]string, tc.later)...)
				after(5 * time.Second)
				r.stop()
				if handed != tc.handed || !slices.Equal(sizes, tc.sizes) {
					t.Errorf("batches of %v, the first after %v; want %v, %v", sizes, handed, tc.sizes, tc.handed)
				}
			})
		})
	}
}

// Nobody else gets a message that is being worked on, however long it takes.
func TestPollerHeartbeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue(t)
		for range 12 {
			q.send("slow")
		}
		begun := time.Now()
		var handed, most atomic.Int32
		r := run(t, q, func(_ context.Context, batch []Message) []error {
			handed.Add(int32(len(batch)))
			for i := range batch {
				most.Store(max(most.Load(), int32(batch[i].Receives)))
			}
			<-time.After(100 * time.Second)
			return same(batch, nil)
		}, PollerOptions{Batch: 12, Window: 10 * time.Second, Workers: 2})
		after(150 * time.Second)
		r.stop()
		if handed.Load() != 12 || most.Load() != 1 || len(q.left()) != 0 {
			t.Errorf("handed over %d times, up to receive %d, left %v; want 12 times once", handed.Load(), most.Load(), q.left())
		}
		beats := q.changesOf("m000")
		if len(beats) < 9 {
			t.Fatalf("%d heartbeats in 100 s", len(beats))
		}
		last := begun.Add(10 * time.Second) // the end of the window
		for i, b := range beats {
			if b.seconds != 30 || b.at.Sub(last) > 10*time.Second {
				t.Errorf("heartbeat %d: %d s, %v after the one before; want 30 s every 10 s", i, b.seconds, b.at.Sub(last))
			}
			last = b.at
		}
	})
}

// A store that is down must not use up the messages' receive counts. // failure 19
func TestPollerSlowsDownWhenNothingWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue(t)
		for i := range 1000 {
			q.send(strconv.Itoa(i))
		}
		batches := 0
		r := run(t, q, func(_ context.Context, batch []Message) []error {
			batches++
			return same(batch, RetryAfter(time.Hour, errBoom))
		}, PollerOptions{})
		after(30 * time.Second)
		r.stop()
		if batches < 5 || batches > 60 {
			t.Errorf("%d batches tried in 30 s of outage, want a few", batches)
		}
	})
}

// A queue that is down is asked again with backoff, and found when it is back. // failure 76
func TestPollerOutlivesTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, log := newFakeQueue(t), &records{}
		q.fail(errBoom, nil)
		r := run(t, q, func(_ context.Context, batch []Message) []error { return same(batch, nil) },
			PollerOptions{Logger: slog.New(log)})
		after(time.Minute)
		asked, _, _ := q.calls()
		if asked < 12 || asked > 120 || log.count(slog.LevelWarn, "queue does not answer") != asked {
			t.Errorf("asked %d times in a minute, logged %d", asked, log.count(slog.LevelWarn, "queue does not answer"))
		}
		q.fail(nil, nil)
		q.send("late")
		after(6 * time.Second)
		if left := q.left(); len(left) > 0 {
			t.Errorf("left in the queue: %v", left)
		}
		r.stop()
	})
}

// An outage now and then does not add up to long waits.
func TestPollerForgetsOldOutages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue(t)
		r := run(t, q, func(_ context.Context, batch []Message) []error { return same(batch, nil) }, PollerOptions{})
		for range 50 {
			q.mu.Lock()
			q.failOnce = errBoom
			q.mu.Unlock()
			after(time.Minute) // the next long poll fails, others find the queue empty
		}
		r.stop()
		for i, at := range q.failedAt {
			next := q.receivedAt[slices.IndexFunc(q.receivedAt, at.Before)]
			if wait := next.Sub(at); wait > 1700*time.Millisecond {
				t.Errorf("outage %d: asked again after %v", i, wait)
			}
		}
		if len(q.failedAt) != 50 {
			t.Errorf("%d outages, want 50", len(q.failedAt))
		}
	})
}

// An acknowledgement that is lost brings the message back, and nothing else. // failure 8
func TestPollerLostAcknowledgement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, log := newFakeQueue(t), &records{}
		q.send("twice")
		q.fail(nil, errBoom)
		times := 0
		r := run(t, q, func(_ context.Context, batch []Message) []error {
			times++
			return same(batch, nil)
		}, PollerOptions{Logger: slog.New(log)})
		after(time.Second)
		q.fail(nil, nil)
		after(40 * time.Second)
		r.stop()
		if times != 2 || len(q.left()) != 0 || log.count(slog.LevelWarn, "acknowledgement lost") != 1 {
			t.Errorf("handed over %d times, left %v, %d losses logged; want 2, none, 1",
				times, q.left(), log.count(slog.LevelWarn, "acknowledgement lost"))
		}
	})
}
