package sqs

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

type receiveInput struct {
	queueURLInput
	AttributeNames              []string // the older name of the next field; both count
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int64
	VisibilityTimeout           *int64
	WaitTimeSeconds             *int64
}

// delivered is one message as a receive answers it.
type delivered struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string     `json:",omitempty"`
	MD5OfMessageAttributes string                `json:",omitempty"`
	MessageAttributes      map[string]*attribute `json:",omitempty"`
}

// receive is a checked ReceiveMessage.
type receive struct {
	queue   *queue
	max     int
	timeout int64 // milliseconds
	wait    time.Duration
}

func (s *Service) parseReceive(in *receiveInput) (r receive, err error) {
	if r.queue, err = s.byURL(in.QueueURL); err != nil {
		return r, err
	}
	c := r.queue.settings()
	limit, err := between("MaxNumberOfMessages", in.MaxNumberOfMessages, 1, maxBatch, 1)
	if err != nil {
		return r, err
	}
	timeout, err := between("VisibilityTimeout", in.VisibilityTimeout, 0, maxTimeout, c.Timeout)
	if err != nil {
		return r, err
	}
	wait, err := between("WaitTimeSeconds", in.WaitTimeSeconds, 0, maxWait, c.Wait)
	r.max, r.timeout, r.wait = int(limit), timeout*1000, time.Duration(wait)*time.Second
	return r, err
}

func (s *Service) receiveMessage(ctx context.Context, _ call, in *receiveInput) (any, error) {
	r, err := s.parseReceive(in)
	if err != nil {
		return nil, err
	}
	messages, err := s.poll(ctx, r)
	if err != nil {
		return nil, err
	}
	out := struct {
		Messages []delivered `json:",omitempty"`
	}{}
	wanted := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for _, m := range messages {
		d, err := s.deliver(m, wanted, in.MessageAttributeNames)
		if err != nil {
			return nil, err
		}
		out.Messages = append(out.Messages, d)
	}
	return out, nil
}

// poll takes messages, waiting up to r.wait for the first. It sleeps until one
// is sent, made visible or moved here, or until the moment at which the next
// delay or visibility timeout ends.
func (s *Service) poll(ctx context.Context, r receive) ([]*message, error) {
	over := time.NewTimer(r.wait)
	defer over.Stop()
	for {
		changes := r.queue.changes() // before looking, so that no wake is missed
		messages, next, err := s.take(ctx, r)
		if err != nil || len(messages) > 0 || r.wait == 0 {
			return messages, err
		}
		if again := s.pause(ctx, changes, over.C, next); !again {
			return nil, ctx.Err()
		}
	}
}

// pause waits until it is worth looking again; false when the poll is over.
func (s *Service) pause(ctx context.Context, changes <-chan struct{}, over <-chan time.Time, next int64) bool {
	var due <-chan time.Time
	if next > 0 {
		timer := time.NewTimer(time.Duration(next-s.now()) * time.Millisecond)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-changes:
		return true
	case <-due:
		return true
	case <-over:
	case <-s.pollsOver:
	case <-ctx.Done():
	}
	return false
}

// maxRedrives bounds the messages that one receive moves to the dead-letter queue.
const maxRedrives = 1000

// take receives what is ready now. When that is nothing, next is the time at
// which it is worth looking again without being woken; 0 for never.
func (s *Service) take(ctx context.Context, r receive) (taken []*message, next int64, err error) {
	err = s.do(ctx, func(ctx context.Context, t *transaction) (err error) {
		taken, next = nil, 0
		if s.lookupID(r.queue.id) == nil {
			return kindQueueDoesNotExist.errorf("The specified queue %q does not exist.", r.queue.name)
		}
		room, err := s.room(ctx, t, r)
		if err != nil {
			return err
		}
		looked := 0
		for looked < maxRedrives && len(taken) < room {
			limit := room - len(taken)
			found, err := t.ready(ctx, r.queue.id, t.now, r.queue.sentAfter(t.now), limit)
			if err != nil {
				return err
			}
			looked += len(found)
			if taken, err = s.accept(ctx, t, r, found, taken); err != nil {
				return err
			}
			// With a timeout of 0 the next look would find the same messages.
			if len(found) < limit || r.timeout == 0 && len(taken) > 0 {
				break
			}
		}
		if looked >= maxRedrives {
			next = t.now
		} else if len(taken) == 0 {
			next, err = t.nextVisible(ctx, r.queue.id)
		}
		return err
	})
	return taken, next, err
}

