package columnar

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/compress/zstd"
)

// BenchmarkBytes is adding ids, with the pages that they fill.
func BenchmarkBytes(b *testing.B) {
	s := testSchema(b)
	random := rand.New(rand.NewPCG(1, 2))
	for _, kind := range []struct {
		name string
		id   func(i int) string
	}{
		{"ascending", func(i int) string { return fmt.Sprintf("LP%09d", i) }},
		{"growing", func(i int) string { return strconv.Itoa(i) }},
		{"descending", func(i int) string { return fmt.Sprintf("LP%09d", 1<<20-i) }},
		{"random", func(int) string { return fmt.Sprintf("LP%09d", random.IntN(1e9)) }},
		{"random lengths", func(int) string { return strconv.FormatUint(random.Uint64()>>random.IntN(60), 10) }},
		{"same", func(int) string { return "LP000001" }},
		{"long", func(int) string { return fmt.Sprintf("%016x-%016x", random.Uint64(), random.Uint64()) }},
		{"longer", func(i int) string { return fmt.Sprintf("%s%09d", strings.Repeat("x", 80), i) }},
		{"some long", func(i int) string { return fmt.Sprintf("APPLICATION%d", i*i%10_000_000) }},
		{"some empty", func(i int) string { return fmt.Sprintf("LP%09d", i)[:11*random.IntN(2)] }},
		{"empty", func(int) string { return "" }},
	} {
		b.Run(kind.name, func(b *testing.B) {
			const rows, block = 1 << 17, 1024
			var data [rows / block][]byte
			var ends [rows / block][]uint32
			for i := range rows {
				k := i / block
				data[k] = append(data[k], kind.id(i)...)
				ends[k] = append(ends[k], uint32(len(data[k])))
			}
			g := NewGroup(s, &zstd.Codec{Level: zstd.SpeedFastest})
			for b.Loop() {
				g.Reset()
				for k := range data {
					g.Bytes(0, data[k], ends[k])
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/rows*1e9, "ns/row")
		})
	}
}
