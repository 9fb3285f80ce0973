package columnar

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// takenBy is what came of a run of short texts, and how much of it.
type takenBy struct {
	Rows, Bytes        int
	Rising             bool
	Prefixes, Suffixes []int32
	Hashes             []uint64
	Data               string
}

// takes takes texts, of which the first is only to be shared with, by one of the
// ways.
func takes(texts []string, hashed bool, by func(p *shortPlaces, r *textRun, before uint32) shortDone) takenBy {
	r := textRun{data: []byte(strings.Join(texts, "")), start: uint32(len(texts[0]))}
	r.data = slices.Clip(append(r.data, make([]byte, max(0, int(r.start)+ahead-len(r.data)))...)) // for the first
	end := r.start
	for _, v := range texts[1:] {
		end += uint32(len(v))
		r.ends = append(r.ends, end)
	}
	n := len(r.ends)
	if hashed {
		r.hashes = make([]uint64, n)
	}
	p := shortPlaces{make([]int32, n), make([]int32, n), make([]byte, short*(n+1))}
	done := by(&p, &r, 0)
	got := takenBy{
		Rows: done.rows, Bytes: done.bytes, Rising: done.rising,
		Prefixes: p.prefixes[:done.rows], Suffixes: p.suffixes[:done.rows], Data: string(p.data[:done.bytes]),
	}
	if hashed {
		got.Hashes = r.hashes[:done.rows]
	}
	return got
}

func compareTakes(tb testing.TB, texts []string) {
	tb.Helper()
	if len(texts) < 2 || len(texts[1]) > short {
		return
	}
	for _, hashed := range []bool{true, false} {
		want, got := takes(texts, hashed, (*shortPlaces).takeGo), takes(texts, hashed, (*shortPlaces).take)
		if diff := cmp.Diff(want, got); diff != "" {
			tb.Fatalf("%q, hashed %t (-Go +assembly): %s", texts, hashed, diff)
		}
	}
}

// The assembly does what the Go beside it does.
func TestTakeShort(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for round := range 5000 {
		texts := make([]string, 2+random.IntN(20))
		for i := range texts {
			texts[i] = letters(random, []string{"ab", "\x00\xff", "0123456789", "\x7f\x80"}[round%4], short+random.IntN(3))
			if random.IntN(2) == 0 && i > 0 { // mostly as the one before it
				texts[i] = texts[i-1][:len(texts[i-1])*random.IntN(5)/4] + letters(random, "ab", 1)
			}
		}
		compareTakes(t, texts)
	}
}

func FuzzTakeShort(f *testing.F) {
	f.Add("LP1 LP2 LP3 LP10 LP11 LP11 LP4")
	f.Add("0123456789abcdef 0123456789abcdef 0123456789abcde 0123456789abcdeg 12345678 12345679 a")
	f.Fuzz(func(t *testing.T, texts string) { compareTakes(t, strings.Split(texts, " ")) })
}
