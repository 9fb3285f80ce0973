package events

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Limits of SQS.
const (
	MaxBatch = 10      // messages in one call
	MaxBytes = 1 << 20 // of one message, and of all messages in one call
)

// ErrTooLarge is returned for a message that SQS would not take.
var ErrTooLarge = errors.New("message too large")

// SendAPI is what Sender needs of the SQS client.
type SendAPI interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Sender puts messages into one queue. It is safe for concurrent use.
type Sender struct {
	client SendAPI
	queue  string // URL
	tries  int
}

// NewSender returns a sender for the queue at that URL.
func NewSender(client SendAPI, queue string) *Sender {
	return &Sender{client: client, queue: queue, tries: 6}
}

// Send puts one message into the queue. group is the message group that SQS
// shares the queue out by ("" for none). After an error the message may be in
// the queue all the same.
func (s *Sender) Send(ctx context.Context, body, group string) error {
	if len(body) > MaxBytes {
		return fmt.Errorf("%d bytes, limit %d: %w", len(body), MaxBytes, ErrTooLarge)
	}
	in := &sqs.SendMessageInput{QueueUrl: &s.queue, MessageBody: &body}
	if group != "" {
		in.MessageGroupId = &group
	}
	if _, err := s.client.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// SendAll puts messages into the queue, ten at a time, and resends those that
// SQS did not take. The result has one error per message, nil for those that
// are in the queue; it is nil when all are.
func (s *Sender) SendAll(ctx context.Context, bodies []string, group string) []error {
	errs := make([]error, len(bodies))
	failed := false
	for start := 0; start < len(bodies); {
		end, size := start, 0
		for end < len(bodies) && end-start < MaxBatch && (end == start || size+len(bodies[end]) <= MaxBytes) {
			size += len(bodies[end])
			end++
		}
		if !s.sendBatch(ctx, bodies[start:end], group, errs[start:end]) {
			failed = true
		}
		start = end
	}
	if !failed {
		return nil
	}
	return errs
}

// sendBatch sends up to ten messages and reports whether all were taken.
func (s *Sender) sendBatch(ctx context.Context, bodies []string, group string, errs []error) bool {
	left := make([]int, 0, len(bodies))
	for i, body := range bodies {
		if len(body) > MaxBytes {
			errs[i] = fmt.Errorf("%d bytes, limit %d: %w", len(body), MaxBytes, ErrTooLarge)
			continue
		}
		left = append(left, i)
	}
	tooLarge := len(left) < len(bodies)
	for try := 0; len(left) > 0; try++ {
		if try > 0 {
			if try >= s.tries || pause(ctx, backoff(try)) != nil {
				return false
			}
		}
		left = s.sendOnce(ctx, bodies, left, group, errs)
	}
	return !tooLarge
}

// sendOnce sends the messages numbered left and returns those not taken.
func (s *Sender) sendOnce(ctx context.Context, bodies []string, left []int, group string, errs []error) []int {
	in := &sqs.SendMessageBatchInput{QueueUrl: &s.queue}
	for _, i := range left {
		id := strconv.Itoa(i)
		e := types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &bodies[i]}
		if group != "" {
			e.MessageGroupId = &group
		}
		in.Entries = append(in.Entries, e)
		errs[i] = errors.New("send: not confirmed")
	}
	out, err := s.client.SendMessageBatch(ctx, in)
	if err != nil {
		for _, i := range left {
			errs[i] = fmt.Errorf("send: %w", err)
		}
		return left
	}
	for j := range out.Successful {
		if i, err := strconv.Atoi(aws.ToString(out.Successful[j].Id)); err == nil && i >= 0 && i < len(errs) {
			errs[i] = nil
		}
	}
	var again []int
	for j := range out.Failed {
		f := &out.Failed[j]
		i, err := strconv.Atoi(aws.ToString(f.Id))
		if err != nil || i < 0 || i >= len(errs) {
			continue
		}
		errs[i] = fmt.Errorf("send: refused: %s", aws.ToString(f.Code))
	}
	for _, i := range left {
		if errs[i] != nil {
			again = append(again, i)
		}
	}
	return again
}

// backoff is a wait with full jitter before try number n, at most 5 s.
func backoff(n int) time.Duration {
	return rand.N(min(50*time.Millisecond<<min(n, 10), 5*time.Second)) + time.Millisecond
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
