package explain

import (
	"cmp"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/axis"
	"github.com/loanscorer/loanscorer/model/sums"
)

// Limits of the table form. They bound memory (8 bytes a cell) and the time
// of the first explanation.
const (
	maxTableFeatures = 6       // features that the trees use: 64 tables
	maxTableCells    = 1 << 20 // cells of all tables together
	maxTableFills    = 1 << 26 // cells times trees
)

// tables holds, for every set of features, the forest's expected probability
// when only those are known. Like the forest itself it is constant on a grid:
// the grid of the known features. A Shapley value is a weighted sum over the
// sets, so explaining a row is one look-up a set.
type tables struct {
	used    []int // features that the trees compare
	axes    []*axis.Axis
	missing []int     // cell of what replaces a missing value; -1: none does
	sets    []table   // by bit mask over used
	longest []int     // places in used, of the most cells first: the first is what lies side by side in memory
	weight  []float64 // of what a feature adds to a set without it
	all     []model.Feature
	orders  []atomic.Uint32 // by cell of all used features: what order returned, packed; 0: not yet asked for
}

// cells is where a row lies, by place in used.
type cells [maxTableFeatures]int

// table is the expected probability by the cells of the known features.
type table struct {
	cells  []float64
	stride [maxTableFeatures]int // by place in used; 0 for an unknown feature
}

// newTables returns nil for a forest that is too large, or whose trees route
// missing values.
func newTables(e *Explainer) *tables {
	thresholds := make([][]float64, len(e.features))
	for i := range e.trees {
		t := &e.trees[i]
		if t.MissingLeft != nil {
			return nil
		}
		for at, left := range t.Left {
			if left != leaf {
				thresholds[t.Feature[at]] = append(thresholds[t.Feature[at]], t.Threshold[at])
			}
		}
	}
	t := &tables{all: e.features}
	size := 1
	for i, list := range thresholds {
		if len(list) == 0 {
			continue
		}
		a := axis.New(list)
		t.used, t.axes = append(t.used, i), append(t.axes, a)
		size *= a.Cells() + 1
		if len(t.used) > maxTableFeatures || size > maxTableCells || size*len(e.trees) > maxTableFills {
			return nil
		}
		t.missing = append(t.missing, missingCell(a, e.features[i].Missing))
		t.longest = append(t.longest, len(t.longest))
	}
	slices.SortStableFunc(t.longest, func(a, b int) int { return cmp.Compare(t.axes[b].Cells(), t.axes[a].Cells()) })
	t.fill(e)
	t.weigh()
	t.orders = make([]atomic.Uint32, len(t.sets[len(t.sets)-1].cells))
	return t
}

func missingCell(a *axis.Axis, rule *model.Missing) int {
	if rule == nil {
		return -1
	}
	return a.Cell(axis.Key(float32(rule.Value)))
}

// fill makes the tables, as many at a time as there are cores.
func (t *tables) fill(e *Explainer) {
	t.sets = make([]table, 1<<len(t.used))
	position := make([]int, len(e.features))
	for i, f := range t.used {
		position[f] = i
	}
	left := make(chan int, len(t.sets))
	for set := len(t.sets) - 1; set >= 0; set-- { // the largest first
		left <- set
	}
	close(left)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(t.sets)) {
		wg.Go(func() {
			for set := range left {
				t.sets[set] = t.table(e, set, position)
			}
		})
	}
	wg.Wait()
}

// table makes the table of a set of known features.
func (t *tables) table(e *Explainer, set int, position []int) (out table) {
	f := filler{axes: t.axes, position: position, known: set, stride: make([]int, len(t.axes)), box: make([]span, len(t.axes))}
	size := 1
	for _, i := range t.longest {
		if set>>i&1 == 1 {
			f.order = append(f.order, i)
			f.stride[i], f.box[i] = size, span{0, t.axes[i].Cells()}
			size *= t.axes[i].Cells()
		}
	}
	f.cells = make([]float64, size)
	for i := range e.trees {
		f.tree(&e.trees[i], 0, 1)
	}
	for i := range f.cells {
		f.cells[i] /= float64(len(e.trees))
	}
	out.cells = f.cells
	copy(out.stride[:], f.stride)
	return out
}

// weigh computes |S|! (n-|S|-1)! / n! for each set S.
func (t *tables) weigh() {
	n := len(t.used)
	t.weight = make([]float64, len(t.sets))
	for set := range t.weight {
		size := bits.OnesCount(uint(set))
		choose := 1.0 // n-1 over size
		for i := range size {
			choose = choose * float64(n-1-i) / float64(i+1)
		}
		t.weight[set] = 1 / (choose * float64(n)) // of no use for the full set
	}
}

