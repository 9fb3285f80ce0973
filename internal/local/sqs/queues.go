package sqs

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// CreateQueue makes the queue, or does nothing when it exists with these
// attribute values; others are QueueNameExists. Names and values are those of
// the CreateQueue action; attributes may be nil.
// Errors: *[Error], [ErrFull], [ErrClosed].
func (s *Service) CreateQueue(ctx context.Context, name string, attributes map[string]string) error {
	if err := checkQueueName(name); err != nil {
		return err
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	if q := s.lookup(name); q != nil {
		return s.compare(q, attributes)
	}
	c := &config{settings: defaultSettings(), modified: s.now()}
	if err := s.apply(&c.settings, attributes); err != nil {
		return err
	}
	if err := s.checkRedrive(name, &c.settings); err != nil {
		return err
	}
	text := jsonText(&c.settings)
	err := s.do(ctx, func(ctx context.Context, t *transaction) error {
		var id int64
		err := t.conn.QueryRowContext(ctx, `INSERT INTO queues(name, created, modified, attributes, sum) VALUES(?,?,?,?,0) RETURNING id`,
			name, c.modified, c.modified, text).Scan(&id)
		if err != nil {
			return err
		}
		_, err = t.conn.ExecContext(ctx, "UPDATE queues SET sum=? WHERE id=?", queueSum(id, name, c.modified, c.modified, text), id)
		t.onCommit = append(t.onCommit, func() { s.publish(newQueue(id, name, c.modified, c)) })
		return err
	})
	s.sweepSoon() // its retention may be the shortest
	return err
}

// compare says whether the queue already has these attributes.
func (s *Service) compare(q *queue, attributes map[string]string) error {
	have := q.settings()
	want := *have
	if err := s.apply(&want, attributes); err != nil {
		return err
	}
	if name := firstDifference(have, &want, slices.Collect(maps.Keys(attributes))); name != "" {
		return kindQueueNameExists.errorf("A queue already exists with the same name and a different value for attribute %s", name)
	}
	return nil
}

// SetQueueAttributes changes attributes of a queue, all or none; those that
// are not named stay. Errors: *[Error], [ErrFull], [ErrClosed].
func (s *Service) SetQueueAttributes(ctx context.Context, name string, attributes map[string]string) error {
	s.admin.Lock()
	defer s.admin.Unlock()
	q, err := s.byName(name)
	if err != nil {
		return err
	}
	c := &config{settings: *q.settings(), modified: s.now()}
	if err := s.apply(&c.settings, attributes); err != nil {
		return err
	}
	if err := s.checkRedrive(name, &c.settings); err != nil {
		return err
	}
	text := jsonText(&c.settings)
	err = s.do(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.conn.ExecContext(ctx, "UPDATE queues SET modified=?, attributes=?, sum=? WHERE id=?",
			c.modified, text, queueSum(q.id, q.name, q.created, c.modified, text), q.id)
		t.onCommit = append(t.onCommit, func() { q.config.Store(c) })
		t.wake = append(t.wake, q)
		return err
	})
	s.sweepSoon()
	return err
}

type queueURLInput struct {
	QueueURL string `json:"QueueUrl"`
}

type queueURLOutput struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *Service) createQueue(ctx context.Context, c call, in *struct {
	QueueName  string
	Attributes map[string]string
	Tags       json.RawMessage `json:"tags"`
},
) (any, error) {
	if len(in.Tags) > 0 && string(in.Tags) != "null" && string(in.Tags) != "{}" {
		return nil, kindUnsupported.errorf("Queue tags are not supported by this server.")
	}
	if err := s.CreateQueue(ctx, in.QueueName, in.Attributes); err != nil {
		return nil, err
	}
	return queueURLOutput{s.queueURL(c.host, in.QueueName)}, nil
}

func (s *Service) getQueueURL(_ context.Context, c call, in *struct {
	QueueName              string
	QueueOwnerAWSAccountID string `json:"QueueOwnerAWSAccountId"`
},
) (any, error) {
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	if in.QueueOwnerAWSAccountID != "" && in.QueueOwnerAWSAccountID != s.opts.AccountID {
		return nil, kindQueueDoesNotExist.errorf("The specified queue does not exist: the only account here is %s.", s.opts.AccountID)
	}
	q, err := s.byName(in.QueueName)
	if err != nil {
		return nil, err
	}
	return queueURLOutput{s.queueURL(c.host, q.name)}, nil
}

// deleteQueue forgets the queue at once; its messages follow.
func (s *Service) deleteQueue(ctx context.Context, _ call, in *queueURLInput) (any, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	q, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	err = s.do(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := t.conn.ExecContext(ctx, "DELETE FROM queues WHERE id=?", q.id); err != nil {
			return err
		}
		t.onCommit = append(t.onCommit, func() { s.unpublish(q) })
		t.wake = append(t.wake, q)
		return nil
	})
	s.sweepSoon()
	return struct{}{}, err
}

// page is the part of a list of queues that one answer holds.
type page struct {
	NextToken  string
	MaxResults *int64
}

const maxListed = 1000

// urls cuts the sorted queues at the page; the token is the last name given.
func (s *Service) urls(host string, p page, queues []*queue) (list []string, next string, err error) {
	limit := int64(maxListed)
	if p.MaxResults != nil {
		limit = *p.MaxResults
		if limit < 1 || limit > maxListed {
			return nil, "", badParameter("MaxResults", limit, "Must be between 1 and 1000, if provided.")
		}
	}
	after, err := decodeToken(p.NextToken)
	if err != nil {
		return nil, "", err
	}
	list = []string{}
	last := ""
	for _, q := range queues {
		if strings.Compare(q.name, after) <= 0 {
			continue
		}
		if int64(len(list)) == limit {
			return list, encodeToken(last), nil
		}
		last = q.name
		list = append(list, s.queueURL(host, q.name))
	}
	return list, "", nil
}

func (s *Service) listQueues(_ context.Context, c call, in *struct {
	page
	QueueNamePrefix string
},
) (any, error) {
	urls, next, err := s.urls(c.host, in.page, s.sorted(func(q *queue) bool { return strings.HasPrefix(q.name, in.QueueNamePrefix) }))
	if err != nil {
		return nil, err
	}
	return struct {
		QueueUrls []string `json:",omitempty"`
		NextToken string   `json:",omitempty"`
	}{urls, next}, nil
}

func (s *Service) listDeadLetterSourceQueues(_ context.Context, c call, in *struct {
	page
	queueURLInput
},
) (any, error) {
	target, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	urls, next, err := s.urls(c.host, in.page, s.sources(target))
	if err != nil {
		return nil, err
	}
	return struct {
		QueueUrls []string `json:"queueUrls"`
		NextToken string   `json:",omitempty"`
	}{urls, next}, nil
}

// sources are the queues whose RedrivePolicy names the target.
func (s *Service) sources(target *queue) []*queue {
	arn := s.arn(target.name)
	return s.sorted(func(q *queue) bool {
		p := q.settings().Redrive
		return p != nil && p.Target == arn
	})
}
