package scorer

import (
	"math"
	"strconv"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
)

// maxEdges bounds the edges of a feature's bins: nine deciles, or the values of
// a number that has few.
const maxEdges = 15

// drift counts the values of one feature by the bins of the model's reference
// distribution.
//
// A number with deciles has the bins x <= d1, d1 < x <= d2, ..., x > d9; equal
// deciles make one bin of several shares. A number with few values has a bin for
// each, a category for each category; the last bin of both is any other value.
type drift struct {
	feature   int // of the model
	reference status.Reference
	edges     edges // rising, then +Inf
	values    bool  // an edge is a value with a bin of its own
}

// driftOf returns how the features with a reference distribution are counted.
// A distribution that is empty or has more values than bins is left out.
func driftOf(m *model.Model) []drift {
	var all []drift
	features := m.Features()
	for _, r := range m.Reference() {
		for i := range features {
			if features[i].Name != r.Feature {
				continue
			}
			if d, ok := newDrift(i, &features[i], &r); ok {
				all = append(all, d)
			}
		}
	}
	return all
}

func newDrift(i int, f *model.Feature, r *model.Distribution) (drift, bool) {
	d := drift{feature: i, reference: status.Reference{Feature: f.Name, Missing: int64(r.Missing)}}
	for e := range d.edges {
		d.edges[e] = math.Inf(1)
	}
	switch present := float64(r.Rows - r.Missing); {
	case len(r.Counts) > 0:
		return d, d.ofValues(f, r.Counts)
	case len(r.Deciles) > 0 && present > 0:
		return d, d.ofDeciles(r.Deciles, present)
	default:
		return d, false
	}
}

func (d *drift) ofDeciles(deciles []float64, present float64) bool {
	if len(deciles) > maxEdges {
		return false
	}
	each := present / float64(len(deciles)+1)
	n, rows := 0, 0.0
	for i, edge := range deciles {
		rows += each
		if i+1 < len(deciles) && deciles[i+1] == edge {
			continue
		}
		label := "to " + short(edge)
		if n > 0 {
			label = short(d.edges[n-1]) + " " + label
		}
		d.edges[n] = edge
		d.bin(label, rows)
		n, rows = n+1, 0
	}
	d.bin("above "+short(d.edges[n-1]), each)
	return true
}

func (d *drift) ofValues(f *model.Feature, counts []model.ValueCount) bool {
	rows := map[float64]float64{}
	last := math.Inf(-1)
	for _, c := range counts {
		if c.Value <= last {
			return false
		}
		last = c.Value
		rows[c.Value] = float64(c.Count)
	}
	d.values = true
	if f.Kind == model.Category {
		if len(f.Categories) > maxEdges {
			return false
		}
		for code, name := range f.Categories {
			d.edges[code] = float64(code)
			d.bin(name, rows[float64(code)])
		}
	} else {
		if len(counts) > maxEdges {
			return false
		}
		for i, c := range counts {
			d.edges[i] = c.Value
			d.bin(short(c.Value), rows[c.Value])
		}
	}
	d.bin("other", 0)
	return true
}

func (d *drift) bin(label string, rows float64) {
	d.reference.Labels = append(d.reference.Labels, label)
	d.reference.Rows = append(d.reference.Rows, rows)
}

// short writes a number with at most six digits.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// find is the bin of a value; a value that has none is in the last. NaN is in
// the first or the last.
func (d *drift) find(v float64) int {
	at := d.edges.below(v)
	if d.values && d.edges[at] != v {
		return len(d.reference.Labels) - 1
	}
	return at
}

// edges are the edges of bins; the last one is always +Inf.
type edges [maxEdges + 1]float64

// below is the number of edges below v, 0 for NaN: a search without branches.
func (e *edges) below(v float64) int {
	at := above(v, e[7]) << 3
	at |= above(v, e[at|3]) << 2
	at |= above(v, e[(at|1)&maxEdges]) << 1
	return at | above(v, e[at&maxEdges])
}

// binOf is find, and one more than the last bin for NaN.
func (d *drift) binOf(v float64) int {
	if math.IsNaN(v) {
		return len(d.reference.Labels)
	}
	return d.find(v)
}

func above(v, edge float64) int {
	if v > edge {
		return 1
	}
	return 0
}

// References are the model's training data in the bins that rows are counted
// by; none for a model file without reference distributions.
func (s *Scorer) References() []status.Reference {
	var all []status.Reference
	for i := range s.drift {
		all = append(all, s.drift[i].reference)
	}
	return all
}
