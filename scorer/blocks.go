package scorer

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
	"github.com/loanscorer/loanscorer/scorer/columnar"
)

// blockScorer decides blocks of rows and adds them to a row group:
//
//	records ──ingest.BlockReader──► columns ──► features ──► probabilities ──► decisions, reasons ──► columnar.Group
//
// Columns stay columns all the way. It is not safe for concurrent use, and its
// memory is used again for every block.
type blockScorer struct {
	blockInputs
	inputs []batchInput
	shadow *shadowScorer // nil: there is none

	block       ingest.Block
	probability []float64
	decisions   []uint32 // codes of decisionNames
	reasons     [explain.MaxReasons][]uint32
	incomes     []float64
	hasIncome   []uint8
	imputed     []uint32

	ones          []uint32 // the code of a column with one text
	times         []int64
	modelNames    []string
	decisionNames []string
	reasonNames   []string
	imputedNames  []string
	imputedCodes  map[uint64]uint32 // by what is missing
	firstReasons  []int64           // rows by the code of their first reason
	imputedRows   []int64           // by code
	areaNames     []string          // canonical, by number; 0: none
	areaOf        []uint8           // numbers of areas by the block's codes
}

// blockInputs are the features of one model for the rows of a block.
type blockInputs struct {
	scorer     *Scorer
	x          []float64   // features, row by row, as the model fills missing ones
	missing    []uint64    // features that are missing, a bit each
	categories [][]float64 // of text features: the model's code by the block's
}

func newBlockInputs(s *Scorer) blockInputs {
	return blockInputs{scorer: s, categories: make([][]float64, len(s.features))}
}

// Codes of decisionNames.
const (
	codeApproved = iota + 1
	codeDeclined
	codeReferred
)

func newBlockScorer(s *Scorer, inputs []batchInput, decidedAt time.Time) *blockScorer {
	b := &blockScorer{blockInputs: newBlockInputs(s), inputs: inputs, shadow: newShadowScorer(s)}
	b.modelNames = []string{"", s.model.SHA256()}
	b.decisionNames = []string{"", string(model.Approved), string(model.Declined), string(model.Referred)}
	b.imputedNames, b.imputedCodes = []string{""}, map[uint64]uint32{0: 0}
	b.reasonNames = s.reasonNames()
	b.areaNames = []string{""}
	for range ingest.BlockRows {
		b.ones = append(b.ones, 1)
		b.times = append(b.times, decidedAt.UnixMicro())
	}
	return b
}

// options are how blocks are to be read: every row in them can be scored.
func (s *Scorer) blockOptions(reject func(*ingest.Record, error) error) ingest.BlockOptions {
	o := ingest.BlockOptions{Reject: reject, Accept: func(a *ingest.Application) error {
		var x [maxFeatures]float64
		_, err := s.inputs(a, x[:len(s.features)])
		return err
	}}
	for i := range s.features {
		if f := &s.features[i]; f.Missing == nil && !s.model.RoutesMissing() {
			o.Required = append(o.Required, f.column)
		}
	}
	return o
}

// add decides the rows of s.block, adds them to g and counts them.
func (s *blockScorer) add(g *columnar.Group, tally *status.Tally) error {
	rows := s.block.Rows
	if rows == 0 {
		return nil
	}
	s.totals(rows)
	s.features(rows, &s.block, s.incomes, s.hasIncome)
	s.probability = grow(s.probability, rows)
	if err := s.scorer.model.Probabilities(s.x, s.probability); err != nil {
		return err
	}
	if err := s.decide(tally); err != nil {
		return err
	}
	missing := s.impute(tally)
	s.statistics(tally, &missing)
	if s.shadow != nil {
		if err := s.shadow.add(s, tally.WithShadow()); err != nil {
			return err
		}
	}
	s.write(g)
	return nil
}

// start forgets what codes meant to an earlier reader of blocks.
func (s *blockScorer) start() {
	s.forget()
	if s.shadow != nil {
		s.shadow.forget()
	}
	s.areaOf = s.areaOf[:0]
}

func (s *blockInputs) forget() {
	for i := range s.categories {
		s.categories[i] = s.categories[i][:0]
	}
}

