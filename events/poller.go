package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	closingTime   = 2 * time.Second  // for acknowledging and giving back after the grace period
	callTime      = 10 * time.Second // the same while the poller runs
	maxVisibility = 12 * time.Hour   // SQS's limit
)

// QueueAPI is what Poller needs of the SQS client.
type QueueAPI interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// PollerOptions describe one poller. Zero values are the defaults given.
type PollerOptions struct {
	Queue      string        // URL, required
	Batch      int           // messages handed over at once, 10
	Window     time.Duration // how long a batch is gathered after its first message, 0; at most half of Visibility
	Workers    int           // batches worked on at the same time, 1
	Visibility time.Duration // the queue's visibility timeout, 30 s, at least 1 s; kept up while a batch is worked on
	Grace      time.Duration // how long a batch may go on after the stop, 6 s
	Logger     *slog.Logger  // required
}

// Poller receives messages, hands them to a Handler and acknowledges what has
// been dealt with. On stop it receives nothing more, lets the batches in hand
// finish within Grace, and gives the rest back to the queue at once.
type Poller struct {
	client  QueueAPI
	handler Handler
	o       PollerOptions
}

// NewPoller returns a poller, or an error that names the option at fault.
func NewPoller(client QueueAPI, h Handler, o PollerOptions) (*Poller, error) {
	switch {
	case o.Queue == "":
		return nil, errors.New("poller: Queue: required")
	case o.Logger == nil:
		return nil, errors.New("poller: Logger: required")
	case o.Batch < 0 || o.Workers < 0 || o.Window < 0 || o.Visibility < 0 || o.Grace < 0:
		return nil, errors.New("poller: Batch, Workers, Window, Visibility and Grace must not be negative")
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.Visibility, 30*time.Second)
	def(&o.Grace, 6*time.Second)
	if o.Batch == 0 {
		o.Batch = MaxBatch
	}
	if o.Workers == 0 {
		o.Workers = 1
	}
	switch {
	case o.Visibility < time.Second || o.Visibility > maxVisibility:
		return nil, fmt.Errorf("poller: Visibility: %v, want 1 s to 12 h", o.Visibility)
	case o.Window > o.Visibility/2:
		return nil, fmt.Errorf("poller: Window: %v, want at most half of Visibility, %v", o.Window, o.Visibility)
	}
	return &Poller{client: client, handler: h, o: o}, nil
}

// Run polls until ctx is done and every batch in hand has an outcome, at most
// Grace and two seconds longer. A Handler that does not return when its context
// ends is left behind, its messages given back.
func (p *Poller) Run(ctx context.Context) {
	work, cancel := outlive(ctx, p.o.Grace)
	defer cancel()
	closing, end := outlive(work, closingTime)
	defer end()
	var wg sync.WaitGroup
	for range p.o.Workers {
		wg.Go(func() { p.loop(ctx, work, closing) })
	}
	wg.Wait()
}

// outlive returns a context that ends d after ctx does.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		_ = pause(longer, d)
	})
	return longer, func() {
		stop()
		cancel()
	}
}

func (p *Poller) loop(ctx, work, closing context.Context) {
	failures := 0
	for ctx.Err() == nil {
		batch, err := p.gather(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			failures++
			p.o.Logger.LogAttrs(ctx, slog.LevelWarn, "queue does not answer", slog.String("error", err.Error()))
			_ = pause(ctx, backoff(failures+4))
		case len(batch) == 0 || p.work(work, closing, batch):
			failures = 0
		default:
			// Nothing of the batch could be done: the store or the model is at
			// fault, so spare the messages' receive counts.
			failures++
			_ = pause(ctx, backoff(failures+2))
		}
	}
}

// gather receives a first message, lets others come in for the length of the
// window, and takes what there is up to a full batch. A full batch does not
// wait.
func (p *Poller) gather(ctx context.Context) ([]Message, error) {
	batch, err := p.receive(ctx, p.o.Batch, 20)
	if err != nil || len(batch) == 0 || len(batch) == p.o.Batch || p.o.Window == 0 {
		return batch, err
	}
	_ = pause(ctx, p.o.Window)
	for len(batch) < p.o.Batch && ctx.Err() == nil {
		more, _ := p.receive(ctx, p.o.Batch-len(batch), 0) // the next first receive tells what is wrong
		if len(more) == 0 {
			break
		}
		batch = append(batch, more...)
	}
	return batch, nil // also when stopping: what is in hand is worked on
}

