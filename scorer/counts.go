package scorer

import (
	"slices"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// A key says of a row all that is looked up and counted. It is a sum with a
// term for each feature, which is in a table by the code of the feature's value:
//
//	bits  0-23  place of its outcome, of models with a small grid
//	     24-37  bins of features with a reference distribution, together
//	     40-42  number of its Property_Area
const (
	placeMask = 1<<binsShift - 1
	binsShift = 24
	binsMask  = maxBins - 1
	areaShift = 40

	_ = uint(placeMask - maxPlaces - maxOutcomeFeatures*unplaced)
	_ = uint(1<<(areaShift-binsShift) - maxBins)
)

// Bounds of what is counted. There are three areas, and a model could not score
// another. Distributions beyond maxBins together are counted by themselves.
const (
	areaBits = 3
	maxAreas = 1 << areaBits
	maxBins  = 1 << 14
)

// counts are the rows of a reader of blocks, counted by combinations of what the
// tally tells apart: one number goes up where a row has several bins.
type counts struct {
	strides []uint64              // of Scorer.drift in bins; 0: counted by itself
	size    int                   // of bins
	bins    [maxBins]uint32       // by the bins of a key
	alone   [][maxEdges + 2]int64 // by the bins of a distribution
	binsOf  [][]uint8             // of those, by the block's codes
	classes []uint32              // by class << areaBits + area

	areaNames []string // canonical, by number; 0: none
	areaOf    []uint64 // what an area adds to a key, by the block's codes
}

func newCounts(all []drift) *counts {
	c := &counts{size: 1, strides: make([]uint64, len(all)), areaNames: []string{""}}
	c.alone, c.binsOf = make([][maxEdges + 2]int64, len(all)), make([][]uint8, len(all))
	for i := range all {
		if n := c.size * (len(all[i].reference.Labels) + 1); n <= maxBins {
			c.strides[i] = uint64(c.size)
			c.size = n
		}
	}
	return c
}

// forget forgets what codes meant to an earlier reader of blocks.
func (c *counts) forget() {
	c.areaOf = c.areaOf[:0]
	for i := range c.binsOf {
		c.binsOf[i] = c.binsOf[i][:0]
	}
}

// locate binds the columns of the block and makes the keys of its rows.
func (s *blockScorer) locate() {
	rows := s.block.Rows
	s.at = grow(s.at, rows)
	totalled := s.incomes.total(&s.block, s.at)
	if !totalled {
		clear(s.at)
	}
	s.bind(&s.block, &s.incomes.column)
	hasArea := false
	for i := range s.columns {
		f := &s.scorer.features[i]
		isArea := f.column == ingest.PropertyArea
		if !f.total || !totalled {
			s.addKeys(i, isArea)
		}
		hasArea = hasArea || isArea
	}
	if c := &s.block.Texts[ingest.PropertyArea]; !hasArea && !c.IsRaw && len(c.Codes) >= rows {
		addByCode(s.at, c.Codes, s.areaKeys())
	}
}

// incomeTerm is the term of a total income, or NaN.
func (s *blockScorer) incomeTerm(v float64) uint64 {
	term := uint64(0)
	for i := range s.scorer.features {
		if s.scorer.features[i].total {
			term += s.key(i, v)
		}
	}
	return term
}

// addKeys adds the terms of feature i.
func (s *blockScorer) addKeys(i int, isArea bool) {
	c := &s.columns[i]
	if c.plain != nil {
		for row, v := range c.plain {
			s.at[row] += s.key(i, v)
		}
		return
	}
	keys := s.keys[i]
	if len(keys) < len(c.values) {
		var areas []uint64
		if isArea {
			areas = s.areaKeys()
		}
		for n := len(keys); n < len(c.values); n++ {
			key := s.key(i, c.values[n])
			if n < len(areas) {
				key += areas[n]
			}
			keys = append(keys, key)
		}
		s.keys[i] = keys
	}
	addByCode(s.at, c.codes, keys)
}

func addByCode(at []uint64, codes []uint32, keys []uint64) {
	for row, code := range codes[:len(at)] {
		at[row] += keys[code]
	}
}

// key is the term of a value of feature i, or NaN.
func (s *blockScorer) key(i int, v float64) uint64 {
	key := uint64(0)
	if s.outcomes != nil {
		key = s.outcomes.place(i, v)
	}
	for n := range s.scorer.drift {
		if d := &s.scorer.drift[n]; d.feature == i {
			key += uint64(d.binOf(v)) * s.counts.strides[n] << binsShift
		}
	}
	return key
}

// areaKeys are the terms of areas by the block's codes.
func (s *blockScorer) areaKeys() []uint64 {
	c, names := s.counts, s.block.Texts[ingest.PropertyArea].Names
	for n := len(c.areaOf); n < len(names); n++ {
		c.areaOf = append(c.areaOf, c.areaNumber(names[n])<<areaShift)
	}
	return c.areaOf
}

// areaNumber is the place of an area in areaNames; 0 of none, or of one beyond
// maxAreas.
func (c *counts) areaNumber(text string) uint64 {
	if text == "" {
		return 0
	}
	name := ingest.Category(ingest.PropertyArea, []byte(text))
	for i, known := range c.areaNames {
		if known == name {
			return uint64(i)
		}
	}
	if len(c.areaNames) == maxAreas {
		return 0
	}
	c.areaNames = append(c.areaNames, name)
	return uint64(len(c.areaNames) - 1)
}

// count counts the rows of the block.
func (s *blockScorer) count(tally *status.Tally) {
	tally.Rows += int64(s.block.Rows)
	c := s.counts
	if n := len(s.known.decisions)<<areaBits - len(c.classes); n > 0 {
		c.classes = append(c.classes, make([]uint32, n)...)
	}
	classes, class := c.classes, s.class[:len(s.at)]
	for row, key := range s.at {
		c.bins[key>>binsShift&binsMask]++
		classes[class[row]<<areaBits+uint32(key>>areaShift)]++
	}
	for i, stride := range c.strides {
		if stride == 0 {
			s.countAlone(i)
		}
	}
	s.countRawAreas(tally)
}

// countAlone counts the values of a feature with a distribution for itself.
func (s *blockScorer) countAlone(i int) {
	d, n := &s.scorer.drift[i], &s.counts.alone[i]
	c := &s.columns[d.feature]
	if c.plain != nil {
		for _, v := range c.plain {
			n[d.binOf(v)]++
		}
		return
	}
	bins := s.counts.binsOf[i]
	for known := len(bins); known < len(c.values); known++ {
		bins = append(bins, uint8(d.binOf(c.values[known])))
	}
	s.counts.binsOf[i] = bins
	for _, code := range c.codes {
		n[bins[code]]++
	}
}

// countRawAreas counts the rows by Property_Area where its texts have no codes.
func (s *blockScorer) countRawAreas(tally *status.Tally) {
	c := &s.block.Texts[ingest.PropertyArea]
	if !c.IsRaw {
		return
	}
	for row := range s.class {
		if text := c.Raw.Row(row); len(text) > 0 {
			tally.Area(ingest.Category(ingest.PropertyArea, text), s.decisionNames[s.decisionOf(row)], 1)
		}
	}
}

// tell adds what was counted to a tally, and begins anew.
func (s *blockScorer) tell(tally *status.Tally) {
	c, rows := s.counts, int64(0)
	for at, n := range c.classes {
		if n > 0 {
			s.tellClass(tally, at>>areaBits, at&(maxAreas-1), int64(n))
			rows += int64(n)
		}
	}
	if rows > 0 {
		s.tellBins(tally)
	}
	clear(c.classes)
	clear(c.bins[:c.size])
	clear(c.alone)
}

func (s *blockScorer) tellClass(tally *status.Tally, class, area int, rows int64) {
	known := &s.known
	decision := s.decisionNames[known.decisions[class]]
	tally.Decided[decision] += rows
	tally.Histogram[known.bins[class]] += rows
	if code := known.reasons[0][class]; code > 0 {
		tally.Reason(s.reasonNames[code], rows)
	}
	if code := known.imputed[class]; code > 0 {
		tally.Imputed[known.imputedNames[code]] += rows
	}
	if area > 0 {
		tally.Area(s.counts.areaNames[area], decision, rows)
	}
}

// tellBins adds the rows by the bins of each distribution.
func (s *blockScorer) tellBins(tally *status.Tally) {
	c := s.counts
	for i := range s.scorer.drift {
		d, n := &s.scorer.drift[i], c.alone[i]
		bins := len(d.reference.Labels)
		if stride := int(c.strides[i]); stride > 0 {
			for at, rows := range c.bins[:c.size] {
				n[at/stride%(bins+1)] += int64(rows)
			}
		}
		tally.Bins(d.reference.Feature, status.Bins{Missing: n[bins], Rows: slices.Clone(n[:bins])})
	}
}
