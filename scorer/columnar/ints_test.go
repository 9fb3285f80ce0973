package columnar

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/encoding/delta"
)

func checkDifferences(tb testing.TB, values []int64) {
	tb.Helper()
	packed, ascending := appendDifferences([]byte("before"), values)
	if sorted := slices.IsSorted(values); ascending != sorted {
		tb.Errorf("%d values: ascending: %t, want %t", len(values), ascending, sorted)
	}
	got, err := new(delta.BinaryPackedEncoding).DecodeInt64(nil, packed[len("before"):])
	if err != nil {
		tb.Fatalf("%d values: %v", len(values), err)
	}
	if diff := cmp.Diff(values, got); diff != "" {
		tb.Errorf("%d values (-want +got):\n%.1000s", len(values), diff)
	}
}

func TestDifferencesAreReadBack(t *testing.T) {
	t.Parallel()
	for width := range 65 {
		r := rand.New(rand.NewPCG(3, uint64(width)))
		for _, n := range []int{1, 2, 32, 33, 34, 128, 129, 130, 257, 1000} {
			values := []int64{r.Int64()}
			for len(values) < n {
				d := r.Uint64() >> (64 - width)
				if n%2 == 0 {
					d -= 100
				}
				values = append(values, values[len(values)-1]+int64(d))
			}
			checkDifferences(t, values)
		}
	}
	checkDifferences(t, []int64{math.MinInt64, math.MaxInt64, 0, math.MinInt64, math.MinInt64, math.MaxInt64})
}

func TestDifferencesAreSmall(t *testing.T) {
	t.Parallel()
	values := []int64{1 << 40}
	for len(values) < 1000 {
		values = append(values, values[len(values)-1]+60+int64(len(values)%8))
	}
	if packed, _ := appendDifferences(nil, values); len(packed) > 500 { // three bits each
		t.Errorf("%d values take %d bytes", len(values), len(packed))
	}
}

func FuzzDifferences(f *testing.F) {
	f.Add([]byte("1234567812345678abcdefgh"), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, shift uint8) {
		var values []int64
		for ; len(data) >= 8; data = data[8:] {
			values = append(values, int64(binary.LittleEndian.Uint64(data))>>(shift%64))
		}
		if len(values) > 0 {
			checkDifferences(t, values)
		}
	})
}
