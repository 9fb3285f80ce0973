//go:build !amd64

package ingest

// fourNumbers leaves all cells to smallNumbers: the compiler has no vectors for
// them yet.
func (c *cellRun) fourNumbers(int, *fieldPlan, []uint32, []float64) int { return 0 }

// texts is findTexts: nothing here is faster.
func texts(cells *cellRun, f *fieldPlan, codes []uint32) int { return findTexts(cells, f, codes) }
