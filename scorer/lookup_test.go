package scorer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/lookup"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// counted counts what is read of a bucket.
type counted struct {
	*sim.Bucket
	bytes, reads atomic.Int64
}

func (c *counted) Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error) {
	data, info, err := c.Bucket.Get(ctx, key, limit)
	c.bytes.Add(int64(len(data)))
	c.reads.Add(1)
	return data, info, err
}

func (c *counted) ReadRange(ctx context.Context, key string, offset, n int64) ([]byte, error) {
	data, err := c.Bucket.ReadRange(ctx, key, offset, n)
	c.bytes.Add(int64(len(data)))
	c.reads.Add(1)
	return data, err
}

// searched puts a file through the bulk worker and returns its batch.
func searched(tb testing.TB, text string, chunk int64) (string, *counted) {
	tb.Helper()
	s := newSimStore()
	if _, err := s.Put(tb.Context(), simKey, []byte(text), store.PutOptions{}); err != nil {
		tb.Fatal(err)
	}
	info, err := s.Head(tb.Context(), simKey)
	if err != nil {
		tb.Fatal(err)
	}
	batch := throughWorker(tb, s, info, chunk)
	s.Delete(simKey) // nothing of it is needed any more
	return batch, &counted{Bucket: s.Bucket}
}

// throughWorker announces the upload and returns its batch when that is closed.
func throughWorker(tb testing.TB, objects Objects, info store.Info, chunk int64) string {
	tb.Helper()
	pair, err := simPair()
	if err != nil {
		tb.Fatal(err)
	}
	list := &simList{}
	b := simBulkWorker(pair[0], chunk, objects, list)
	body, err := announcement(simBucketName, info)
	if err != nil {
		tb.Fatal(err)
	}
	list.bodies = []string{body}
	for len(list.bodies) > 0 {
		body, list.bodies = list.bodies[0], list.bodies[1:]
		if errs := b.Handle(tb.Context(), []events.Message{{ID: "m", Body: []byte(body), Receives: 1}}); errs[0] != nil {
			tb.Fatal(errs[0])
		}
	}
	return b.batchID(info)
}

// lookupText is a file whose row i has the id ids(i) and the income 1000+i.
func lookupText(rows int, ids func(i int) string) string {
	var b strings.Builder
	b.WriteString("Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area,Notes\n")
	for i := range rows {
		fmt.Fprintf(&b, "%s,%d,0,%d,%d,Urban,%s\n", ids(i), 1000+i, 50+i%300, i%2, []string{"", "=1", "née"}[i%3])
	}
	return b.String()
}

// Every row is found by its Loan_ID with what its part says, twice where it is
// there twice, and what is counted is what was read.
func TestLookupFindsEveryRow(t *testing.T) {
	t.Parallel()
	ids := map[string]func(i int) string{
		"ascending": func(i int) string { return fmt.Sprintf("LP%06d", i) },
		"shuffled":  func(i int) string { return fmt.Sprintf("LP%06d", i*7919%60_000) },
		"twice":     func(i int) string { return fmt.Sprintf("LP%06d", i%30_000) },
		"few":       func(i int) string { return fmt.Sprintf("LP%d", i%4) },
		"long":      func(i int) string { return strings.Repeat("x", 55+i%8) + strconv.Itoa(i) },
		"blanks":    func(i int) string { return strings.Repeat(fmt.Sprintf("LP%d", i), i%2) },
	}
	for name, id := range ids {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const rows = 60_000
			want := map[string][]float64{}
			for i := range rows {
				if name != "long" || len(id(i)) <= 64 { // longer ones are rejected
					want[id(i)] = append(want[id(i)], float64(1000+i))
				}
			}
			for _, chunk := range []int64{1 << 20, DefaultChunkSize} { // of several parts, of one with several pages
				batch, bucket := searched(t, lookupText(rows, id), chunk)
				for _, i := range []int{0, 1, 2, 16_383, 16_384, 16_385, 33_333, rows - 2, rows - 1} {
					if len(want[id(i)]) > 0 && id(i) != "" {
						findRow(t, bucket, batch, id(i), want[id(i)])
					}
				}
				for _, none := range []string{"", "LP", "~", "LP000000x"} {
					findRow(t, bucket, batch, none, nil)
				}
			}
		})
	}
}

func findRow(t *testing.T, bucket *counted, batch, id string, incomes []float64) {
	t.Helper()
	bucket.bytes.Store(0)
	bucket.reads.Store(0)
	found, err := lookup.Find(t.Context(), bucket, batch, id)
	if err != nil {
		t.Fatal(err)
	}
	if found.Bytes != bucket.bytes.Load() || found.Reads != bucket.reads.Load() {
		t.Errorf("%q: %d bytes in %d reads told, %d in %d read", id, found.Bytes, found.Reads, bucket.bytes.Load(), bucket.reads.Load())
	}
	var got []float64
	for _, m := range found.Matches {
		row := m.Map()
		income, ok := row["total_income"].(float64)
		if !ok || row["Loan_ID"] != id || row["decision"] == nil || row["model_sha256"] == nil || len(m.Names) != len(m.Values) {
			t.Fatalf("%q: row %v", id, row)
		}
		i := int(income) - 1000
		if note, _ := row["Notes"].(string); note != []string{"", "=1", "née"}[i%3] {
			t.Errorf("%q: note %q of another row", id, note)
		}
		got = append(got, income)
	}
	if found.More != (len(incomes) > lookup.MaxMatches) {
		t.Errorf("%q: more: %t of %d", id, found.More, len(incomes))
	}
	incomes = incomes[:min(len(incomes), lookup.MaxMatches)]
	if diff := cmp.Diff(incomes, got); diff != "" {
		t.Errorf("%q: incomes (-want +got): %s", id, diff)
	}
}

