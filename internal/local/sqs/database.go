package sqs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	applicationID = 0x4c535153 // "LSQS" in the SQLite header
	schemaVersion = 1
)

// schema keeps what changes at every receive (state) away from what never
// changes (content), so that a receive does not write the body again.
// Times are milliseconds since 1970; sum is the CRC-32C of the row.
const schema = `
CREATE TABLE queues(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL, modified INTEGER NOT NULL, attributes TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE content(seq INTEGER PRIMARY KEY, body TEXT NOT NULL, attributes TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE state(seq INTEGER PRIMARY KEY, queue INTEGER NOT NULL, id BLOB NOT NULL,
  sent INTEGER NOT NULL, visible INTEGER NOT NULL, received INTEGER NOT NULL, first INTEGER NOT NULL,
  receives INTEGER NOT NULL, receipt INTEGER NOT NULL, source TEXT NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE INDEX state_by_visibility ON state(queue, visible, sent, receives);
CREATE TABLE moves(source INTEGER PRIMARY KEY, destination INTEGER NOT NULL, rate INTEGER NOT NULL,
  started INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;
`

// database is the one connection; only one goroutine at a time may use it.
type database struct {
	pool *sql.DB
	conn *sql.Conn
	statements
	nextSeq int64
}

// openDatabase opens path, made first when there is none, takes the exclusive
// lock, and checks the file. maxPages > 0 limits the size (for tests).
func openDatabase(ctx context.Context, path string, maxPages int) (*database, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("queue database %s: %w", path, err)
	}
	if err := ensureFile(ctx, path); err != nil {
		return nil, fmt.Errorf("queue database %s: %w", path, classify(err))
	}
	if err := checkWAL(path); err != nil {
		return nil, fmt.Errorf("queue database %s: %w", path, err)
	}
	d, err := connect(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("queue database %s: %w", path, classify(err))
	}
	if err := d.prepareForUse(ctx, maxPages); err != nil {
		return nil, fmt.Errorf("queue database %s: %w", path, errors.Join(classify(err), d.close()))
	}
	return d, nil
}

// ensureFile makes a new database beside path and renames it into place, so
// that an existing file is complete: an empty one was truncated, not made.
func ensureFile(ctx context.Context, path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return fmt.Errorf("%w: the file is missing beside its write-ahead log", ErrCorrupt)
	}
	fresh := path + ".new"
	for _, name := range []string{fresh, fresh + "-wal", fresh + "-journal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// Messages are private. SQLite gives its log the permissions of the file.
	if err := os.WriteFile(fresh, nil, 0o600); err != nil {
		return err
	}
	d, err := connect(ctx, fresh)
	if err != nil {
		return err
	}
	_, err = d.conn.ExecContext(ctx, fmt.Sprintf("BEGIN; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
		schema, applicationID, schemaVersion))
	if err := errors.Join(err, d.close()); err != nil {
		return err
	}
	if err := syncPath(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(path))
}

// syncPath fsyncs a file or a directory.
func syncPath(path string) error {
	f, err := os.Open(path) //nolint:gosec // the path is the operator's own setting
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// connect opens the file with the settings that durability rests on.
func connect(ctx context.Context, path string) (*database, error) {
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path)}).String()
	pool, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	d := &database{pool: pool}
	if d.conn, err = pool.Conn(ctx); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	const settings = `PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
		PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-16000; PRAGMA temp_store=MEMORY;
		PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON`
	if _, err := d.conn.ExecContext(ctx, settings); err != nil {
		return nil, errors.Join(err, d.close())
	}
	var journal string
	var synchronous int
	if err := errors.Join(
		d.conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal),
		d.conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous)); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if journal != "wal" || synchronous != 2 {
		return nil, errors.Join(fmt.Errorf("journal mode is %s and synchronous %d, want wal and 2", journal, synchronous), d.close())
	}
	return d, nil
}

func (d *database) prepareForUse(ctx context.Context, maxPages int) error {
	if err := d.check(ctx); err != nil {
		return err
	}
	if maxPages > 0 {
		if _, err := d.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count=%d", maxPages)); err != nil {
			return err
		}
	}
	return d.prepare(ctx)
}

// close releases the lock. SQLite then copies the log into the file.
func (d *database) close() error {
	return errors.Join(d.statements.close(), d.conn.Close(), d.pool.Close())
}

// classify gives SQLite's errors the names of this package.
func classify(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w", ErrLocked, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	default:
		return err
	}
}
