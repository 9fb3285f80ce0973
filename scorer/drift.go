package scorer

import (
	"math"
	"slices"
	"strconv"

	"github.com/loanscorer/loanscorer/ingest"
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

// missingBin is the bin of no value, beyond all others.
const missingBin = maxEdges + 1

// binOf is find, and missingBin of NaN.
func (d *drift) binOf(v float64) uint8 {
	if math.IsNaN(v) {
		return missingBin
	}
	return uint8(d.find(v))
}

// count counts the values of a feature. bins are those of its values by code;
// what is missing of them is added.
func (d *drift) count(c *inputColumn, bins []uint8) (status.Bins, []uint8) {
	var n [2 * (maxEdges + 1)]int64
	if c.plain != nil {
		for _, v := range c.plain {
			n[d.binOf(v)]++
		}
	} else {
		for known := len(bins); known < len(c.values); known++ {
			bins = append(bins, d.binOf(c.values[known]))
		}
		for _, code := range c.codes {
			n[bins[code]%uint8(len(n))]++
		}
	}
	return status.Bins{Missing: n[missingBin], Rows: slices.Clone(n[:len(d.reference.Labels)])}, bins
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

// count counts the rows of the block by their outcome.
func (s *blockScorer) count(tally *status.Tally) {
	tally.Rows += int64(s.block.Rows)
	for _, bin := range s.bins {
		tally.Histogram[bin]++
	}
	countCodes(s.decisions, s.decisionNames, func(decision string, n int64) { tally.Decided[decision] += n })
	countCodes(s.reasons[0], s.reasonNames, tally.Reason)
	countCodes(s.imputed, s.imputedNames, func(names string, n int64) { tally.Imputed[names] += n })
	for i := range s.scorer.drift {
		d := &s.scorer.drift[i]
		var bins status.Bins
		bins, s.driftBins[i] = d.count(&s.columns[d.feature], s.driftBins[i])
		tally.Bins(d.reference.Feature, bins)
	}
	s.areas(tally)
}

// countCodes tells how many rows have each name; code 0 is none.
func countCodes(codes []uint32, names []string, add func(name string, n int64)) {
	var few [1 << maxOutcomeFeatures]int64
	counts := few[:]
	if len(names) > len(few) {
		counts = make([]int64, len(names))
	}
	for _, code := range codes {
		counts[code]++
	}
	for code, name := range names {
		if n := counts[code]; n > 0 && code > 0 {
			add(name, n)
		}
	}
}

// maxAreas bounds what is counted by area; there are three, and a model could
// not score another.
const maxAreas = 8

// areas counts the rows by Property_Area and decision.
func (s *blockScorer) areas(tally *status.Tally) {
	c := &s.block.Texts[ingest.PropertyArea]
	var counts [maxAreas][codeReferred + 1]int64
	if c.IsRaw {
		for row, decision := range s.decisions {
			if text := c.Raw.Row(row); len(text) > 0 {
				tally.Area(ingest.Category(ingest.PropertyArea, text), s.decisionNames[decision], 1)
			}
		}
		return
	}
	if len(c.Codes) < len(s.decisions) {
		return
	}
	for n := len(s.areaOf); n < len(c.Names); n++ {
		s.areaOf = append(s.areaOf, s.areaNumber(c.Names[n]))
	}
	for row, decision := range s.decisions {
		counts[s.areaOf[c.Codes[row]]&(maxAreas-1)][decision]++
	}
	for area, name := range s.areaNames {
		for decision, n := range counts[area] {
			if n > 0 && name != "" {
				tally.Area(name, s.decisionNames[decision], n)
			}
		}
	}
}

// areaNumber is the place of an area in areaNames; 0 of none, or of one beyond
// maxAreas.
func (s *blockScorer) areaNumber(text string) uint8 {
	if text == "" {
		return 0
	}
	name := ingest.Category(ingest.PropertyArea, []byte(text))
	for i, known := range s.areaNames {
		if known == name {
			return uint8(i)
		}
	}
	if len(s.areaNames) == maxAreas {
		return 0
	}
	s.areaNames = append(s.areaNames, name)
	return uint8(len(s.areaNames) - 1)
}
