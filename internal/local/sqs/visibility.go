package sqs

import (
	"context"
	"errors"
)

type visibilityChange struct {
	ReceiptHandle     string
	VisibilityTimeout *int64
}

type visibilityEntry struct {
	batchID
	visibilityChange
}

// change is a checked visibilityChange.
type change struct {
	handle
	timeout int64 // milliseconds from now
}

func (v *visibilityChange) parse(q *queue) (change, error) {
	if v.VisibilityTimeout == nil {
		return change{}, missing("VisibilityTimeout")
	}
	timeout, err := between("VisibilityTimeout", v.VisibilityTimeout, 0, maxTimeout, 0)
	if err != nil {
		return change{}, err
	}
	h, err := parseHandle(q, v.ReceiptHandle)
	return change{handle: h, timeout: timeout * 1000}, err
}

func (s *Service) changeMessageVisibility(ctx context.Context, _ call, in *struct {
	queueURLInput
	visibilityChange
},
) (any, error) {
	q, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	c, err := in.parse(q)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.do(ctx, func(ctx context.Context, t *transaction) error {
		return t.changeVisibility(ctx, q, c)
	})
}

func (s *Service) changeMessageVisibilityBatch(ctx context.Context, _ call, in *struct {
	queueURLInput
	Entries []visibilityEntry
},
) (any, error) {
	q, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries); err != nil {
		return nil, err
	}
	var out batchOutput
	err = s.do(ctx, func(ctx context.Context, t *transaction) error {
		out = batchOutput{Successful: []any{}}
		for i := range in.Entries {
			e := &in.Entries[i]
			c, err := e.parse(q)
			if err == nil {
				err = t.changeVisibility(ctx, q, c)
			}
			var refusal *Error
			switch {
			case errors.As(err, &refusal):
				out.Failed = append(out.Failed, newBatchError(e.ID, refusal))
			case err != nil:
				return err
			default:
				out.Successful = append(out.Successful, e.batchID)
			}
		}
		return nil
	})
	return out, err
}

// changeVisibility makes the timeout of a message in flight end at a new time,
// at most 12 hours after its receive.
func (t *transaction) changeVisibility(ctx context.Context, q *queue, c change) error {
	m, err := t.held(ctx, c.handle)
	if err != nil {
		return err
	}
	if m == nil {
		return badParameter("ReceiptHandle", c.handle, "Message does not exist or is not available for visibility timeout change.")
	}
	if m.visible <= t.now {
		return kindNotInflight.errorf("The message referred to is not in flight: its visibility timeout has ended.")
	}
	if t.now+c.timeout > m.received+maxTimeout*1000 {
		return badParameter("VisibilityTimeout", c.timeout/1000, "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	}
	m.visible = t.now + c.timeout
	t.wake = append(t.wake, q)
	return t.update(ctx, m)
}