// features fills x and missing from the columns of a block and its incomes.
func (s *blockInputs) features(rows int, b *ingest.Block, incomes []float64, hasIncome []uint8) {
	width := len(s.scorer.features)
	s.x, s.missing = grow(s.x, rows*width), grow(s.missing, rows)
	clear(s.missing)
	for i := range s.scorer.features {
		switch f := &s.scorer.features[i]; {
		case f.total:
			s.numbers(i, incomes, hasIncome)
		case f.Kind == model.Number:
			c := &b.Numbers[f.column]
			s.numbers(i, c.Values, c.Present)
		default:
			s.texts(i, &b.Texts[f.column])
		}
	}
}

// numbers fills feature i from a column; one that the file does not have is
// missing in every row.
func (s *blockInputs) numbers(i int, values []float64, present []uint8) {
	width, fill := len(s.scorer.features), s.scorer.features[i].fill()
	for row := range s.missing {
		v := fill
		if row < len(present) && present[row] != 0 {
			v = values[row]
		} else {
			s.missing[row] |= 1 << i
		}
		s.x[row*width+i] = v
	}
}

// texts fills feature i with the model's codes of a column's texts.
func (s *blockInputs) texts(i int, c *ingest.TextColumn) {
	width, fill := len(s.scorer.features), s.scorer.features[i].fill()
	for row := range s.missing {
		v := s.category(i, c, row)
		if math.IsNaN(v) {
			s.missing[row] |= 1 << i
			v = fill
		}
		s.x[row*width+i] = v
	}
}

// fill is what the model sees in place of a missing value: NaN where its trees
// route it.
func (f *feature) fill() float64 {
	if f.Missing == nil {
		return math.NaN()
	}
	return f.Missing.Value
}

// category is the model's code of a row's text, NaN if it is missing.
func (s *blockInputs) category(i int, c *ingest.TextColumn, row int) float64 {
	f := &s.scorer.features[i]
	if c.IsRaw {
		if text := c.Raw.Row(row); len(text) > 0 {
			code, _ := f.Code(ingest.Category(f.column, text))
			return code
		}
		return math.NaN()
	}
	if row >= len(c.Codes) || c.Codes[row] == 0 {
		return math.NaN()
	}
	for n := len(s.categories[i]); n < len(c.Names); n++ {
		code, _ := f.Code(ingest.Category(f.column, []byte(c.Names[n])))
		s.categories[i] = append(s.categories[i], code)
	}
	return s.categories[i][c.Codes[row]]
}

// totals fills the incomes.
func (s *blockScorer) totals(rows int) {
	s.incomes, s.hasIncome = grow(s.incomes, rows), grow(s.hasIncome, rows)
	for row := range rows {
		v, ok := s.block.TotalIncome(row)
		s.incomes[row], s.hasIncome[row] = v, 0
		if ok {
			s.hasIncome[row] = 1
		}
	}
}

// decide makes decisions and reasons of the probabilities.
func (s *blockScorer) decide(tally *status.Tally) error {
	rows, width := len(s.probability), len(s.scorer.features)
	s.decisions = grow(s.decisions, rows)
	for i := range s.reasons {
		s.reasons[i] = grow(s.reasons[i], rows)
		clear(s.reasons[i])
	}
	var counts [codeReferred + 1]int64
	s.firstReasons = grow(s.firstReasons, len(s.reasonNames))
	clear(s.firstReasons)
	for row, p := range s.probability {
		code := uint32(codeApproved)
		switch s.scorer.policy.Decide(p) {
		case model.Approved:
		case model.Declined:
			code = codeDeclined
		default:
			code = codeReferred
		}
		if math.IsNaN(p) {
			return fmt.Errorf("row at byte %d: %w", s.block.Offsets[row], errUnscored)
		}
		s.decisions[row] = code
		counts[code]++
		tally.Histogram[min(int(p*status.ScoreBins), status.ScoreBins-1)]++
		if code != codeApproved {
			if err := s.explain(row, s.x[row*width:(row+1)*width]); err != nil {
				return err
			}
			s.firstReasons[s.reasons[0][row]]++
		}
	}
	tally.Rows += int64(rows)
	for code, n := range counts {
		if n > 0 {
			tally.Decided[s.decisionNames[code]] += n
		}
	}
	for code, n := range s.firstReasons {
		if n > 0 && code > 0 {
			tally.Reason(s.reasonNames[code], n)
		}
	}
	return nil
}

