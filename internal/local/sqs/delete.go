package sqs

import "context"

type deleteEntry struct {
	batchID
	ReceiptHandle string
}

// deleteMessage deletes a message by its latest receipt handle. An older one,
// or one of a message that is gone, succeeds without effect, as documented.
func (s *Service) deleteMessage(ctx context.Context, _ call, in *struct {
	queueURLInput
	ReceiptHandle string
},
) (any, error) {
	q, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	h, err := parseHandle(q, in.ReceiptHandle)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.deleteHandles(ctx, h)
}

func (s *Service) deleteMessageBatch(ctx context.Context, _ call, in *struct {
	queueURLInput
	Entries []deleteEntry
},
) (any, error) {
	q, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries); err != nil {
		return nil, err
	}
	out := batchOutput{Successful: []any{}}
	var handles []handle
	for _, e := range in.Entries {
		h, err := parseHandle(q, e.ReceiptHandle)
		if err != nil {
			if err := out.reject(e.ID, err); err != nil {
				return nil, err
			}
			continue
		}
		handles = append(handles, h)
		out.Successful = append(out.Successful, e.batchID)
	}
	return out, s.deleteHandles(ctx, handles...)
}

func (s *Service) deleteHandles(ctx context.Context, handles ...handle) error {
	if len(handles) == 0 {
		return nil
	}
	return s.do(ctx, func(ctx context.Context, t *transaction) error {
		for _, h := range handles {
			m, err := t.held(ctx, h)
			if err != nil {
				return err
			}
			if m == nil {
				continue
			}
			if err := t.remove(ctx, m.seq); err != nil {
				return err
			}
		}
		return nil
	})
}

// held finds the message whose latest receive gave the handle; nil when there
// is none: it was deleted, received again, or moved.
func (t *transaction) held(ctx context.Context, h handle) (*state, error) {
	m, err := t.find(ctx, h.seq)
	if err != nil || m == nil || m.queue != h.queue || m.receipt != h.receipt {
		return nil, err
	}
	return m, nil
}
