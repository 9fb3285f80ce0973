package columnar

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// compareSqueeze squeezes codes a block at a time.
func compareSqueeze(tb testing.TB, codes []uint32, block int) {
	tb.Helper()
	fast, slow := codedColumn(), codedColumn()
	for len(codes) > 0 {
		n := min(block, len(codes))
		got, want := make([]int32, n), make([]int32, n)
		got = got[:fast.squeeze(got, codes[:n])]
		want = want[:slow.squeezeRows(want, codes[:n])]
		if diff := cmp.Diff(want, got); diff != "" {
			tb.Fatalf("values of %d codes (-row by row +squeezed):\n%.1000s", n, diff)
		}
		codes = codes[n:]
	}
	if a, b := &slow.levels, &fast.levels; a.rows != b.rows || !bytes.Equal(a.bits, b.bits) {
		tb.Errorf("%d levels %x, want %d, %x", b.rows, b.bits, a.rows, a.bits)
	}
}

func TestSqueezeAsRowsDo(t *testing.T) {
	t.Parallel()
	for _, block := range []int{1, 7, 8, 9, 13, 100, 1000} {
		for _, nulls := range []int{0, 1, 10, 90, 100} {
			t.Run(fmt.Sprintf("blocks of %d, %d %% nulls", block, nulls), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(uint64(block), uint64(nulls)))
				codes := make([]uint32, 1000)
				for i := range codes {
					if r.IntN(100) >= nulls {
						codes[i] = 1 + r.Uint32N(1<<31-1)
					}
				}
				compareSqueeze(t, codes, block)
			})
		}
	}
}

func FuzzSqueeze(f *testing.F) {
	f.Add([]byte{1, 0, 0, 3, 4, 5, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8}, uint8(3))
	f.Add(bytes.Repeat([]byte{0, 200}, 100), uint8(64))
	f.Fuzz(func(t *testing.T, data []byte, block uint8) {
		codes := make([]uint32, len(data))
		for i, b := range data {
			codes[i] = uint32(b) * 77_777
		}
		compareSqueeze(t, codes, 1+int(block))
	})
}

// Numbers with nulls, of few and of many values, in blocks that end anywhere.
func TestCodedNumbersAreReadBack(t *testing.T) {
	t.Parallel()
	for _, distinct := range []int{1, 5, fewValues - 1, fewValues, 100, 3000} {
		for _, dense := range []bool{true, false} {
			t.Run(fmt.Sprintf("%d values, dense: %t", distinct, dense), func(t *testing.T) {
				t.Parallel()
				s, err := NewSchema("row", []Column{{Name: "income", Kind: Double, Optional: true}})
				if err != nil {
					t.Fatal(err)
				}
				g, r := NewGroup(s, &zstd.Codec{}), rand.New(rand.NewPCG(7, uint64(distinct)))
				values, want := []float64{0}, []string(nil)
				for len(want) < pageRows+2000 {
					for n := 1 + r.IntN(30); n > 0 && len(values) <= distinct; n-- {
						values = append(values, float64(100+len(values)))
					}
					codes := make([]uint32, 1+r.IntN(700))
					for i := range codes {
						codes[i] = uint32(r.IntN(len(values)))
						text := "null"
						if codes[i] > 0 {
							text = fmt.Sprint(values[codes[i]])
						}
						want = append(want, text)
					}
					if dense {
						g.Dense(0, codes, values)
					} else {
						g.Numbers(0, codes, values)
					}
				}
				if diff := cmp.Diff(want, read(t, fileOf(t, s, g))); diff != "" {
					t.Errorf("(-want +got):\n%.1000s", diff)
				}
			})
		}
	}
}