// find is false for a row that needs the model's own judgement.
func (t *tables) find(x []float64, cell *cells) bool {
	for i, v := range x {
		if f := float32(v); math.IsInf(float64(f), 0) || f != f && t.all[i].Missing == nil {
			return false
		}
	}
	for i, f := range t.used {
		if v := x[f]; math.IsNaN(v) {
			cell[i] = t.missing[i]
		} else {
			cell[i] = t.axes[i].Cell(axis.Key(float32(v)))
		}
	}
	return true
}

// at is the place of a cell in the table of a set.
func (s *table) at(cell *cells) int {
	at := 0
	for i, c := range cell {
		at += c * s.stride[i]
	}
	return at
}

// explain fills phi for the rows of a cell.
func (t *tables) explain(cell *cells, phi []float64) {
	var value [1 << maxTableFeatures]float64
	for set := range t.sets {
		value[set] = t.sets[set].cells[t.sets[set].at(cell)]
	}
	clear(phi)
	for i, f := range t.used {
		bit, sum := 1<<i, 0.0
		for block := bit; block < len(t.sets); block += 2 * bit { // sets with i
			for set := block; set < block+bit; set++ {
				sum += float64(t.weight[set&^bit] * (value[set] - value[set&^bit]))
			}
		}
		phi[f] = sum
	}
}

// order is the adverse features of the rows of a cell. What it finds is always
// the same, so it does not matter who writes it down, or how often.
func (t *tables) order(cell *cells) (order [MaxReasons]int, n int) {
	known := &t.orders[t.sets[len(t.sets)-1].at(cell)]
	packed := known.Load()
	if packed == 0 {
		packed = t.pack(cell)
		known.Store(packed)
	}
	for packed >>= 1; packed != 0; packed >>= packedBits {
		order[n] = t.used[packed&packedMask-1]
		n++
	}
	return order, n
}

// An order is packed as a 1, then for each feature its place in used + 1.
const (
	packedBits = 4
	packedMask = 1<<packedBits - 1
)

func (t *tables) pack(cell *cells) uint32 {
	phi := make([]float64, len(t.all))
	t.explain(cell, phi)
	order, n := adverse(phi)
	packed := uint32(1)
	for at, f := range order[:n] {
		packed |= uint32(slices.Index(t.used, f)+1) << (1 + at*packedBits)
	}
	return packed
}

// span is the half-open range of cells of one feature.
type span struct{ from, to int }

// filler adds trees to the table of one set of known features.
type filler struct {
	axes     []*axis.Axis
	position []int // feature -> axis
	known    int   // bit mask over axes
	order    []int // known axes, the shortest stride first
	stride   []int
	box      []span // the cells that reach the current node
	cells    []float64
}

// tree adds the leaves under a node; share is how much of the unknown
// features' rows come here.
func (f *filler) tree(t *tree, at int32, share float64) {
	if t.Left[at] == leaf {
		f.leaf(len(f.order), 0, float64(share*t.value[at]))
		return
	}
	left, right := t.Left[at], t.Right[at]
	i := f.position[t.Feature[at]]
	if f.known>>i&1 == 0 {
		f.tree(t, left, float64(share*t.share[left]))
		f.tree(t, right, float64(share*t.share[right]))
		return
	}
	whole := f.box[i]
	cut := f.axes[i].Cell(axis.Key(axis.Below(t.Threshold[at]))) + 1
	if s := (span{whole.from, min(whole.to, cut)}); s.from < s.to {
		f.box[i] = s
		f.tree(t, left, share)
	}
	if s := (span{max(whole.from, cut), whole.to}); s.from < s.to {
		f.box[i] = s
		f.tree(t, right, share)
	}
	f.box[i] = whole
}

// leaf adds v to every cell of the box, from the longest stride to the shortest;
// n axes are left, and at is the place by those before.
func (f *filler) leaf(n, at int, v float64) {
	if n == 0 {
		f.cells[at] += v
		return
	}
	i := f.order[n-1]
	if n == 1 {
		sums.Add(f.cells[at+f.box[i].from:at+f.box[i].to], v)
		return
	}
	for j := f.box[i].from; j < f.box[i].to; j++ {
		f.leaf(n-1, at+j*f.stride[i], v)
	}
}
