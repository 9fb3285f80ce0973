package model_test

import (
	"math/rand/v2"
	"testing"

	"github.com/loanscorer/loanscorer/model"
)

// applications makes n seeded rows of the default model's features.
func applications(n int) [][]float64 {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([][]float64, n)
	for i := range rows {
		rows[i] = []float64{
			1500 + rng.ExpFloat64()*5000, 30 + rng.ExpFloat64()*120, float64(rng.IntN(2)), float64(rng.IntN(3)),
		}
	}
	return rows
}

func BenchmarkProbability(b *testing.B) {
	m, rows := model.Default(), applications(4096)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := m.Probability(rows[i&4095]); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkPredictProba(b *testing.B) {
	m, rows, out := model.Default(), applications(4096), make([]float64, 2)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := m.PredictProba(rows[i&4095], out); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkParse(b *testing.B) {
	data := model.Default().Bytes()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := model.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkImport(b *testing.B) {
	pickle, _ := readGolden(b, "article")
	b.SetBytes(int64(len(pickle)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := model.Import(pickle, model.ImportOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
