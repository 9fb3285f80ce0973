package local

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

const (
	// DeadLetterSuffix makes a queue's name that of its dead-letter queue.
	DeadLetterSuffix = "-dlq"

	deadLetterRetention = 14 * 24 * time.Hour // the most that SQS allows
	defaultVisibility   = 30 * time.Second
	defaultReceives     = 5
	accountID           = "000000000000"
)

// CreateQueue makes a queue and its dead-letter queue, or gives them these settings.
// Messages stay.
func (s *Server) CreateQueue(ctx context.Context, q Queue) error {
	if q.VisibilityTimeout == 0 {
		q.VisibilityTimeout = defaultVisibility
	}
	if q.MaxReceives == 0 {
		q.MaxReceives = defaultReceives
	}
	dead := q.Name + DeadLetterSuffix
	if err := s.ensureQueue(ctx, dead, map[string]string{
		"MessageRetentionPeriod": seconds(deadLetterRetention),
	}); err != nil {
		return err
	}
	redrive, err := json.Marshal(map[string]string{
		"deadLetterTargetArn": "arn:aws:sqs:" + s.creds.Region + ":" + accountID + ":" + dead,
		"maxReceiveCount":     strconv.Itoa(q.MaxReceives),
	})
	if err != nil {
		return err
	}
	return s.ensureQueue(ctx, q.Name, map[string]string{
		"VisibilityTimeout": seconds(q.VisibilityTimeout),
		"RedrivePolicy":     string(redrive),
	})
}

// ensureQueue makes a queue with its defaults, or keeps it, and then sets the attributes.
func (s *Server) ensureQueue(ctx context.Context, name string, attributes map[string]string) error {
	if err := s.queues.CreateQueue(ctx, name, nil); err != nil {
		return fmt.Errorf("queue %s: %w", name, err)
	}
	if err := s.queues.SetQueueAttributes(ctx, name, attributes); err != nil {
		return fmt.Errorf("queue %s: %w", name, err)
	}
	return nil
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
