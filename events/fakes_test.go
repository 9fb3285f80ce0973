package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// fakeQueue is a standard SQS queue in memory, by the clock of the test's
// bubble: visibility timeouts, receive counts, long polling, calls of ten.
type fakeQueue struct {
	t  *testing.T
	mu sync.Mutex

	messages map[string]*fakeMessage // by id, until deleted
	order    []string
	arrived  chan struct{} // closed and replaced by send

	receives, deletes, beats int // calls
	receivedAfterStop        int
	receiveErr, deleteErr    error
	failOnce                 error       // of the next receive
	receivedAt, failedAt     []time.Time // receives, and those that failed once
	changes                  []change
}

type fakeMessage struct {
	id, body string
	visible  time.Time
	receives int
	handle   string // of the latest receive
}

// change is one entry of a ChangeMessageVisibilityBatch call.
type change struct {
	id      string
	seconds int32
	at      time.Time
}

func newFakeQueue(t *testing.T) *fakeQueue {
	t.Helper()
	return &fakeQueue{t: t, messages: map[string]*fakeMessage{}, arrived: make(chan struct{})}
}

func (q *fakeQueue) send(bodies ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, body := range bodies {
		id := fmt.Sprintf("m%03d", len(q.order))
		q.messages[id] = &fakeMessage{id: id, body: body, visible: time.Now()}
		q.order = append(q.order, id)
	}
	close(q.arrived)
	q.arrived = make(chan struct{})
}

// left returns the ids that were never acknowledged.
func (q *fakeQueue) left() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Sorted(maps.Keys(q.messages))
}

func (q *fakeQueue) changesOf(id string) []change {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(q.changes), func(c change) bool { return c.id != id })
}

func (q *fakeQueue) calls() (receives, deletes, beats int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.receives, q.deletes, q.beats
}

func (q *fakeQueue) fail(receive, remove error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.receiveErr, q.deleteErr = receive, remove
}

// ReceiveMessage counts calls made when ctx is done already: the SDK would
// not send them, but a poller should not try.
func (q *fakeQueue) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	q.mu.Lock()
	q.receives++
	if ctx.Err() != nil {
		q.receivedAfterStop++
	}
	q.receivedAt = append(q.receivedAt, time.Now())
	err := q.receiveErr
	if q.failOnce != nil {
		err, q.failOnce = q.failOnce, nil
		q.failedAt = append(q.failedAt, time.Now())
	}
	q.mu.Unlock()
	if n := in.MaxNumberOfMessages; n < 1 || n > MaxBatch {
		q.t.Errorf("receive of %d messages", n)
	}
	deadline := time.Now().Add(time.Duration(in.WaitTimeSeconds) * time.Second)
	for err == nil && ctx.Err() == nil {
		out, next, arrived := q.take(int(in.MaxNumberOfMessages), time.Duration(in.VisibilityTimeout)*time.Second)
		now := time.Now()
		if len(out) > 0 || !now.Before(deadline) {
			return &sqs.ReceiveMessageOutput{Messages: out}, nil
		}
		wait := deadline.Sub(now)
		if !next.IsZero() {
			wait = min(wait, next.Sub(now))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-arrived:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil, errors.Join(err, ctx.Err())
}

// take leases visible messages; next is when the next one becomes visible.
func (q *fakeQueue) take(n int, visibility time.Duration) (out []types.Message, next time.Time, arrived chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for _, id := range q.order {
		m := q.messages[id]
		switch {
		case m == nil || len(out) == n:
		case m.visible.After(now):
			if next.IsZero() || m.visible.Before(next) {
				next = m.visible
			}
		default:
			m.receives++
			m.visible = now.Add(visibility)
			m.handle = fmt.Sprintf("%s/%d", id, m.receives)
			out = append(out, types.Message{
				MessageId: aws.String(id), Body: aws.String(m.body), ReceiptHandle: aws.String(m.handle),
				Attributes: map[string]string{
					"ApproximateReceiveCount": strconv.Itoa(m.receives),
					"SentTimestamp":           strconv.FormatInt(now.UnixMilli(), 10),
				},
			})
		}
	}
	return out, next, q.arrived
}

func (q *fakeQueue) DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deletes++
	if n := len(in.Entries); n < 1 || n > MaxBatch {
		q.t.Errorf("delete of %d messages", n)
	}
	if err := errors.Join(q.deleteErr, ctx.Err()); err != nil {
		return nil, err
	}
	for i := range in.Entries {
		id, _, _ := strings.Cut(*in.Entries[i].ReceiptHandle, "/")
		delete(q.messages, id)
	}
	return &sqs.DeleteMessageBatchOutput{}, nil
}

func (q *fakeQueue) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.beats++
	if n := len(in.Entries); n < 1 || n > MaxBatch {
		q.t.Errorf("visibility of %d messages", n)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for i := range in.Entries {
		e := &in.Entries[i]
		id, _, _ := strings.Cut(*e.ReceiptHandle, "/")
		if e.VisibilityTimeout < 0 || e.VisibilityTimeout > 12*60*60 {
			q.t.Errorf("visibility of %d s", e.VisibilityTimeout)
		}
		q.changes = append(q.changes, change{id, e.VisibilityTimeout, time.Now()})
		if m := q.messages[id]; m != nil && m.handle == *e.ReceiptHandle {
			m.visible = time.Now().Add(time.Duration(e.VisibilityTimeout) * time.Second)
		}
	}
	close(q.arrived)
	q.arrived = make(chan struct{})
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// running is a poller at work in a test's bubble.
type running struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// run starts a poller; stop it before the bubble ends.
func run(t *testing.T, q QueueAPI, h HandlerFunc, o PollerOptions) *running {
	t.Helper()
	o.Queue = "http://queue"
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	p, err := NewPoller(q, h, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		p.Run(ctx)
	}()
	return r
}

// stop stops the poller and returns how long Run went on.
func (r *running) stop() time.Duration {
	begun := time.Now()
	r.cancel()
	<-r.done
	return time.Since(begun)
}

// after lets d pass in the bubble and everything settle.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// same answers every message of a batch with err.
func same(batch []Message, err error) []error {
	errs := make([]error, len(batch))
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// records collects log records.
type records struct {
	mu  sync.Mutex
	all []slog.Record
}

func (l *records) Enabled(context.Context, slog.Level) bool { return true }
func (l *records) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *records) WithGroup(string) slog.Handler            { return l }

func (l *records) Handle(_ context.Context, r slog.Record) error { //nolint:gocritic // the interface's
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, r)
	return nil
}

// count returns how many records have that level and message.
func (l *records) count(level slog.Level, message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for i := range l.all {
		if l.all[i].Level == level && l.all[i].Message == message {
			n++
		}
	}
	return n
}

// hanging is a queue that receives and answers nothing else before ctx ends.
type hanging struct{ *fakeQueue }

func (q hanging) DeleteMessageBatch(ctx context.Context, _ *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (q hanging) ChangeMessageVisibilityBatch(ctx context.Context, _ *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