// room is how many messages may be received under the in-flight limit. The
// exact count is taken only when the bound kept in memory reaches the limit.
func (s *Service) room(ctx context.Context, t *transaction, r receive) (int, error) {
	q := r.queue
	if q.inFlight+int64(r.max) > maxInFlight {
		if err := t.countInFlight.QueryRowContext(ctx, q.id, t.now, q.sentAfter(t.now)).Scan(&q.inFlight); err != nil {
			return 0, err
		}
	}
	room := min(int64(r.max), maxInFlight-q.inFlight)
	if room <= 0 && r.wait == 0 { // long polls are told nothing
		return 0, kindOverLimit.errorf("Too many messages in flight: the limit of %s is %d.", q.name, maxInFlight)
	}
	return int(max(room, 0)), nil
}

// accept marks the found messages as received, or moves those that have had
// their receives to the dead-letter queue.
func (s *Service) accept(ctx context.Context, t *transaction, r receive, found, taken []*message) ([]*message, error) {
	target, limit := s.deadLetter(r.queue)
	for _, m := range found {
		if target != nil && m.receives >= limit {
			m.queue, m.visible, m.received, m.receipt, m.source = target.id, t.now, 0, 0, s.arn(r.queue.name)
			t.wake = append(t.wake, target)
		} else {
			m.visible, m.received, m.receipt = t.now+r.timeout, t.now, newReceipt()
			m.receives++
			if m.first == 0 {
				m.first = t.now
			}
			r.queue.inFlight++
			taken = append(taken, m)
		}
		if err := t.update(ctx, &m.state); err != nil {
			return nil, err
		}
	}
	if r.timeout == 0 && len(found) > 0 {
		t.wake = append(t.wake, r.queue)
	}
	return taken, nil
}

// nextVisible is when the next hidden message of the queue becomes visible; 0 for never.
func (t *transaction) nextVisible(ctx context.Context, queue int64) (int64, error) {
	var next sql.NullInt64
	err := t.selectNext.QueryRowContext(ctx, queue, t.now).Scan(&next)
	return next.Int64, err
}

// deliver makes the answer for one message.
func (s *Service) deliver(m *message, system, names []string) (delivered, error) {
	var e envelope
	if m.attributes != "" {
		if err := json.Unmarshal([]byte(m.attributes), &e); err != nil {
			return delivered{}, fmt.Errorf("%w: attributes of message row %d: %w", ErrCorrupt, m.seq, err)
		}
	}
	attributes := selectAttributes(e.Attributes, names)
	return delivered{
		MessageID:              formatID(m.id),
		ReceiptHandle:          handle{queue: m.queue, seq: m.seq, receipt: m.receipt}.String(),
		MD5OfBody:              textMD5(m.body),
		Body:                   m.body,
		Attributes:             s.systemAttributes(m, &e, system),
		MD5OfMessageAttributes: attributesMD5(attributes),
		MessageAttributes:      attributes,
	}, nil
}

func (s *Service) systemAttributes(m *message, e *envelope, wanted []string) map[string]string {
	values := map[string]string{}
	add := func(name, value string) {
		if value != "" && (slices.Contains(wanted, name) || slices.Contains(wanted, attributeSelectAll)) {
			values[name] = value
		}
	}
	add("SenderId", s.opts.AccountID)
	add("SentTimestamp", strconv.FormatInt(m.sent, 10))
	add("ApproximateReceiveCount", strconv.FormatInt(m.receives, 10))
	add("ApproximateFirstReceiveTimestamp", strconv.FormatInt(m.first, 10))
	add("MessageGroupId", e.Group)
	add(traceHeader, e.Trace)
	add("DeadLetterQueueSourceArn", m.source)
	return values
}
