//go:build unix

package model

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// BenchmarkPeer times the model and the rows that testdata/compare_predict.py
// put beside scikit-learn's; without its variable, the built-in model. The
// figure is processor time, which other work on the machine changes little.
func BenchmarkPeer(b *testing.B) {
	m, rows := Default(), [][]float64{{5849, 128, 1, 2}, {3000, 66, 0, 0}}
	if dir := os.Getenv("LOANSCORER_BENCH"); dir != "" {
		m, rows = peerFiles(b, dir)
	}
	var x []float64
	for _, r := range rows {
		x = append(x, r...)
	}
	out, width := make([]float64, len(rows)), len(rows[0])
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"one_at_a_time", func() {
			for i := range out {
				out[i], _ = m.Probability(x[i*width : (i+1)*width])
			}
		}},
		{"many_at_once", func() { _ = m.Probabilities(x, out) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.run()
			before := processorTime(b)
			for b.Loop() {
				c.run()
			}
			b.ReportMetric((processorTime(b)-before)*1e6/float64(b.N*len(rows)), "us/row")
		})
	}
}

// processorTime is what the process has used, in seconds.
func processorTime(b *testing.B) float64 {
	b.Helper()
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(use.Utime) + seconds(use.Stime)
}

func peerFiles(b *testing.B, dir string) (*Model, [][]float64) {
	b.Helper()
	file, err := os.ReadFile(filepath.Join(dir, "forest.json"))
	if err != nil {
		b.Fatal(err)
	}
	m, err := Parse(file)
	if err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "rows.json"))
	if err != nil {
		b.Fatal(err)
	}
	var rows [][]float64
	if err := json.Unmarshal(data, &rows); err != nil {
		b.Fatal(err)
	}
	return m, rows
}
