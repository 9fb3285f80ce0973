package scorer

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/internal/lookup"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

var (
	lookupRows    = flag.Int("lookup.rows", 200_000, "rows of the batch that BenchmarkLookup searches, hundreds of thousands")
	lookupShuffle = flag.Bool("lookup.shuffle", false, "its Loan_IDs are in no order")
)

// manyRows is a file of the 12 published columns as long as one likes, made
// while it is read: the same rows again and again, each with another Loan_ID.
type manyRows struct {
	header string
	rows   []byte // manyRowsApart of them
	ids    []int  // where the digits of each row's Loan_ID are
	count  int
	mixed  bool // the Loan_IDs are in no order
}

const manyRowsApart = 100_000

func newManyRows(count int, shuffle bool) *manyRows {
	text := benchFile(manyRowsApart)
	at := bytes.IndexByte(text, '\n') + 1
	m := &manyRows{header: string(text[:at]), rows: text[at:], count: count, mixed: shuffle}
	for pos := 0; pos < len(m.rows); pos += bytes.IndexByte(m.rows[pos:], '\n') + 1 {
		m.ids = append(m.ids, pos+len("LP"))
	}
	return m
}

func (m *manyRows) size() int64 {
	return int64(len(m.header)) + int64(m.count/manyRowsApart)*int64(len(m.rows))
}

func (m *manyRows) id(i int) string { return fmt.Sprintf("LP%09d", m.number(i)) }

// number is that of row i's Loan_ID: i, or what a small Feistel network makes
// of it, so that every number comes once.
func (m *manyRows) number(i int) int {
	if !m.mixed {
		return i
	}
	half := (bits.Len(uint(m.count)) + 1) / 2
	n := uint64(i)
	for again := true; again; again = n >= uint64(m.count) {
		left, right := n>>half, n&(1<<half-1)
		for round := range uint64(4) {
			left, right = right, left^((right+round+1)*0x9e3779b97f4a7c15>>(64-half))
		}
		n = left<<half | right
	}
	return int(n)
}

// from is the text from an offset on.
func (m *manyRows) from(offset int64) io.Reader {
	if offset < int64(len(m.header)) {
		return io.MultiReader(strings.NewReader(m.header[offset:]), m.from(int64(len(m.header))))
	}
	offset -= int64(len(m.header))
	block, skip := int(offset/int64(len(m.rows))), int(offset%int64(len(m.rows)))
	text, rest := bytes.Clone(m.rows), []byte(nil)
	next := func() {
		for j, at := range m.ids {
			id := m.number(block*manyRowsApart + j)
			for k := at + 8; k >= at; k-- {
				text[k] = byte('0' + id%10)
				id /= 10
			}
		}
		block, rest = block+1, text
	}
	return readerOf(func(p []byte) (int, error) {
		if len(rest) == 0 {
			if block >= m.count/manyRowsApart {
				return 0, io.EOF
			}
			next()
			rest, skip = rest[skip:], 0
		}
		n := copy(p, rest)
		rest = rest[n:]
		return n, nil
	})
}

type readerOf func([]byte) (int, error)

func (f readerOf) Read(p []byte) (int, error) { return f(p) }

// manyUpload is a bucket with such a file in it.
type manyUpload struct {
	*simStore
	m    *manyRows
	info store.Info
}

func (u *manyUpload) Head(ctx context.Context, key string) (store.Info, error) {
	if key == simKey {
		return u.info, nil
	}
	return u.simStore.Head(ctx, key)
}

func (u *manyUpload) Open(ctx context.Context, ref store.Ref, offset int64, o store.OpenOptions) (io.ReadCloser, error) {
	if ref.Key == simKey {
		return io.NopCloser(u.m.from(offset)), nil
	}
	return u.simStore.Open(ctx, ref, offset, o)
}

// BenchmarkLookup finds single rows of many:
// -lookup.rows 10000000 -lookup.shuffle -benchtime 300x.
func BenchmarkLookup(b *testing.B) {
	m := newManyRows(*lookupRows, *lookupShuffle)
	u := &manyUpload{simStore: newSimStore(), m: m, info: store.Info{Key: simKey, ETag: `"many"`, Size: m.size()}}
	batch := throughWorker(b, u, u.info, DefaultChunkSize)
	bucket := &counted{Bucket: u.Bucket}
	var most, sum, reads, opened int64
	n, parts := 0, 0
	for b.Loop() {
		i := (n*7_919 + 1) % m.count
		found, err := lookup.Find(b.Context(), bucket, batch, m.id(i))
		if err != nil || len(found.Matches) != 1 {
			b.Fatal(found, err)
		}
		most, sum, parts = max(most, found.Bytes), sum+found.Bytes, found.Parts
		reads, opened = reads+found.Reads, opened+int64(found.Opened)
		n++
	}
	size := int64(0)
	for info, err := range bucket.List(b.Context(), status.PartsPrefix(batch), "") {
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size
	}
	b.ReportMetric(float64(most), "most_bytes")
	b.ReportMetric(float64(sum)/float64(n), "bytes/op")
	b.ReportMetric(float64(reads)/float64(n), "reads/op")
	b.ReportMetric(float64(opened)/float64(n), "opened/op")
	b.ReportMetric(float64(parts), "parts")
	b.ReportMetric(float64(size)/float64(m.count), "bytes/row")
}
