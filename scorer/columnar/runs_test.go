package columnar

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

func TestRunsAreReadBack(t *testing.T) {
	t.Parallel()
	type run struct {
		value, length int // value -1: any
	}
	for _, tt := range []struct {
		name string
		runs []run
		most int // bytes a value of width 1, in hundredths
	}{
		{"nothing", nil, 0},
		{"one value", []run{{1, 1}}, 300},
		{"equal ones", []run{{1, 10_000}}, 1},
		{"equal ones among others", []run{{-1, 100}, {0, 1000}, {-1, 64}, {1, 200}, {0, 300}, {-1, 7}}, 8},
		{"short runs", []run{{1, 63}, {0, 63}, {1, 65}, {0, 127}, {1, 128}}, 14},
		{"others", []run{{-1, 5000}}, 13},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for width := 1; width <= 4; width++ {
				r := rand.New(rand.NewPCG(1, uint64(width)))
				var want []int32
				for _, run := range tt.runs {
					for range run.length {
						v := run.value
						if v < 0 {
							v = r.IntN(1 << width)
						} else if v > 0 {
							v = 1<<width - 1
						}
						want = append(want, int32(v))
					}
				}
				var p packedBits
				for _, v := range want {
					p.rest |= uint64(v) << p.nRest
					if p.nRest += width; p.nRest >= 8 {
						p.bytes, p.rest, p.nRest = append(p.bytes, byte(p.rest)), p.rest>>8, p.nRest-8
					}
					p.values++
				}
				p.end(width)
				packed := appendRuns(nil, p.bytes, p.values, width)
				if limit := tt.most * width * max(1, len(want)) / 100; len(packed) > limit+4 {
					t.Errorf("width %d: %d values take %d bytes, want at most %d", width, len(want), len(packed), limit)
				}
				got, err := (&rle.Encoding{BitWidth: width}).DecodeInt32(nil, packed)
				if err != nil || len(got) < len(want) || len(got) >= len(want)+8 {
					t.Fatalf("width %d: %d values, want %d: %v", width, len(got), len(want), err)
				}
				if diff := cmp.Diff(want, got[:len(want):len(want)]); diff != "" && len(want) > 0 {
					t.Errorf("width %d (-want +got):\n%.1000s", width, diff)
				}
			}
		})
	}
}
