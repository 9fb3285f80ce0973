package columnar

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	parquetzstd "github.com/parquet-go/parquet-go/compress/zstd"
)

// unpack reads a frame by the library.
func unpack(tb testing.TB, frame []byte) []byte {
	tb.Helper()
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		tb.Fatal(err)
	}
	defer d.Close()
	data, err := d.DecodeAll(frame, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestDoublesAreReadBack(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		step float64
		most float64 // bytes a value of many
	}{
		{"whole numbers", 1, 3.2},
		{"numbers of four", 4, 4.1},
		{"halves", 0.5, 4.1},
		{"multiples of a million", 1e6, 8},
		{"no short numbers", 0.1, 8},
		{"small and great numbers", 1 << 40, 4.1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{0, 1, 2, 63, 64, 65, 66, 190, 191, 192, 193, 194, 1000, blockDoubles - 1, blockDoubles, blockDoubles + 1, blockDoubles + 2, 3*blockDoubles - 1, 100_000} {
				var src []byte
				for i := range n {
					src = binary.LittleEndian.AppendUint64(src, math.Float64bits(tt.step*float64(i-3)))
				}
				frame := appendDoubles(nil, src)
				if got := unpack(t, frame); !bytes.Equal(got, src) {
					t.Fatalf("%d doubles: other bytes", n)
				}
				if n > 190 && float64(len(frame)) > tt.most*float64(n)+100 {
					t.Errorf("%d doubles: %d bytes", n, len(frame))
				}
			}
		})
	}
}

func FuzzDoubles(f *testing.F) {
	f.Add([]byte("12345678"), 7, uint16(100))
	f.Add([]byte{}, 3, uint16(1))
	f.Add(bytes.Repeat([]byte{1, 0, 255, 128, 7}, 2000), 5, uint16(2))
	f.Fuzz(func(t *testing.T, data []byte, zeros int, times uint16) {
		src := bytes.Repeat(data, 1+int(times)%64)
		src = src[:len(src)/8*8]
		for i := range src {
			if i%8 < zeros {
				src[i] = 0
			}
		}
		if got := unpack(t, appendDoubles([]byte("before"), src)[6:]); !bytes.Equal(got, src) {
			t.Errorf("%d bytes come back as others", len(src))
		}
	})
}

func TestMixedDoublesAreCompressed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		cents int // out of 100
		most  int // bytes of the dictionary's page, of 10,000 values
	}{
		{"whole", 0, 31_000},
		{"few with cents", 5, 45_000},
		{"all with cents", 100, 80_100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, err := NewSchema("row", []Column{{Name: "income", Kind: Double}})
			if err != nil {
				t.Fatal(err)
			}
			values := []float64{0}
			var codes []uint32
			var want []string
			for i := range 10_000 {
				v := float64(1000 + i)
				if i%100 < tt.cents {
					v += 0.37
				}
				values, codes, want = append(values, v), append(codes, uint32(i+1)), append(want, fmt.Sprint(v))
			}
			g := NewGroup(s, &parquetzstd.Codec{Level: parquetzstd.SpeedFastest})
			g.Dense(0, codes, values)
			if diff := cmp.Diff(want, read(t, fileOf(t, s, g))); diff != "" {
				t.Errorf("(-want +got):\n%.500s", diff)
			}
			if n := len(g.columns[0].dictionaryPage); n > tt.most {
				t.Errorf("dictionary of %d bytes, want at most %d", n, tt.most)
			}
		})
	}
}
