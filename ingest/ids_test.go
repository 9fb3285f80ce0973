package ingest

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/cespare/xxhash/v2"
)

// An estimate of rows that nearly all repeat a few ids is no more than there are rows.
func TestManyDuplicates(t *testing.T) {
	t.Parallel()
	for _, ids := range []int{20_000, 50_000, 100_000} {
		d := NewIDs(1 << 8)
		hashes := make([]uint64, ids)
		for i := range hashes {
			hashes[i] = xxhash.Sum64String(strconv.Itoa(i))
		}
		for range 100 {
			d.AddHashes(hashes)
		}
		want := 99 * float64(ids)
		if got := d.Duplicates(); got.Exact || math.Abs(float64(got.Rows)/want-1) > 0.001 {
			t.Errorf("%d ids, 100 rows each: %+v, want about %.0f", ids, got, want)
		}
	}
}

// failure 54: duplicates are counted, exactly while the ids fit and by a fair estimate beyond.
func TestIDs(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct{ most, ids, extra int }{
		{100, 0, 0}, {100, 1, 5}, {100, 100, 0}, {100, 100, 77}, {1000, 50_000, 0}, {1000, 50_000, 20_000}, {0, 5000, 1},
	} {
		all, halves := NewIDs(c.most), []*IDs{NewIDs(c.most), NewIDs(c.most)}
		add := func(i int) {
			id := fmt.Appendf(nil, "LP%07d", i)
			all.Add(id)
			halves[random.IntN(2)].Add(id)
		}
		for i := range c.ids {
			add(i)
		}
		for range c.extra {
			add(random.IntN(c.ids))
		}
		all.Add(nil)
		all.Add(nil)
		got := all.Duplicates()
		exact := c.ids <= c.most || c.most == 0
		if got.Exact != exact || exact && got.Rows != int64(c.extra) {
			t.Errorf("%+v: %+v", c, got)
		}
		if low, high := int64(c.extra)*8/10, int64(c.extra)*12/10; got.Rows < low || got.Rows > high {
			t.Errorf("%+v: %d rows, not near %d", c, got.Rows, c.extra)
		}
		joined := NewIDs(c.most)
		for _, half := range halves {
			if err := joined.MergeSample(half.Sample(c.most)); err != nil {
				t.Fatal(err)
			}
		}
		if merged := joined.Duplicates(); merged.Exact != got.Exact || exact && merged != got || merged.Rows < got.Rows*8/10 || merged.Rows > got.Rows*12/10 {
			t.Errorf("%+v: merged from samples %+v, in one %+v", c, merged, got)
		}
		if small := all.Sample(16); len(small) > 1+16*sampled {
			t.Errorf("%+v: a sample of %d bytes", c, len(small))
		}
		halves[0].Merge(halves[1])
		if merged := halves[0].Duplicates(); merged != got {
			t.Errorf("%+v: merged %+v, in one %+v", c, merged, got)
		}
		if all.kept > all.most {
			t.Errorf("%+v: %d ids are kept", c, all.kept)
		}
		all.Reset()
		if got := all.Duplicates(); got != (Duplicates{Exact: true}) {
			t.Errorf("after Reset %+v", got)
		}
	}
}

