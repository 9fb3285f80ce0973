package ingest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// syntheticFile returns n rows of invented applications, always the same, with missing cells at usual rates.
func syntheticFile(n int) string {
	random := rand.New(rand.NewPCG(2024, 7))
	pick := func(missing int, values ...string) string {
		if random.IntN(100) < missing {
			return ""
		}
		return values[random.IntN(len(values))]
	}
	var b strings.Builder
	b.WriteString(header + "\n")
	for i := range n {
		fmt.Fprintf(&b, "LP%06d,%s,%s,%s,%s,%s,%d,%s,%s,%s,%s,%s,\n", i,
			pick(2, "Male", "Female"), pick(1, "Yes", "No"), pick(2, "0", "1", "2", "3+"),
			pick(0, "Graduate", "Not Graduate"), pick(5, "No", "Yes"),
			1000+random.IntN(9000), pick(0, "0", "1508", "2358", "985.7999878", "16.12000084"),
			pick(4, "66", "128", "141", "267"), pick(2, "360", "180"), pick(8, "1", "1", "1", "0"),
			pick(0, "Urban", "Rural", "Semiurban"))
	}
	return b.String()
}

func BenchmarkScanDecode(b *testing.B) {
	const rows = 50_000
	plain := syntheticFile(rows)
	for _, c := range []struct{ name, file string }{{"plain", plain}, {"quoted", quoteAll(plain)}} {
		b.Run(c.name, func(b *testing.B) {
			h, err := ParseHead([]byte(c.file), false, Given{})
			if err != nil {
				b.Fatal(err)
			}
			d := h.Decoder()
			var a Application
			b.SetBytes(int64(len(c.file)))
			b.ReportAllocs()
			for b.Loop() {
				s := NewScanner(strings.NewReader(c.file[h.DataStart:]), h.DataStart, ScannerOptions{})
				n := 0
				for ; s.Scan(); n++ {
					if err := d.Decode(s.Record(), &a); err != nil {
						b.Fatal(err)
					}
				}
				if n != rows {
					b.Fatalf("%d rows", n)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkScan(b *testing.B) {
	const rows = 50_000
	file := syntheticFile(rows)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		s := NewScanner(strings.NewReader(file), 0, ScannerOptions{})
		for s.Scan() {
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkParseNumber(b *testing.B) {
	for _, text := range []string{"5849", "985.7999878", "1234567890.123456789"} {
		b.Run(text, func(b *testing.B) {
			number := []byte(text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseNumber(number); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeJSON(b *testing.B) {
	document := []byte(goodJSON)
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeJSON(document); err != nil {
			b.Fatal(err)
		}
	}
}
