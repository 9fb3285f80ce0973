package sqs

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"time"
)

// move is a message move task: it empties a dead-letter queue of the messages
// that were visible in it when the task started. It is stored, and goes on
// after a crash. Messages that fail again during the task stay where they are.
type move struct {
	source      int64 // queue ids
	destination int64 // 0: each message's own source queue
	rate        int64 // messages per second; 0 = as fast as it goes
	started     int64 // milliseconds since 1970
}

func (m move) sum() int64 {
	text := fmt.Sprintf("%d %d %d %d", m.source, m.destination, m.rate, m.started)
	return int64(crc32.Checksum([]byte(text), castagnoli))
}

// errNoSource stops a task as the service does (CouldNotDetermineMessageSource).
var errNoSource = errors.New("message has no source queue to go back to")

func (s *Service) startMessageMoveTask(ctx context.Context, _ call, in *struct {
	SourceARN      string `json:"SourceArn"`
	DestinationARN string `json:"DestinationArn"`
	Rate           *int64 `json:"MaxNumberOfMessagesPerSecond"`
},
) (any, error) {
	if in.SourceARN == "" {
		return nil, missing("SourceArn")
	}
	rate, err := between("MaxNumberOfMessagesPerSecond", in.Rate, 1, 500, 0)
	if err != nil {
		return nil, err
	}
	source := s.byARN(in.SourceARN)
	if source == nil {
		return nil, kindResourceNotFound.errorf("The resource that you specified for the SourceArn parameter doesn't exist: %s.", in.SourceARN)
	}
	if len(s.sources(source)) == 0 {
		return nil, kindParameter.errorf("Source queue must be configured as a Dead Letter Queue.")
	}
	m := move{source: source.id, rate: rate, started: s.now()}
	if in.DestinationARN != "" {
		destination := s.byARN(in.DestinationARN)
		if destination == nil {
			return nil, kindResourceNotFound.errorf("The resource that you specified for the DestinationArn parameter doesn't exist: %s.", in.DestinationARN)
		}
		if destination == source {
			return nil, kindParameter.errorf("Source queue and destination queue must be different.")
		}
		m.destination = destination.id
	}
	if err := s.storeMove(ctx, m); err != nil {
		return nil, err
	}
	return struct{ TaskHandle string }{handle{queue: m.source, seq: m.started, receipt: newReceipt()}.String()}, nil
}

// storeMove commits the task and starts it.
func (s *Service) storeMove(ctx context.Context, m move) error {
	return s.do(ctx, func(jobCtx context.Context, t *transaction) error {
		var running int
		if err := t.conn.QueryRowContext(jobCtx, "SELECT count(*) FROM moves WHERE source=?", m.source).Scan(&running); err != nil {
			return err
		}
		if running > 0 {
			return kindUnsupported.errorf("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
		}
		_, err := t.conn.ExecContext(jobCtx, "INSERT INTO moves(source, destination, rate, started, sum) VALUES(?,?,?,?,?)",
			m.source, m.destination, m.rate, m.started, m.sum())
		t.onCommit = append(t.onCommit, func() { s.startMove(jobCtx, m) })
		return err
	})
}

// loadMoves reads the tasks that a stop interrupted.
func (s *Service) loadMoves(ctx context.Context) ([]move, error) {
	rows, err := s.db.conn.QueryContext(ctx, "SELECT source, destination, rate, started, sum FROM moves")
	if err != nil {
		return nil, classify(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err is checked
	var found []move
	for rows.Next() {
		var m move
		var sum int64
		if err := rows.Scan(&m.source, &m.destination, &m.rate, &m.started, &sum); err != nil {
			return nil, classify(err)
		}
		if sum != m.sum() {
			return nil, fmt.Errorf("%w: a row of moves does not match its checksum", ErrCorrupt)
		}
		found = append(found, m)
	}
	return found, classify(rows.Err())
}

// startMove runs the task in a goroutine of its own, which ends with Close.
func (s *Service) startMove(ctx context.Context, m move) {
	s.workers.Go(func() {
		moved, err := s.runMove(ctx, m)
		attributes := []any{slog.Int64("queue_id", m.source), slog.Int64("messages", moved)}
		switch {
		case err == nil:
			s.log.InfoContext(ctx, "message move task completed", attributes...)
		case errors.Is(err, ErrClosed):
			s.log.InfoContext(ctx, "message move task interrupted, it goes on after a restart", attributes...)
		default:
			s.log.ErrorContext(ctx, "message move task failed", append(attributes, slog.Any("error", err))...)
		}
	})
}

// runMove moves bite after bite until nothing of before the start is left.
func (s *Service) runMove(ctx context.Context, m move) (moved int64, err error) {
	size, pause := int64(bite), time.Duration(0)
	if m.rate > 0 {
		size = max(1, m.rate/10)
		pause = time.Duration(size) * time.Second / time.Duration(m.rate)
	}
	for {
		n, err := s.moveSome(ctx, m, int(size))
		moved += n
		switch {
		case errors.Is(err, ErrFull):
			pause = max(pause, time.Second) // tried again: someone may free space
		case err != nil || n == 0:
			return moved, errors.Join(err, s.forgetMove(ctx, m, err))
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.closing:
			timer.Stop()
			return moved, ErrClosed
		}
	}
}

// forgetMove ends a task that completed or can never complete.
func (s *Service) forgetMove(ctx context.Context, m move, cause error) error {
	if cause != nil && !errors.Is(cause, errNoSource) {
		return nil
	}
	return s.do(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.conn.ExecContext(ctx, "DELETE FROM moves WHERE source=?", m.source)
		return err
	})
}

// moveSome moves up to limit messages in one commit. In its new queue a message
// is a new one: id, time, receive count and retention begin again.
func (s *Service) moveSome(ctx context.Context, m move, limit int) (moved int64, err error) {
	var stop error
	err = s.do(ctx, func(ctx context.Context, t *transaction) error {
		moved, stop = 0, nil
		source := s.lookupID(m.source)
		if source == nil {
			return nil // deleted meanwhile
		}
		found, err := t.ready(ctx, m.source, min(m.started, t.now), source.sentAfter(t.now), limit)
		if err != nil {
			return err
		}
		for _, msg := range found {
			destination := s.lookupID(m.destination)
			if m.destination == 0 {
				destination = s.byARN(msg.source)
			}
			if destination == nil {
				stop = fmt.Errorf("%w: message %s", errNoSource, formatID(msg.id))
				return nil
			}
			msg.state = state{seq: msg.seq, queue: destination.id, id: newID(), sent: t.now, visible: t.now}
			if err := t.update(ctx, &msg.state); err != nil {
				return err
			}
			moved++
			t.wake = append(t.wake, destination)
		}
		return nil
	})
	return moved, errors.Join(err, stop)
}
