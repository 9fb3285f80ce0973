package sqs

import (
	"context"
	"errors"
)

// entry is one element of a batch request.
type entry interface{ entryID() string }

// checkBatch refuses what makes a whole batch fail. The other faults are
// answered entry by entry.
func checkBatch[E entry](entries []E) error {
	if len(entries) == 0 {
		return kindEmptyBatch.errorf("There should be at least one entry in the request.")
	}
	if len(entries) > maxBatch {
		return kindTooManyEntries.errorf("Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		id := e.entryID()
		if !isToken(id) {
			return kindBatchEntryID.errorf("A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[id] {
			return kindIDsNotDistinct.errorf("Id %s repeated", id)
		}
		seen[id] = true
	}
	return nil
}

// batchOutput is the answer to any batch request.
type batchOutput struct {
	Successful []any
	Failed     []batchError
}

// reject records why one entry failed. It returns err when that is not a
// refusal of the entry but a failure of the whole call.
func (out *batchOutput) reject(id string, err error) error {
	var refusal *Error
	if !errors.As(err, &refusal) {
		return err
	}
	out.Failed = append(out.Failed, newBatchError(id, refusal))
	return nil
}

// batchID is the id that every entry has.
type batchID struct {
	ID string `json:"Id"`
}

func (b batchID) entryID() string { return b.ID }

type sendEntry struct {
	batchID
	outgoing
}

type sentEntry struct {
	batchID
	sent
}

// sendMessageBatch stores the good entries in one commit: all or none of them.
func (s *Service) sendMessageBatch(ctx context.Context, _ call, in *struct {
	queueURLInput
	Entries []sendEntry
},
) (any, error) {
	q, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(in.Entries); err != nil {
		return nil, err
	}
	total := 0
	for i := range in.Entries {
		total += in.Entries[i].size()
	}
	if total > maxMessageBytes {
		return nil, kindBatchTooLong.errorf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageBytes, total)
	}
	out := batchOutput{Successful: []any{}}
	var messages []*message
	for i := range in.Entries {
		e := &in.Entries[i]
		m, err := e.message(q)
		if err != nil {
			if err := out.reject(e.ID, err); err != nil {
				return nil, err
			}
			continue
		}
		messages = append(messages, m)
		out.Successful = append(out.Successful, sentEntry{e.batchID, e.answer(m)})
	}
	if len(messages) > 0 {
		err = s.store(ctx, q, messages...)
	}
	return out, err
}