func (p *Poller) receive(ctx context.Context, n int, wait int32) ([]Message, error) {
	out, err := p.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &p.o.Queue, MaxNumberOfMessages: int32(min(n, MaxBatch)), WaitTimeSeconds: wait,
		VisibilityTimeout: seconds(p.o.Visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("receive: %w", err)
	}
	batch := make([]Message, len(out.Messages))
	for i := range out.Messages {
		m := &out.Messages[i]
		batch[i] = Message{
			ID: aws.ToString(m.MessageId), Body: []byte(aws.ToString(m.Body)), handle: aws.ToString(m.ReceiptHandle),
			Receives: atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)], 1),
			SentAt:   time.UnixMilli(int64(atoi(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 0))),
		}
	}
	return batch, nil
}

// work handles one batch and reports whether any message was dealt with.
// Acknowledging and giving back go on until closing ends.
func (p *Poller) work(ctx, closing context.Context, batch []Message) bool {
	errs := p.handle(ctx, batch)
	closing, cancel := context.WithTimeout(closing, callTime)
	defer cancel()
	var done, again []Message
	var waits []time.Duration
	for i, err := range errs {
		switch {
		case err == nil:
			done = append(done, batch[i])
		case IsPermanent(err):
			done = append(done, batch[i])
			logRefused(ctx, p.o.Logger, batch[i].ID, err)
		default:
			again = append(again, batch[i])
			waits = append(waits, p.wait(ctx, err, batch[i].Receives))
			logAgain(ctx, p.o.Logger, &batch[i], err)
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() { p.acknowledge(closing, done) })
	p.giveBack(closing, again, waits)
	wg.Wait()
	return len(done) > 0
}

// handle runs the Handler under heartbeats. A Handler that is still running
// half the closing time after ctx ended is not waited for.
func (p *Poller) handle(ctx context.Context, batch []Message) []error {
	beating, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { p.heartbeat(beating, batch) })

	errs, stopped := answersWithin(ctx, p.handler, batch, closingTime/2)
	if !stopped {
		p.o.Logger.LogAttrs(ctx, slog.LevelError, "handler did not stop", slog.Int("messages", len(batch)))
	}
	return errs
}

// wait is when a message should come again: at once when we are stopping,
// else when the error says, else after a jittered backoff.
func (p *Poller) wait(ctx context.Context, err error, receives int) time.Duration {
	var hint *retryError
	switch {
	case ctx.Err() != nil:
		return 0
	case errors.As(err, &hint):
		return min(max(hint.after, 0), maxVisibility)
	default:
		return rand.N(min(time.Second<<min(max(receives, 0), 6), time.Minute)) + time.Second
	}
}

// heartbeat keeps the batch invisible to others while it is worked on.
func (p *Poller) heartbeat(ctx context.Context, batch []Message) {
	ticker := time.NewTicker(p.o.Visibility / 3)
	defer ticker.Stop()
	waits := make([]time.Duration, len(batch))
	for i := range waits {
		waits[i] = p.o.Visibility
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p.giveBack(ctx, batch, waits)
		}
	}
}

func (p *Poller) acknowledge(ctx context.Context, done []Message) {
	for chunk := range chunks(len(done)) {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &p.o.Queue}
		for i := chunk.from; i < chunk.to; i++ {
			id := strconv.Itoa(i)
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: &done[i].handle})
		}
		out, err := p.client.DeleteMessageBatch(ctx, in)
		if err != nil || len(out.Failed) > 0 {
			// It will come again and be found done.
			p.o.Logger.LogAttrs(ctx, slog.LevelWarn, "acknowledgement lost", slog.Int("messages", chunk.to-chunk.from))
		}
	}
}

func (p *Poller) giveBack(ctx context.Context, batch []Message, waits []time.Duration) {
	for chunk := range chunks(len(batch)) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &p.o.Queue}
		for i := chunk.from; i < chunk.to; i++ {
			id := strconv.Itoa(i)
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: &id, ReceiptHandle: &batch[i].handle, VisibilityTimeout: seconds(waits[i]),
			})
		}
		out, err := p.client.ChangeMessageVisibilityBatch(ctx, in)
		switch {
		case err != nil && ctx.Err() == nil:
			p.o.Logger.LogAttrs(ctx, slog.LevelWarn, "visibility not changed", slog.String("error", err.Error()))
		case err == nil && len(out.Failed) > 0:
			p.o.Logger.LogAttrs(ctx, slog.LevelWarn, "visibility not changed", slog.Int("messages", len(out.Failed)))
		}
	}
}

// seconds rounds up to whole seconds, as SQS counts.
func seconds(d time.Duration) int32 {
	return int32((max(d, 0) + time.Second - 1) / time.Second)
}

type span struct{ from, to int }

// chunks yields the spans of n messages that fit into one call each.
func chunks(n int) func(func(span) bool) {
	return func(yield func(span) bool) {
		for from := 0; from < n; from += MaxBatch {
			if !yield(span{from, min(from+MaxBatch, n)}) {
				return
			}
		}
	}
}
