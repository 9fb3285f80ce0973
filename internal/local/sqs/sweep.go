package sqs

import (
	"context"
	"log/slog"
	"time"
)

// sweepSoon asks for a pass now: queues or retention periods have changed.
func (s *Service) sweepSoon() {
	select {
	case s.sweeps <- struct{}{}:
	default: // one is already due
	}
}

// sweep deletes expired messages, and those of deleted queues, whenever one
// can be due. Receives never see an expired message, swept or not.
func (s *Service) sweep(ctx context.Context) {
	timer := time.NewTimer(0) // at once: a crash may have left a deleted queue's messages
	defer timer.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-s.sweeps:
		case <-timer.C:
		}
		next, err := s.sweepOnce(ctx)
		if err != nil {
			next = s.now() + minRetention*1000
		}
		timer.Reset(max(time.Duration(next-s.now())*time.Millisecond, time.Second))
	}
}

// sweepOnce walks all messages and returns when the next one can expire.
func (s *Service) sweepOnce(ctx context.Context) (next int64, err error) {
	next = s.now() + s.shortestRetention()*1000
	deleted := 0
	for after := int64(0); after >= 0; {
		var seqs []int64
		var last, earliest int64
		err = s.do(ctx, func(ctx context.Context, t *transaction) error {
			var err error
			if seqs, last, earliest, err = s.expired(ctx, t, after); err != nil {
				return err
			}
			return t.removeAll(ctx, seqs)
		})
		if err != nil {
			return 0, err
		}
		after, next, deleted = last, min(next, earliest), deleted+len(seqs)
	}
	if deleted > 0 {
		s.log.InfoContext(ctx, "expired messages and those of deleted queues removed", slog.Int("messages", deleted))
	}
	return next, nil
}

// expired reads one bite of messages after a seq. It returns those to delete,
// the last seq read (-1 at the end), and the earliest expiry of the others.
func (s *Service) expired(ctx context.Context, t *transaction, after int64) (seqs []int64, last, earliest int64, err error) {
	rows, err := t.selectSome.QueryContext(ctx, after, bite)
	if err != nil {
		return nil, 0, 0, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err is checked
	last, earliest = -1, t.now+1000*1209600
	for rows.Next() {
		var seq, queue, sent int64
		if err := rows.Scan(&seq, &queue, &sent); err != nil {
			return nil, 0, 0, err
		}
		last = seq
		q := s.lookupID(queue)
		if q == nil || sent <= q.sentAfter(t.now) {
			seqs = append(seqs, seq)
			continue
		}
		earliest = min(earliest, sent+q.settings().Retention*1000)
	}
	return seqs, last, earliest, rows.Err()
}

// shortestRetention of all queues, in seconds: no message of later can expire sooner.
func (s *Service) shortestRetention() int64 {
	shortest := int64(1209600)
	for _, q := range s.sorted(func(*queue) bool { return true }) {
		shortest = min(shortest, q.settings().Retention)
	}
	return shortest
}
