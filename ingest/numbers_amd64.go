package ingest

// fourNumbers is smallNumbers four cells at a time. It stops before four cells
// with one that is for another way.
func (c *cellRun) fourNumbers(row int, f *fieldPlan, codes []uint32, values []float64) int {
	if !vectors || len(codes) < 4 {
		return 0
	}
	bounds := c.bounds[row*c.step:]
	_, _ = bounds[(len(codes)-1)*c.step+1], values[len(codes)-1]
	cells := fourCells{
		codes: &codes[0], values: &values[0], n: len(codes), data: &c.data[0], bounds: &bounds[0], step: c.step, small: f.numbers.small,
	}
	if !f.required {
		cells.empty = -1
	}
	n, unknown := smallNumbersAVX2(&cells)
	if unknown {
		n = f.enter(codes[:n], values[:n])
	}
	return n
}

// fourCells is what smallNumbersAVX2 needs, see cellRun.
type fourCells struct {
	codes  *uint32
	values *float64
	n      int // of both
	data   *byte
	bounds *uint32
	step   int
	small  *[SmallNumbers]uint32
	empty  int64 // -1: cells may be empty
}

// smallNumbersAVX2 reads the eight bytes from each cell on, whatever they are.
// unknown tells that there are numbers without a code, which get 0.
//
//go:noescape
func smallNumbersAVX2(cells *fourCells) (n int, unknown bool)
