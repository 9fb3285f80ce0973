package model

import (
	"math"
	"strconv"

	"github.com/loanscorer/loanscorer/model/axis"
)

// How many rows a self-test gets, and among how many they are chosen.
const (
	testRows      = 64
	testRowsLeast = 8       // of a model with many features or very large trees
	testCells     = 1 << 13 // rows times features, about
	testPool      = 512
	testSteps     = 1 << 24 // nodes that all rows of the pool walk through, at most about
)

// makeSelfTest chooses rows that walk as many leaves as possible and lie on
// thresholds or one float32 step above them, where a threshold that moved by
// little is seen. The choice depends on the model alone. s must be valid.
func (s *Spec) makeSelfTest() (*SelfTest, error) {
	t := &SelfTest{Class: s.Classes[s.Positive]}
	for _, f := range s.Features {
		t.Features = append(t.Features, f.Name)
	}
	for _, x := range s.chooseRows() {
		cells := make([]Cell, len(x))
		for i, v := range x {
			cells[i] = Cell{Number: v}
			if f := &s.Features[i]; f.Kind == Category && !math.IsNaN(v) {
				cells[i].Category = f.Categories[int(v)]
				cells[i].Number = 0
			}
		}
		t.Rows = append(t.Rows, cells)
		t.Probability = append(t.Probability, s.probability(x))
	}
	var err error
	t.Content, err = s.content()
	return t, err
}

// chooseRows takes from a pool, again and again, the row that sees most of
// what no row before it has seen.
func (s *Spec) chooseRows() [][]float64 {
	g := newProber(s)
	pool := max(testRowsLeast, min(testPool, testSteps/(len(s.Trees)*(1+countStats(s).MaxDepth))))
	rows, seen := make([][]float64, pool), make([][]uint32, pool)
	for i := range rows {
		rows[i] = g.row(i)
		seen[i] = g.sees(rows[i])
	}
	var chosen [][]float64
	covered := make([]bool, g.items)
	for want := max(testRowsLeast, min(testRows, testCells/len(s.Features))); len(chosen) < want; {
		best, most := -1, 0
		for i, items := range seen {
			n := 0
			for _, item := range items {
				if !covered[item] {
					n++
				}
			}
			if n > most {
				best, most = i, n
			}
		}
		if best < 0 {
			break
		}
		chosen = append(chosen, rows[best])
		for _, item := range seen[best] {
			covered[item] = true
		}
	}
	return chosen
}

// prober draws rows for one model, the same at every run.
type prober struct {
	s          *Spec
	thresholds [][]float32 // of each number, the float32 on the left side; with repeats
	routes     bool
	places     []uint32 // of each feature's items, after those of the nodes
	items      uint32   // what there is to see
	state      uint64
}

// Each node has three items: the leaf, the threshold, the step above it.
const nodeItems = 3

func newProber(s *Spec) *prober {
	g := &prober{s: s, thresholds: make([][]float32, len(s.Features)), routes: s.Trees[0].MissingLeft != nil}
	for i := range s.Trees {
		t := &s.Trees[i]
		for n, f := range t.Feature {
			if f >= 0 && s.Features[f].Kind == Number {
				g.thresholds[f] = append(g.thresholds[f], axis.Below(t.Threshold[n]))
			}
		}
		g.items += nodeItems * uint32(len(t.Left))
	}
	for i := range s.Features { // missing, and each category
		g.places = append(g.places, g.items)
		g.items += 1 + uint32(len(s.Features[i].Categories))
	}
	return g
}

// below returns a number from 0 to n-1 (Steele, Lea and Flood, Fast Splittable
// Pseudorandom Number Generators, 2014).
func (g *prober) below(n int) int {
	g.state += 0x9e3779b97f4a7c15
	z := g.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return int((z ^ z>>31) % uint64(n))
}

// interval holds the float32 above low and up to high.
type interval struct{ low, high float32 }

