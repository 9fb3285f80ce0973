package lookup

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// FuzzDecodersEqualEncoders checks that what a public library encodes is what
// these decoders read.
func FuzzDecodersEqualEncoders(f *testing.F) {
	for _, seed := range []uint64{0, 1, 2, 3, 4, 5} {
		f.Add(seed, uint16(math.Pow(7, float64(seed))), uint8(11*seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, width uint8) {
		r := rand.New(rand.NewPCG(seed, 1))
		rows, most := int(n)%20_000, uint64(1)<<(width%64)
		ints, small := make([]int64, rows), make([]int32, rows)
		texts, doubles := make([]string, rows), make([]float64, rows)
		var data []byte
		ends := []uint32{0}
		for i := range rows {
			ints[i] = int64(r.Uint64N(most)) - int64(most/2)
			small[i] = int32(r.Uint64N(min(most, 1<<20)))
			if r.IntN(3) == 0 && i > 0 {
				small[i] = small[i-1] // runs
			}
			texts[i] = strings.Repeat("ab", r.IntN(4)) + strings.Repeat("c", r.IntN(int(width)+1))
			doubles[i] = float64(ints[i])
			data = append(data, texts[i]...)
			ends = append(ends, uint32(len(data)))
		}
		packed, err := new(delta.BinaryPackedEncoding).EncodeInt64(nil, ints)
		got, rest, err2 := deltas(packed, rows)
		compare(t, "differences", ints, got, err, err2)
		if len(rest) > 0 {
			t.Errorf("%d bytes are left", len(rest))
		}
		packed, err = new(delta.ByteArrayEncoding).EncodeByteArray(nil, data, ends)
		shared, err2 := prefixed(packed, rows)
		compare(t, "prefixed texts", texts, shared, err, err2)
		packed, err = new(plain.Encoding).EncodeByteArray(nil, data, ends)
		texts2, err2 := plainTexts(packed, rows)
		compare(t, "texts", texts, texts2, err, err2)
		packed, err = new(plain.Encoding).EncodeDouble(nil, doubles)
		doubles2, err2 := plainDoubles(packed, rows)
		compare(t, "numbers", doubles, doubles2, err, err2)
		bits := int(min(width%64, 20))
		packed, err = (&rle.Encoding{BitWidth: bits}).EncodeInt32(nil, small)
		indexes, err2 := hybrid(packed, bits, rows)
		want := make([]uint32, rows)
		for i, v := range small {
			want[i] = uint32(v)
		}
		compare(t, "indexes", want, indexes, err, err2)
	})
}

func compare[T any](t *testing.T, what string, want, got []T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s (-want +got): %.500s", what, diff)
	}
}

// FuzzDecoders gives the decoders what nobody has encoded.
func FuzzDecoders(f *testing.F) {
	for _, b := range [][]byte{nil, {0}, {0x80, 1, 4, 3, 2, 0, 1, 0, 0, 0, 0xff}, bytes.Repeat([]byte{0xff}, 40), binary.LittleEndian.AppendUint32(nil, 1)} {
		f.Add(b, 8, 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, n, width int) {
		n, width = min(max(n, 0), maxRows), max(width, 0)
		within(t, func() {
			if got, err := hybrid(data, width, n); err == nil && len(got) != n {
				t.Errorf("%d of %d values", len(got), n)
			}
			if got, rest, err := deltas(data, n); err == nil && (len(got) > n || len(rest) > len(data)) {
				t.Errorf("%d of %d values, %d bytes left", len(got), n, len(rest))
			}
			if got, err := prefixed(data, n); err == nil && len(got) != n {
				t.Errorf("%d of %d texts", len(got), n)
			}
			if got, err := plainTexts(data, n); err == nil && len(got) != n {
				t.Errorf("%d of %d texts", len(got), n)
			}
		})
	})
}
