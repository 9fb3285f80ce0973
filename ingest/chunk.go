package ingest

import (
	"bufio"
	"errors"
	"io"
)

// Range is the half-open range of file offsets [Start, End) in bytes. The records that begin in it belong to it.
type Range struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// Chunks returns into how many ranges of chunkSize bytes the data of a file is cut: at least 1, also when there
// is no data. A chunkSize below 1 means one range for everything.
func Chunks(dataStart, size, chunkSize int64) int {
	if size <= dataStart || chunkSize < 1 {
		return 1
	}
	return int((size-dataStart-1)/chunkSize + 1)
}

// Chunk returns range n of the plan, counted from 0. The ranges of a plan touch, begin at dataStart and end at size.
// A range beyond the plan is empty.
func Chunk(dataStart, size, chunkSize int64, n int) Range {
	last := Chunks(dataStart, size, chunkSize) - 1
	if n < 0 || n > last {
		return Range{Start: size, End: size}
	}
	r := Range{Start: dataStart, End: max(size, dataStart)}
	if n > 0 {
		r.Start = dataStart + int64(n)*chunkSize
	}
	if n < last {
		r.End = dataStart + int64(n+1)*chunkSize
	}
	return r
}

// FirstRecord guesses where the first record of a range begins: at the first offset at or after start that follows a
// line ending, or at the end of the file if there is none. The guess is wrong when that line ending is inside quotes;
// the chain check (Scanner.Next of a range against the guess of the next one) finds that out.
// The first range of a file needs no guess: it begins at Head.DataStart.
//
// It gives up where no record that is not too long can end, at end, the end of the range, and MaxRecord: that place is
// then the guess, which is wrong. Otherwise a file with an endless line would be read to its end for every range.
//
// r begins at offset start-1. A *bufio.Reader is left exactly at the returned offset unless it gives up, so that a
// Scanner can go on with it. A reader that is cut short makes the guess the offset of the cut: at worst a wrong guess.
// It keeps no more than a buffer in memory and returns the errors of r except io.EOF.
func (d Dialect) FirstRecord(r io.Reader, start, end int64) (int64, error) {
	newline, _ := d.newline()
	if start <= 0 {
		return 0, nil
	}
	br, ok := r.(*bufio.Reader)
	if !ok {
		br = bufio.NewReaderSize(r, 32<<10)
	}
	last := max(start, end) + MaxRecord
	offset := start - 1
	for {
		part, err := br.ReadSlice(newline)
		offset += int64(len(part))
		switch {
		case offset > last:
			return last, nil
		case err == nil || errors.Is(err, io.EOF):
			return max(offset, start), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return 0, err
		}
	}
}
