package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
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
	Window     time.Duration // how long a batch is gathered after its first message, 0
	Workers    int           // batches worked on at the same time, 1
	Visibility time.Duration // the queue's visibility timeout, 30 s; kept up while a batch is worked on
	Grace      time.Duration // how long a batch may go on after the stop, 7 s
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
	def(&o.Grace, 7*time.Second)
	if o.Batch == 0 {
		o.Batch = MaxBatch
	}
	if o.Workers == 0 {
		o.Workers = 1
	}
	return &Poller{client: client, handler: h, o: o}, nil
}

// Run polls until ctx is done and every batch in hand has an outcome.
func (p *Poller) Run(ctx context.Context) {
	// Work outlives the stop by the grace period.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(p.o.Grace, cancel) })
	defer stop()
	var wg sync.WaitGroup
	for range p.o.Workers {
		wg.Go(func() { p.loop(ctx, work) })
	}
	wg.Wait()
}

func (p *Poller) loop(ctx, work context.Context) {
	failures := 0
	for ctx.Err() == nil {
		batch, err := p.gather(ctx)
		if err != nil && ctx.Err() == nil {
			failures++
			p.o.Logger.LogAttrs(ctx, slog.LevelWarn, "queue does not answer", slog.String("error", err.Error()))
			_ = pause(ctx, backoff(failures+4))
			continue
		}
		if len(batch) == 0 {
			continue
		}
		if p.work(work, batch) {
			failures = 0
			continue
		}
		// Nothing of the batch could be done: the store or the model is at
		// fault, so spare the messages' receive counts.
		failures++
		_ = pause(ctx, backoff(failures+2))
	}
}

// gather receives a first message, lets others come in for the length of the
// window, and takes what there is up to a full batch.
func (p *Poller) gather(ctx context.Context) ([]Message, error) {
	batch, err := p.receive(ctx, p.o.Batch, 20)
	if err != nil || len(batch) == 0 || p.o.Window == 0 {
		return batch, err
	}
	if err := pause(ctx, p.o.Window); err != nil {
		return batch, nil // stopping: what is in hand is worked on
	}
	for len(batch) < p.o.Batch {
		more, err := p.receive(ctx, p.o.Batch-len(batch), 0)
		if err != nil || len(more) == 0 {
			break // the next receive tells what is wrong
		}
		batch = append(batch, more...)
	}
	return batch, nil
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
			ID: *m.MessageId, Body: []byte(*m.Body), handle: *m.ReceiptHandle,
			Receives: atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)], 1),
			SentAt:   time.UnixMilli(int64(atoi(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 0))),
		}
	}
	return batch, nil
}

// work handles one batch and reports whether any message was dealt with.
func (p *Poller) work(ctx context.Context, batch []Message) bool {
	beating, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { p.heartbeat(beating, batch) })
	errs := p.handler.Handle(ctx, batch)
	stop()
	wg.Wait()

	// Acknowledging and giving back must not be cut short by the stop.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	var done, again []Message
	var waits []time.Duration
	for i, err := range errs {
		switch {
		case err == nil:
			done = append(done, batch[i])
		case IsPermanent(err):
			done = append(done, batch[i])
			p.o.Logger.LogAttrs(ctx, slog.LevelError, "message refused for good",
				slog.String("message_id", batch[i].ID), slog.String("error", err.Error()))
		default:
			again = append(again, batch[i])
			waits = append(waits, p.wait(ctx, err, batch[i].Receives))
			p.o.Logger.LogAttrs(ctx, slog.LevelWarn, "message left for redelivery",
				slog.String("message_id", batch[i].ID), slog.Int("receives", batch[i].Receives),
				slog.String("error", err.Error()))
		}
	}
	p.acknowledge(closing, done)
	p.giveBack(closing, again, waits)
	return len(done) > 0
}

// wait is when a message should come again: at once when we are stopping,
// else when the error says, else after a jittered backoff.
func (p *Poller) wait(ctx context.Context, err error, receives int) time.Duration {
	var hint *retryError
	switch {
	case ctx.Err() != nil:
		return 0
	case errors.As(err, &hint):
		return hint.after
	default:
		return rand.N(min(time.Second<<min(receives, 6), time.Minute)) + time.Second
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
			id := fmt.Sprint(i)
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
			id := fmt.Sprint(i)
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: &id, ReceiptHandle: &batch[i].handle, VisibilityTimeout: seconds(waits[i]),
			})
		}
		if _, err := p.client.ChangeMessageVisibilityBatch(ctx, in); err != nil && ctx.Err() == nil {
			p.o.Logger.LogAttrs(ctx, slog.LevelWarn, "visibility not changed", slog.String("error", err.Error()))
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