// errUnscored is a mistake of ours: the reader of blocks accepts only rows that
// the model can score.
var errUnscored = errors.New("the model gives no probability for a row that was accepted")

// explain fills the reasons of one row.
func (s *blockScorer) explain(row int, x []float64) error {
	if s.scorer.reasons == nil {
		return nil
	}
	order, n, err := s.scorer.reasons.explainer.Adverse(x)
	if err != nil {
		return fmt.Errorf("reasons of the row at byte %d: %w", s.block.Offsets[row], err)
	}
	for i, feature := range order[:n] {
		s.reasons[i][row] = reasonCode(feature, s.missing[row]>>feature&1 != 0)
	}
	return nil
}

// reasonCode is the code of reasonNames: two a feature, the second for a
// missing value.
func reasonCode(feature int, missing bool) uint32 {
	code := uint32(1 + 2*feature)
	if missing {
		code++
	}
	return code
}

// reasonNames are the texts of the reason columns by code.
func (s *Scorer) reasonNames() []string {
	names := []string{""}
	if s.reasons == nil {
		return names
	}
	for i := range s.features {
		names = append(names, s.reasons.explainer.Code(i, false), s.reasons.explainer.Code(i, true))
	}
	return names
}

// impute fills the codes of what was missing, counts, and returns the rows
// without a value by feature.
func (s *blockScorer) impute(tally *status.Tally) (missing [maxFeatures]int64) {
	s.imputed = grow(s.imputed, len(s.missing))
	clear(s.imputedRows)
	for row, mask := range s.missing {
		if mask == 0 {
			s.imputed[row] = 0
			continue
		}
		code, ok := s.imputedCodes[mask]
		if !ok {
			code = uint32(len(s.imputedNames))
			s.imputedCodes[mask] = code
			s.imputedNames = append(s.imputedNames, s.scorer.names(mask))
		}
		for len(s.imputedRows) <= int(code) {
			s.imputedRows = append(s.imputedRows, 0)
		}
		s.imputed[row] = code
		s.imputedRows[code]++
	}
	for mask, code := range s.imputedCodes {
		if int(code) >= len(s.imputedRows) || s.imputedRows[code] == 0 {
			continue
		}
		tally.Imputed[s.imputedNames[code]] += s.imputedRows[code]
		for i := range s.scorer.features {
			missing[i] += int64(mask>>i&1) * s.imputedRows[code]
		}
	}
	return missing
}

// write adds the block to the row group, in the order of batchColumns.
func (s *blockScorer) write(g *columnar.Group) {
	b, at, extra := &s.block, 0, 0
	for _, in := range s.inputs {
		switch {
		case !in.known:
			g.Bytes(at, b.Extras[extra].Data, b.Extras[extra].Ends)
			extra++
		case in.column.Numeric():
			c := &b.Numbers[in.column]
			g.Doubles(at, c.Values, levels(c.Present, c.Missing))
		case b.Texts[in.column].IsRaw:
			g.Bytes(at, b.Texts[in.column].Raw.Data, b.Texts[in.column].Raw.Ends)
		default:
			g.Texts(at, b.Texts[in.column].Codes, b.Texts[in.column].Names)
		}
		at++
	}
	g.Ints(at, b.Offsets)
	s.writeDecision(g, at+1)
}

// writeDecision adds the columns of decisionColumns and shadowColumns.
func (s *blockScorer) writeDecision(g *columnar.Group, at int) {
	rows := len(s.probability)
	g.Doubles(at, s.incomes, s.hasIncome)
	g.Doubles(at+1, s.probability, nil)
	g.Texts(at+2, s.decisions, s.decisionNames)
	for i := range s.reasons {
		g.Texts(at+3+i, s.reasons[i], s.reasonNames)
	}
	at += 3 + explain.MaxReasons
	g.Texts(at, s.imputed, s.imputedNames)
	g.Texts(at+1, s.ones[:rows], s.modelNames)
	g.Ints(at+2, s.times[:rows])
	if s.shadow != nil {
		s.shadow.write(g, at+3, s.decisionNames)
	}
}

// levels are the definition levels of a column, nil if nothing is missing.
func levels(present []uint8, missing int) []uint8 {
	if missing == 0 {
		return nil
	}
	return present
}

// grow returns s with n elements of any value.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, ingest.BlockRows))
	}
	return s[:n]
}
