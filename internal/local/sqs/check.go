package sqs

import (
	"context"
	"database/sql"
	"fmt"
)

// check reads the whole file: that it is ours, SQLite's structure and indexes,
// and the checksum of every message. Queue rows are checked by load.
func (d *database) check(ctx context.Context) error {
	var application, version int
	if err := d.conn.QueryRowContext(ctx, "PRAGMA application_id").Scan(&application); err != nil {
		return err
	}
	if err := d.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if application != applicationID {
		return fmt.Errorf("%w: it is not a queue database", ErrCorrupt)
	}
	if version != schemaVersion {
		return fmt.Errorf("%w: schema version %d, want %d", ErrCorrupt, version, schemaVersion)
	}
	var verdict string
	if err := d.conn.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", ErrCorrupt, verdict)
	}
	return d.checkMessages(ctx)
}

func (d *database) checkMessages(ctx context.Context) error {
	rows, err := d.conn.QueryContext(ctx, "SELECT "+stateColumns+", c.body, c.attributes, c.sum FROM state s LEFT JOIN content c ON c.seq=s.seq")
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err is checked
	messages := 0
	for rows.Next() {
		var m state
		var body, attributes sql.NullString
		var sum sql.NullInt64
		if err := m.scan(rows.Scan, &body, &attributes, &sum); err != nil {
			return err
		}
		if !sum.Valid || sum.Int64 != contentSum(m.seq, body.String, attributes.String) {
			return fmt.Errorf("%w: body of message row %d does not match its checksum", ErrCorrupt, m.seq)
		}
		messages++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	var bodies int
	if err := d.conn.QueryRowContext(ctx, "SELECT count(*) FROM content").Scan(&bodies); err != nil {
		return err
	}
	if bodies != messages {
		return fmt.Errorf("%w: %d messages but %d bodies", ErrCorrupt, messages, bodies)
	}
	return nil
}
