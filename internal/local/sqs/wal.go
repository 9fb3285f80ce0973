package sqs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// SQLite ends recovery of its write-ahead log at the first bad frame and
// forgets whatever follows. That is right for the torn last transaction of a
// crash and wrong for damage in the middle of the log, which would lose
// acknowledged messages without a word. checkWAL tells the two apart before
// SQLite sees the file.
//
// Each commit is fsynced before the next one is written, so a crash can tear
// only the last transaction: at or behind the first bad frame there is at most
// one commit frame of the log's present generation (salt). Two or more mean
// that fsynced frames have changed.
//
// Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log

const (
	walHeaderSize   = 32
	frameHeaderSize = 24
)

// checkWAL reads path and path-wal; ErrCorrupt when the log is damaged.
func checkWAL(path string) error {
	database, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.Open(path + "-wal") //nolint:gosec // the path is the operator's own setting
	if errors.Is(err, fs.ErrNotExist) {
		return emptyIsCorrupt(database.Size())
	}
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read from
	if err := emptyIsCorrupt(database.Size()); err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() <= walHeaderSize {
		return nil // no frame was ever written
	}
	return checkFrames(f)
}

func emptyIsCorrupt(size int64) error {
	if size == 0 {
		return fmt.Errorf("%w: the file is empty", ErrCorrupt)
	}
	return nil
}

func checkFrames(r io.Reader) error {
	var header [walHeaderSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return err
	}
	order, sum, err := walHeader(header[:])
	if err != nil {
		return err
	}
	pageSize := binary.BigEndian.Uint32(header[8:])
	frame := make([]byte, frameHeaderSize+pageSize)
	intact, commits := true, 0
	for {
		if _, err := io.ReadFull(r, frame); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break // a partial frame can only be the tail
		} else if err != nil {
			return err
		}
		current := [8]byte(frame[8:16]) == [8]byte(header[16:24])
		if intact {
			sum = walSum(order, sum, frame[:8])
			sum = walSum(order, sum, frame[frameHeaderSize:])
			intact = current && sum == frameSum(frame)
		}
		if !intact && current && binary.BigEndian.Uint32(frame[4:]) != 0 {
			commits++
		}
	}
	if commits > 1 {
		return fmt.Errorf("%w: the write-ahead log has a bad frame before %d later commits", ErrCorrupt, commits-1)
	}
	return nil
}

// walHeader checks the log's header, which SQLite syncs before any frame.
func walHeader(h []byte) (binary.ByteOrder, [2]uint32, error) {
	var order binary.ByteOrder = binary.LittleEndian
	magic, pageSize := binary.BigEndian.Uint32(h), binary.BigEndian.Uint32(h[8:])
	if magic&1 != 0 {
		order = binary.BigEndian
	}
	sum := walSum(order, [2]uint32{}, h[:24])
	want := [2]uint32{binary.BigEndian.Uint32(h[24:]), binary.BigEndian.Uint32(h[28:])}
	if magic&^1 != 0x377f0682 || sum != want || pageSize < 512 || pageSize > 65536 || pageSize&(pageSize-1) != 0 {
		return nil, sum, fmt.Errorf("%w: the header of the write-ahead log is bad", ErrCorrupt)
	}
	return order, sum, nil
}

func frameSum(frame []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(frame[16:]), binary.BigEndian.Uint32(frame[20:])}
}

// walSum is the log's running checksum; len(b) is a multiple of 8.
func walSum(order binary.ByteOrder, s [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		s[0] += order.Uint32(b) + s[1]
		s[1] += order.Uint32(b[4:]) + s[0]
	}
	return s
}