// row draws one row: down one tree with every number at an end of what leads
// there, categories and missing values by chance.
func (g *prober) row(i int) []float64 {
	x := make([]float64, len(g.s.Features))
	free := make([]bool, len(x))
	boxes := make([]interval, len(x))
	for f := range g.s.Features {
		feature := &g.s.Features[f]
		boxes[f] = interval{float32(math.Inf(-1)), math.MaxFloat32}
		switch {
		case (feature.Missing != nil || g.routes) && g.below(6) == 0:
			x[f] = math.NaN()
		case feature.Kind == Category:
			x[f] = float64(g.below(len(feature.Categories)))
		default:
			free[f] = true
			if t := g.thresholds[f]; len(t) > 0 {
				x[f] = g.end(interval{t[g.below(len(t))], t[g.below(len(t))]})
			}
		}
	}
	g.descend(&g.s.Trees[i%len(g.s.Trees)], x, free, boxes)
	for f := range x {
		if free[f] && boxes[f] != (interval{float32(math.Inf(-1)), math.MaxFloat32}) {
			x[f] = g.end(boxes[f])
		}
	}
	return x
}

// descend walks down a tree at random and narrows the boxes of free numbers.
func (g *prober) descend(t *Tree, x []float64, free []bool, boxes []interval) {
	for at := int32(0); t.Left[at] != leaf; {
		f := t.Feature[at]
		edge := axis.Below(t.Threshold[at])
		left := g.below(2) == 0
		if free[f] {
			b := &boxes[f]
			left = edge >= b.high || edge > b.low && left
			if left {
				b.high = min(b.high, edge)
			} else {
				b.low = max(b.low, edge)
			}
		} else {
			left = g.s.goesLeft(t, at, g.s.seen(int(f), x[f]))
		}
		at = t.child(at, left)
	}
}

// end returns the highest number of a box, or the lowest, in few digits.
func (g *prober) end(b interval) float64 {
	v := math.Nextafter32(b.low, float32(math.Inf(1)))
	if math.IsInf(float64(b.low), 0) || b.high < math.MaxFloat32 && g.below(2) == 0 {
		v = b.high
	}
	if math.IsInf(float64(v), 0) {
		return 0
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil {
		return float64(v)
	}
	return short
}

// sees lists what a row would notice the change of: the leaves that it walks
// to, thresholds that it lies on or one step above, missing values, categories.
func (g *prober) sees(x []float64) []uint32 {
	items := make([]uint32, 0, 2*len(g.s.Trees))
	base := uint32(0)
	for i := range g.s.Trees {
		t := &g.s.Trees[i]
		at := int32(0)
		for t.Left[at] != leaf {
			v, edge := g.s.seen(int(t.Feature[at]), x[t.Feature[at]]), axis.Below(t.Threshold[at])
			switch float32(v) {
			case edge:
				items = append(items, (base+uint32(at))*nodeItems+1)
			case math.Nextafter32(edge, float32(math.Inf(1))):
				items = append(items, (base+uint32(at))*nodeItems+2)
			}
			at = t.child(at, g.s.goesLeft(t, at, v))
		}
		items = append(items, (base+uint32(at))*nodeItems)
		base += uint32(len(t.Left))
	}
	for f, v := range x {
		switch {
		case math.IsNaN(v):
			items = append(items, g.places[f])
		case g.s.Features[f].Kind == Category:
			items = append(items, g.places[f]+1+uint32(v))
		}
	}
	return items
}

// seen is a value of feature f as the trees see it: filled and rounded.
func (s *Spec) seen(f int, v float64) float64 {
	if m := s.Features[f].Missing; m != nil && math.IsNaN(v) {
		v = m.Value
	}
	return float64(float32(v))
}

func (s *Spec) goesLeft(t *Tree, at int32, v float64) bool {
	return v <= t.Threshold[at] || math.IsNaN(v) && t.MissingLeft != nil && t.MissingLeft[at]
}

// child returns one of a node's children.
func (t *Tree) child(at int32, left bool) int32 {
	if left {
		return t.Left[at]
	}
	return t.Right[at]
}

// probability is [Model.Probability] on the bare trees, for rows that can be
// scored.
func (s *Spec) probability(x []float64) float64 {
	sum := 0.0
	var proba []float64
	for i := range s.Trees {
		t := &s.Trees[i]
		at := int32(0)
		for t.Left[at] != leaf {
			f := t.Feature[at]
			at = t.child(at, s.goesLeft(t, at, s.seen(int(f), x[f])))
		}
		proba = appendProba(proba[:0], t.Value[at], s.ValueUnit)
		sum += proba[s.Positive]
	}
	return sum / float64(len(s.Trees))
}
