package ingest

import (
	"bufio"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

func TestChunkPlan(t *testing.T) {
	t.Parallel()
	cases := []struct {
		dataStart, size, chunkSize int64
		want                       []Range
	}{
		{10, 10, 4, []Range{{10, 10}}},
		{10, 11, 4, []Range{{10, 11}}},
		{10, 14, 4, []Range{{10, 14}}},
		{10, 15, 4, []Range{{10, 14}, {14, 15}}},
		{0, 5, 2, []Range{{0, 2}, {2, 4}, {4, 5}}},
		{10, 99, 0, []Range{{10, 99}}},
		{10, 99, -1, []Range{{10, 99}}},
		{10, 3, 4, []Range{{10, 10}}},
		{0, 1 << 62, 1 << 61, []Range{{0, 1 << 61}, {1 << 61, 1 << 62}}},
	}
	for _, c := range cases {
		if got := Chunks(c.dataStart, c.size, c.chunkSize); got != len(c.want) {
			t.Fatalf("Chunks(%d, %d, %d) = %d, want %d", c.dataStart, c.size, c.chunkSize, got, len(c.want))
		}
		for n, want := range c.want {
			if got := Chunk(c.dataStart, c.size, c.chunkSize, n); got != want {
				t.Errorf("Chunk(%d, %d, %d, %d) = %v, want %v", c.dataStart, c.size, c.chunkSize, n, got, want)
			}
		}
		for _, n := range []int{-1, len(c.want)} {
			if got := Chunk(c.dataStart, c.size, c.chunkSize, n); got != (Range{c.size, c.size}) {
				t.Errorf("Chunk(%d, %d, %d, %d) = %v, want an empty range", c.dataStart, c.size, c.chunkSize, n, got)
			}
		}
	}
}

func TestFirstRecord(t *testing.T) {
	t.Parallel()
	const data = "ab\ncd\n\nef"
	for start, want := range map[int64]int64{0: 0, 1: 3, 2: 3, 3: 3, 4: 6, 6: 6, 7: 7, 8: 9, 9: 9} {
		r := bufio.NewReader(strings.NewReader(data[max(start-1, 0):]))
		got, err := Dialect{}.FirstRecord(r, start, int64(len(data)))
		if err != nil || got != want {
			t.Errorf("FirstRecord at %d: %d, %v, want %d", start, got, err, want)
		}
		if rest, _ := io.ReadAll(r); start > 0 && string(rest) != data[want:] {
			t.Errorf("FirstRecord at %d left %q, want %q", start, rest, data[want:])
		}
	}
	if got, err := (Dialect{}).FirstRecord(strings.NewReader(""), 7, 9); got != 7 || err != nil {
		t.Errorf("at the end: %d, %v", got, err)
	}
	long := &repeat{pattern: "x", left: 1 << 20}
	if got, err := (Dialect{}).FirstRecord(long, 5, 2<<20); got != 4+1<<20 || err != nil {
		t.Errorf("in a long line: %d, %v", got, err)
	}
	endless := &repeat{pattern: "x", left: 1 << 28}
	if got, err := (Dialect{}).FirstRecord(endless, 5, 1<<20); got != 1<<20+MaxRecord || err != nil || endless.left < 1<<28-2<<20 {
		t.Errorf("in an endless line: %d, %v, %d bytes left", got, err, endless.left)
	}
	broken := errors.New("connection reset")
	if _, err := (Dialect{}).FirstRecord(iotest.ErrReader(broken), 5, 9); !errors.Is(err, broken) {
		t.Errorf("read error: %v", err)
	}
}

// failure 41: every chunk size gives the rows of one scan of the whole file.
func TestEveryChunkSizeGivesTheSameRows(t *testing.T) {
	t.Parallel()
	all := dialects()
	for i, data := range oddities() {
		var sizes []int64
		for size := range int64(len(data)) + 2 {
			sizes = append(sizes, size+1)
		}
		for _, limit := range limits() {
			other := all[(i+limit)%len(all)]
			checkChunks(t, data, limit, Dialect{}, sizes...)
			checkChunks(t, data, limit, other, sizes...)
			checkChunks(t, in(other, data), limit, other, sizes...)
		}
	}
}

// failure 41
func TestChunksOfRandomFiles(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		data := mixture(random.IntN, 1+random.IntN(120))
		limit := 1 + random.IntN(30)
		d := dialects()[random.IntN(len(dialects()))]
		checkChunks(t, in(d, data), limit, d, 1, 2, 3, 5, 7, 16, 33)
	}
}
