package sqs

import (
	"context"
	"slices"
	"strconv"
)

func (s *Service) setQueueAttributes(ctx context.Context, _ call, in *struct {
	queueURLInput
	Attributes map[string]string
},
) (any, error) {
	q, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if len(in.Attributes) == 0 {
		return nil, missing("Attributes")
	}
	return struct{}{}, s.SetQueueAttributes(ctx, q.name, in.Attributes)
}

// The attributes that are computed.
const (
	attributeReady     = "ApproximateNumberOfMessages"
	attributeInFlight  = "ApproximateNumberOfMessagesNotVisible"
	attributeDelayed   = "ApproximateNumberOfMessagesDelayed"
	attributeCreated   = "CreatedTimestamp"
	attributeModified  = "LastModifiedTimestamp"
	attributeARN       = "QueueArn"
	attributeSelectAll = "All"
)

func (s *Service) getQueueAttributes(ctx context.Context, _ call, in *struct {
	queueURLInput
	AttributeNames []string
},
) (any, error) {
	q, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	known := append(settable(), attributeReady, attributeInFlight, attributeDelayed, attributeCreated, attributeModified, attributeARN)
	for _, name := range in.AttributeNames {
		if name != attributeSelectAll && !slices.Contains(known, name) {
			return nil, kindAttributeName.errorf("Unknown Attribute %s.", name)
		}
	}
	values, err := s.queueAttributes(ctx, q)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(in.AttributeNames, attributeSelectAll) {
		for _, name := range known {
			if !slices.Contains(in.AttributeNames, name) {
				delete(values, name)
			}
		}
	}
	return struct {
		Attributes map[string]string `json:",omitempty"`
	}{values}, nil
}

// queueAttributes are all attributes of the queue with the counts of now.
func (s *Service) queueAttributes(ctx context.Context, q *queue) (map[string]string, error) {
	var ready, inFlight, delayed int64
	err := s.do(ctx, func(ctx context.Context, t *transaction) error {
		return t.countAll.QueryRowContext(ctx, q.id, t.now, q.sentAfter(t.now)).Scan(&ready, &inFlight, &delayed)
	})
	if err != nil {
		return nil, err
	}
	c := q.config.Load()
	values := c.settings.attributes()
	values[attributeReady] = strconv.FormatInt(ready, 10)
	values[attributeInFlight] = strconv.FormatInt(inFlight, 10)
	values[attributeDelayed] = strconv.FormatInt(delayed, 10)
	values[attributeCreated] = strconv.FormatInt(q.created/1000, 10)
	values[attributeModified] = strconv.FormatInt(c.modified/1000, 10)
	values[attributeARN] = s.arn(q.name)
	return values, nil
}

// sentAfter is the time before which sent messages have expired.
func (q *queue) sentAfter(now int64) int64 { return now - q.settings().Retention*1000 }

// purgeQueue deletes every message that the queue holds at the call, in bites
// that let other calls through. Once in 60 s, as the service has it.
func (s *Service) purgeQueue(ctx context.Context, _ call, in *queueURLInput) (any, error) {
	q, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	var upTo int64
	err = s.do(ctx, func(_ context.Context, t *transaction) error {
		if q.purged != 0 && t.now-q.purged < 60_000 {
			return kindPurgeInProgress.errorf("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
		}
		upTo, q.purged = t.nextSeq-1, t.now
		return nil
	})
	for more := true; more && err == nil; {
		err = s.do(ctx, func(ctx context.Context, t *transaction) error {
			seqs, err := t.seqs(ctx, q.id, upTo)
			if err != nil {
				return err
			}
			more = len(seqs) > 0
			return t.removeAll(ctx, seqs)
		})
	}
	return struct{}{}, err
}

// bite is how many rows one transaction of a long piece of work touches.
const bite = 1000

// seqs reads one bite of the queue's messages up to a seq.
func (d *database) seqs(ctx context.Context, queue, upTo int64) ([]int64, error) {
	rows, err := d.selectOfQueue.QueryContext(ctx, queue, upTo, bite)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err is checked
	var found []int64
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		found = append(found, seq)
	}
	return found, rows.Err()
}

func (d *database) removeAll(ctx context.Context, seqs []int64) error {
	for _, seq := range seqs {
		if err := d.remove(ctx, seq); err != nil {
			return err
		}
	}
	return nil
}
