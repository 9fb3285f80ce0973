package sqs

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// state is the changing part of one message. Times are milliseconds since 1970.
type state struct {
	seq      int64
	queue    int64    // queues.id
	id       [16]byte // the MessageId
	sent     int64
	visible  int64 // from when it may be received
	received int64 // its latest receive; 0 = never
	first    int64 // its first receive; 0 = never
	receives int64 // in all queues
	receipt  int64 // random, new at each receive; 0 = never received
	source   string
}

// sum is the CRC-32C over every column.
func (m *state) sum() int64 {
	b := make([]byte, 0, 128)
	for _, v := range [...]int64{m.seq, m.queue, m.sent, m.visible, m.received, m.first, m.receives, m.receipt} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	b = append(b, m.id[:]...)
	b = append(b, m.source...)
	return int64(crc32.Checksum(b, castagnoli))
}

// contentSum is the CRC-32C of what never changes; seq ties it to its state.
func contentSum(seq int64, body, attributes string) int64 {
	h := crc32.New(castagnoli)
	b := binary.LittleEndian.AppendUint64(nil, uint64(seq))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(body)))
	_, _ = h.Write(b)
	_, _ = h.Write([]byte(body))
	_, _ = h.Write([]byte(attributes))
	return int64(h.Sum32())
}

// message is a whole message as read for delivery.
type message struct {
	state
	body       string
	attributes string // JSON of attributes, "" when there are none
}

// statements are prepared once, on the one connection.
type statements struct {
	insertContent, insertState, updateState *sql.Stmt
	selectState, selectReady, selectNext    *sql.Stmt
	deleteState, deleteContent              *sql.Stmt
	countInFlight, countAll                 *sql.Stmt
	selectSome, selectOfQueue               *sql.Stmt
}

const stateColumns = "s.seq, s.queue, s.id, s.sent, s.visible, s.received, s.first, s.receives, s.receipt, s.source, s.sum"

func (d *database) prepare(ctx context.Context) error {
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&d.insertContent, "INSERT INTO content(seq, body, attributes, sum) VALUES(?,?,?,?)"},
		{&d.insertState, "INSERT INTO state(seq, queue, id, sent, visible, received, first, receives, receipt, source, sum) VALUES(?,?,?,?,?,?,?,?,?,?,?)"},
		{&d.updateState, "UPDATE state SET queue=?2, id=?3, sent=?4, visible=?5, received=?6, first=?7, receives=?8, receipt=?9, source=?10, sum=?11 WHERE seq=?1"},
		{&d.selectState, "SELECT " + stateColumns + " FROM state s WHERE seq=?"},
		// LEFT JOIN fixes the order (index first) and shows a lost body as NULL.
		{&d.selectReady, "SELECT " + stateColumns + ", c.body, c.attributes, c.sum FROM state s LEFT JOIN content c ON c.seq=s.seq " +
			"WHERE s.queue=? AND s.visible<=? AND s.sent>? ORDER BY s.visible, s.sent LIMIT ?"},
		{&d.selectNext, "SELECT min(visible) FROM state WHERE queue=? AND visible>?"},
		{&d.deleteState, "DELETE FROM state WHERE seq=?"},
		{&d.deleteContent, "DELETE FROM content WHERE seq=?"},
		{&d.countInFlight, "SELECT count(*) FROM state WHERE queue=? AND visible>? AND sent>? AND receives>0"},
		{&d.countAll, "SELECT count(*) FILTER (WHERE visible<=?2), count(*) FILTER (WHERE visible>?2 AND receives>0), " +
			"count(*) FILTER (WHERE visible>?2 AND receives=0) FROM state WHERE queue=?1 AND sent>?3"},
		{&d.selectSome, "SELECT seq, queue, sent FROM state WHERE seq>? ORDER BY seq LIMIT ?"},
		{&d.selectOfQueue, "SELECT seq FROM state WHERE queue=? AND seq<=? LIMIT ?"},
	} {
		var err error
		if *p.to, err = d.conn.PrepareContext(ctx, p.text); err != nil {
			return fmt.Errorf("prepare %q: %w", p.text, err)
		}
	}
	return d.conn.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) + 1 FROM state").Scan(&d.nextSeq)
}

func (t *statements) close() error {
	var err error
	for _, s := range []*sql.Stmt{
		t.insertContent, t.insertState, t.updateState, t.selectState, t.selectReady, t.selectNext,
		t.deleteState, t.deleteContent, t.countInFlight, t.countAll, t.selectSome, t.selectOfQueue,
	} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}

// insert stores a new message and gives it its seq.
func (d *database) insert(ctx context.Context, m *message) error {
	m.seq = d.nextSeq
	d.nextSeq++
	if _, err := d.insertContent.ExecContext(ctx, m.seq, m.body, m.attributes, contentSum(m.seq, m.body, m.attributes)); err != nil {
		return err
	}
	_, err := d.insertState.ExecContext(ctx, m.columns()...)
	return err
}

// update writes every changing column of the message.
func (d *database) update(ctx context.Context, m *state) error {
	_, err := d.updateState.ExecContext(ctx, m.columns()...)
	return err
}

// remove deletes the message.
func (d *database) remove(ctx context.Context, seq int64) error {
	if _, err := d.deleteState.ExecContext(ctx, seq); err != nil {
		return err
	}
	_, err := d.deleteContent.ExecContext(ctx, seq)
	return err
}

func (m *state) columns() []any {
	return []any{m.seq, m.queue, m.id[:], m.sent, m.visible, m.received, m.first, m.receives, m.receipt, m.source, m.sum()}
}

// scan reads stateColumns and what follows them, and checks the row.
func (m *state) scan(scan func(...any) error, more ...any) error {
	var id []byte
	var sum int64
	into := append([]any{
		&m.seq, &m.queue, &id, &m.sent, &m.visible, &m.received, &m.first, &m.receives, &m.receipt, &m.source, &sum,
	}, more...)
	if err := scan(into...); err != nil {
		return err
	}
	if len(id) != len(m.id) {
		return fmt.Errorf("%w: message row %d has a bad id", ErrCorrupt, m.seq)
	}
	copy(m.id[:], id)
	if sum != m.sum() {
		return fmt.Errorf("%w: message row %d does not match its checksum", ErrCorrupt, m.seq)
	}
	return nil
}

// find reads one message's state; nil when there is none.
func (d *database) find(ctx context.Context, seq int64) (*state, error) {
	m := &state{}
	err := m.scan(d.selectState.QueryRowContext(ctx, seq).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // absence is an ordinary answer here
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// ready reads up to limit messages of the queue that may be received now and
// were sent after the given time, longest visible first.
func (d *database) ready(ctx context.Context, queue, now, sentAfter int64, limit int) ([]*message, error) {
	rows, err := d.selectReady.QueryContext(ctx, queue, now, sentAfter, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err is checked
	var found []*message
	for rows.Next() {
		m := &message{}
		var body, attributes sql.NullString
		var sum sql.NullInt64
		if err := m.scan(rows.Scan, &body, &attributes, &sum); err != nil {
			return nil, err
		}
		m.body, m.attributes = body.String, attributes.String
		if sum.Int64 != contentSum(m.seq, m.body, m.attributes) {
			return nil, fmt.Errorf("%w: body of message row %d does not match its checksum", ErrCorrupt, m.seq)
		}
		found = append(found, m)
	}
	return found, rows.Err()
}
