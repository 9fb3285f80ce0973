package ingest

// fourNumbers is smallNumbers four cells at a time. It stops before four cells
// with one that is for another way.
func (c *cellRun) fourNumbers(row int, small *[smallNumbers]uint32, codes []uint32, values []float64) int {
	if !vectors || len(codes) < 4 {
		return 0
	}
	bounds := c.bounds[row*c.step:]
	_, _ = bounds[(len(codes)-1)*c.step+1], values[len(codes)-1]
	return smallNumbersAVX2(&fourCells{
		codes: &codes[0], values: &values[0], n: len(codes), data: &c.data[0], bounds: &bounds[0], step: c.step, small: small,
	})
}

// fourCells is what smallNumbersAVX2 needs, see cellRun.
type fourCells struct {
	codes  *uint32
	values *float64
	n      int // of both
	data   *byte
	bounds *uint32
	step   int
	small  *[smallNumbers]uint32
}

// smallNumbersAVX2 reads the eight bytes from each cell on, whatever they are.
//
//go:noescape
func smallNumbersAVX2(cells *fourCells) int
