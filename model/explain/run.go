package explain

// Order is the adverse features of a row, most adverse first: their places in x
// plus 1, then 0.
type Order [MaxReasons]uint16

// maxRun is how many cells are explained together.
const maxRun = 128

// AdverseRun is Adverse for neighbouring cells of the model's grid
// ([model.Grid]): cell has one cell a feature, of which that of the feature
// along grows by one from each order to the next. It takes a small part of the
// time of as many calls of Adverse. It is false, and nothing is done, for a model
// that has no tables: those are asked for row by row.
func (e *Explainer) AdverseRun(cell []int, along int, orders []Order) bool {
	t := e.tables()
	if t == nil || len(cell) != len(e.features) {
		return false
	}
	r := run{tables: t, along: -1}
	for i, f := range t.used {
		r.cell[i] = cell[f]
		if f == along {
			r.along = i
		}
	}
	for len(orders) > 0 {
		n := min(maxRun, len(orders))
		r.explain(n)
		r.order(orders[:n])
		orders = orders[n:]
		if r.along >= 0 {
			r.cell[r.along] += n
		}
	}
	return true
}

// run explains cells side by side: what tables.explain does for one, a set at a
// time for all of them, with the same sums in the same order.
type run struct {
	*tables
	along int // place in used; -1: the trees do not use it
	cell  cells
	at    [1 << maxTableFeatures]int // of the first cell, in the table of each set
	phi   [maxTableFeatures][maxRun]float64
}

// explain fills phi of n cells.
func (r *run) explain(n int) {
	for set := range r.sets {
		r.at[set] = r.sets[set].at(&r.cell)
	}
	for i := range r.used {
		bit, phi := 1<<i, r.phi[i][:n]
		clear(phi)
		for block := bit; block < len(r.sets); block += 2 * bit { // sets with i
			for set := block; set < block+bit; set++ {
				r.add(phi, set, set&^bit)
			}
		}
	}
}

// add adds what a feature adds to a set without it.
func (r *run) add(phi []float64, with, without int) {
	weight := r.weight[without]
	a, strideA := r.values(with)
	b, strideB := r.values(without)
	switch {
	case strideA == 0: // neither changes along the run
		d := float64(weight * (a[0] - b[0]))
		for i := range phi {
			phi[i] += d
		}
	case strideA != 1 || strideB > 1:
		for i := range phi {
			phi[i] += float64(weight * (a[i*strideA] - b[i*strideB]))
		}
	case strideB == 0:
		b0 := b[0]
		a = a[:len(phi)]
		for i := range phi {
			phi[i] += float64(weight * (a[i] - b0))
		}
	default:
		a, b = a[:len(phi)], b[:len(phi)]
		for i := range phi {
			phi[i] += float64(weight * (a[i] - b[i]))
		}
	}
}

// values are those of a set from the first cell on, and how far it is to the
// next cell's; 0: they are all the same one.
func (r *run) values(set int) ([]float64, int) {
	s := &r.sets[set]
	if r.along < 0 {
		return s.cells[r.at[set]:], 0
	}
	return s.cells[r.at[set]:], s.stride[r.along]
}

// order finds the adverse features by phi.
func (r *run) order(orders []Order) {
	var phi [maxTableFeatures]float64
	for c := range orders {
		for i := range r.used {
			phi[i] = r.phi[i][c]
		}
		order, n := adverse(phi[:len(r.used)])
		orders[c] = Order{}
		for i, at := range order[:n] {
			orders[c][i] = uint16(r.used[at] + 1)
		}
	}
}
