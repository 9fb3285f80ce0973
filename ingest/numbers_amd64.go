package ingest

// fourNumbers is smallNumbers four cells at a time. It stops before four cells
// with one that is for another way.
func (c *cellRun) fourNumbers(row int, small *[smallNumbers]uint32, codes []uint32, values []float64) int {
	if !vectors || len(codes) < 4 {
		return 0
	}
	bounds := c.bounds[row*c.step:]
	_, _ = bounds[(len(codes)-1)*c.step+1], values[len(codes)-1]
	return smallNumbersAVX2(&codes[0], &values[0], len(codes), &c.data[0], &bounds[0], c.step, small)
}

// smallNumbersAVX2 reads the eight bytes from each cell on, whatever they are.
//
//go:noescape
func smallNumbersAVX2(codes *uint32, values *float64, n int, data *byte, bounds *uint32, step int, small *[smallNumbers]uint32) int