// Many ids at once are counted as they are one by one.
func TestAddHashes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	for _, c := range []struct {
		name   string
		most   int
		rows   int
		before int // that were counted one by one
		hash   func(i int) uint64
	}{
		{"none", 16, 0, 0, func(int) uint64 { return 0 }},
		{"few", 100, 90, 0, func(int) uint64 { return random.Uint64() }},
		{"some more than are kept", 100, 151, 0, func(int) uint64 { return random.Uint64() }},
		{"many", 100, 50_000, 0, func(int) uint64 { return random.Uint64() }},
		{"many after others", 100, 50_000, 10, func(int) uint64 { return random.Uint64() }},
		{"many after many", 100, 50_000, 10_000, func(int) uint64 { return random.Uint64() }},
		{"pairs", 100, 50_000, 0, func(i int) uint64 { return uint64(i/2) * 0x9e3779b97f4a7c15 }},
		{"duplicates of all", 100, 50_000, 0, func(i int) uint64 { return uint64(i%100) * 0x9e3779b97f4a7c15 }},
		{"duplicates of some more", 100, 50_000, 0, func(i int) uint64 { return uint64(i%190) * 0x9e3779b97f4a7c15 }},
		{"small hashes", 100, 50_000, 0, func(i int) uint64 { return uint64(i) }},
		{"one hash", 16, 1000, 0, func(int) uint64 { return 0 }},
	} {
		oneByOne, atOnce := NewIDs(c.most), NewIDs(c.most)
		var hashes []uint64
		for i := range c.rows {
			h := c.hash(i)
			oneByOne.AddHashes([]uint64{h})
			if i < c.before {
				atOnce.AddHashes([]uint64{h})
			} else {
				hashes = append(hashes, h)
			}
		}
		atOnce.AddHashes(hashes)
		if got, want := atOnce.Duplicates(), oneByOne.Duplicates(); got != want {
			t.Errorf("%s: %+v, one by one %+v", c.name, got, want)
		}
		if !bytes.Equal(atOnce.Sample(c.most), oneByOne.Sample(c.most)) || atOnce.kept > c.most {
			t.Errorf("%s: another sample than one by one, of %d ids", c.name, atOnce.kept)
		}
	}
}

// A file cannot be made so that its ids crowd in one place of the table: these
// hashes do where their lowest bits are the place.
func TestIDsSpread(t *testing.T) {
	t.Parallel()
	d := NewIDs(0)
	for i := range uint64(1 << 15) {
		d.AddHashes([]uint64{i << 24})
	}
	run, longest := 0, 0
	for _, s := range d.slots {
		if run++; s.rows == 0 {
			run = 0
		}
		longest = max(longest, run)
	}
	if d.kept != 1<<15 || longest > 1000 {
		t.Errorf("%d ids in a row among %d", longest, d.kept)
	}
}

// The same ids have the same sample, whatever the places of the table and in
// whatever order they came.
func TestSamplesAreTheSame(t *testing.T) {
	t.Parallel()
	up, down := NewIDs(0), NewIDs(0)
	for i := range 5000 {
		up.Add([]byte(strconv.Itoa(i)))
		down.Add([]byte(strconv.Itoa(4999 - i)))
	}
	if a, b := up.Sample(1000), down.Sample(1000); len(a) < 400*sampled || !bytes.Equal(a, b) {
		t.Errorf("samples of %d and %d bytes differ", len(a), len(b))
	}
}

func FuzzMergeSample(f *testing.F) {
	d := NewIDs(0)
	d.Add([]byte("a"))
	f.Add(d.Sample(16))
	f.Fuzz(func(t *testing.T, sample []byte) {
		d := NewIDs(16)
		if err := d.MergeSample(sample); err == nil && d.kept > 16 {
			t.Fatalf("%d ids are kept", d.kept)
		}
	})
}

func BenchmarkAddHashes(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	hashes := make([]uint64, 250_000)
	for i := range hashes {
		hashes[i] = random.Uint64()
	}
	d := NewIDs(1 << 12)
	for b.Loop() {
		d.Reset()
		d.AddHashes(hashes)
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/float64(len(hashes))*1e9, "ns/row")
}

func BenchmarkIDs(b *testing.B) {
	for _, most := range []int{1 << 12, MaxIDs} {
		b.Run(strconv.Itoa(most), func(b *testing.B) {
			ids := make([][]byte, 300_000)
			for i := range ids {
				ids[i] = fmt.Appendf(nil, "LP%07d", i)
			}
			d := NewIDs(most)
			b.ReportAllocs()
			for b.Loop() {
				d.Reset()
				for _, id := range ids {
					d.Add(id)
				}
			}
			b.ReportMetric(float64(len(ids))*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