// In a file whose Loan_IDs are in no order, filters tell the pages to read:
// without them all that there are of Loan_ID, 1.5 MB here, would be.
func TestLookupInNoOrder(t *testing.T) {
	t.Parallel()
	m := newManyRows(300_000, true)
	u := &manyUpload{simStore: newSimStore(), m: m, info: store.Info{Key: simKey, ETag: `"many"`, Size: m.size()}}
	batch := throughWorker(t, u, u.info, 32<<20)
	for i := 7; i < m.count; i += m.count / 20 {
		found, err := lookup.Find(t.Context(), u, batch, m.id(i))
		if err != nil || len(found.Matches) != 1 {
			t.Fatalf("%+v, %v", found, err)
		}
		if found.Bytes > 600_000 {
			t.Errorf("%s: %d bytes in %d reads", m.id(i), found.Bytes, found.Reads)
		}
	}
}

// A summary that says something else of the filters than what is there ends in
// an error.
func TestLookupWithOtherFilters(t *testing.T) {
	t.Parallel()
	m := newManyRows(100_000, true)
	u := &manyUpload{simStore: newSimStore(), m: m, info: store.Info{Key: simKey, ETag: `"many"`, Size: m.size()}}
	batch := throughWorker(t, u, u.info, 32<<20)
	key := status.SummaryKey(batch)
	for name, change := range map[string]func(*status.PageFiltersAt){
		"no pages":   func(p *status.PageFiltersAt) { p.Pages = 0 },
		"no blocks":  func(p *status.PageFiltersAt) { p.Blocks = -1 },
		"many pages": func(p *status.PageFiltersAt) { p.Pages = 1 << 40 },
		"one less":   func(p *status.PageFiltersAt) { p.Pages, p.Offset, p.Blocks = 1, 4, 1 },
		"far away":   func(p *status.PageFiltersAt) { p.Offset = 1 << 40 },
	} {
		summary := simSummary(t, u.Bucket, batch)
		if summary.Lookup[0].Filters[0].Pages == nil {
			t.Fatal("no filters of pages")
		}
		change(summary.Lookup[0].Filters[0].Pages)
		body, err := status.Encode(summary)
		if err != nil {
			t.Fatal(err)
		}
		broken := &replacedObject{Bucket: u.Bucket, key: key, body: body}
		found, err := lookup.Find(t.Context(), broken, batch, m.id(5))
		if err == nil && len(found.Matches) > 0 {
			t.Errorf("%s: %+v", name, found)
		}
		if name != "one less" && err == nil { // there any bytes may say that nothing is here
			t.Errorf("%s: no error", name)
		}
	}
}

// replacedObject is a bucket in which one object reads otherwise.
type replacedObject struct {
	*sim.Bucket
	key  string
	body []byte
}

func (r *replacedObject) Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error) {
	if key == r.key {
		return r.body, store.Info{}, nil
	}
	return r.Bucket.Get(ctx, key, limit)
}

// A file without a Loan_ID, one that failed, and one that is not there are told apart.
func TestLookupWithoutRows(t *testing.T) {
	t.Parallel()
	noID, bucket := searched(t, "TotalIncome,LoanAmount,Credit_History,Property_Area\n5000,100,1,Urban\n", 1<<20)
	if _, err := lookup.Find(t.Context(), bucket, noID, "x"); !errors.Is(err, lookup.ErrNoID) {
		t.Error(err)
	}
	failed, bucket := searched(t, "a,b\n1,2\n", 1<<20)
	if _, err := lookup.Find(t.Context(), bucket, failed, "x"); !errors.Is(err, lookup.ErrNoResults) {
		t.Error(err)
	}
	if _, err := lookup.Find(t.Context(), &counted{Bucket: sim.NewBucket()}, failed, "x"); !errors.Is(err, lookup.ErrOpen) {
		t.Error(err)
	}
	empty, bucket := searched(t, lookupText(0, nil), 1<<20)
	if found, err := lookup.Find(t.Context(), bucket, empty, "x"); err != nil || len(found.Matches) > 0 {
		t.Errorf("%+v %v", found, err)
	}
}

// A part whose bytes are damaged is an error, not a row that is not there.
func TestLookupInDamagedParts(t *testing.T) {
	t.Parallel()
	batch, bucket := searched(t, lookupText(500, func(i int) string { return fmt.Sprintf("LP%06d", i) }), 1<<20)
	key := status.PartKey(batch, 0)
	whole := bucket.Bodies(key)[key]
	for at := range whole {
		if at%61 != 0 {
			continue
		}
		broken := slices.Clone(whole)
		broken[at] ^= 0xff
		if _, err := bucket.Put(t.Context(), key, broken, store.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		_, _ = lookup.Find(t.Context(), bucket, batch, "LP000123") // no panic
	}
}
