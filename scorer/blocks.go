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
//	records ──ingest.BlockReader──► columns ──► features ──► outcomes ──► columnar.Group
//
// Columns stay columns all the way, and values are codes wherever they repeat:
// what is known of a value is looked up by its code. It is not safe for
// concurrent use, and its memory is used again for every block.
type blockScorer struct {
	blockInputs
	inputs []batchInput
	shadow *shadowScorer // nil: there is none

	block   ingest.Block
	incomes ingest.NumberColumn
	sums    []float64
	totals  ingest.Numbers // of sums

	// Of models with a small grid; nil for others.
	outcomes *outcomes
	places   [][]uint32 // of features, by the block's codes
	at       []uint32   // places of the rows
	found    []uint32   // numbers of outcomes

	p           []float64      // probabilities of other models
	scores      ingest.Numbers // of p
	probability ingest.NumberColumn
	decisions   []uint32 // codes of decisionNames
	bins        []uint8  // of the histogram of probabilities
	reasons     [explain.MaxReasons][]uint32
	imputed     []uint32

	decidedAt     time.Time
	decisionNames []string
	reasonNames   []string
	imputedNames  []string
	imputedCodes  map[uint64]uint32 // by what is missing
	driftBins     [][]uint8         // of Scorer.drift, by the block's codes
	areaNames     []string          // canonical, by number; 0: none
	areaOf        []uint8           // numbers of areas by the block's codes
}

// Codes of decisionNames.
const (
	codeApproved = iota + 1
	codeDeclined
	codeReferred
)

func newBlockScorer(s *Scorer, inputs []batchInput, decidedAt time.Time) *blockScorer {
	b := &blockScorer{blockInputs: newBlockInputs(s), inputs: inputs, outcomes: s.outcomes(), decidedAt: decidedAt, shadow: newShadowScorer(s)}
	b.decisionNames = []string{"", string(model.Approved), string(model.Declined), string(model.Referred)}
	b.imputedNames, b.imputedCodes = []string{""}, map[uint64]uint32{0: 0}
	if b.outcomes != nil {
		b.imputedNames = nil
		for missing := range uint64(1) << len(s.features) {
			b.imputedNames = append(b.imputedNames, s.names(missing))
		}
	}
	b.places, b.driftBins = make([][]uint32, len(s.features)), make([][]uint8, len(s.drift))
	b.reasonNames = s.reasonNames()
	b.areaNames = []string{""}
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
		f := &s.features[i]
		if f.Missing == nil && !s.model.RoutesMissing() {
			o.Required = append(o.Required, f.column)
		}
		if f.Kind == model.Category {
			o.Judged = append(o.Judged, f.column)
		}
	}
	return o
}

// add decides the rows of s.block, adds them to g and counts them.
func (s *blockScorer) add(g *columnar.Group, tally *status.Tally) error {
	if s.block.Rows == 0 {
		return nil
	}
	s.total(s.block.Rows)
	s.bind(&s.block, &s.incomes)
	if err := s.decide(s.block.Rows); err != nil {
		return err
	}
	s.count(tally)
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
	s.totals.Reset()
	s.scores.Reset()
	s.incomes.IsPlain, s.probability.IsPlain = false, false
	for i := range s.places {
		s.places[i] = s.places[i][:0]
	}
	for i := range s.driftBins {
		s.driftBins[i] = s.driftBins[i][:0]
	}
	s.areaOf = s.areaOf[:0]
}

// total fills the incomes: TotalIncome where it is given, else the sum of the
// two incomes, missing when one of them is.
func (s *blockScorer) total(rows int) {
	given := &s.block.Numbers[ingest.TotalIncome]
	a, c := &s.block.Numbers[ingest.ApplicantIncome], &s.block.Numbers[ingest.CoapplicantIncome]
	s.sums = grow(s.sums, rows)
	if a.Has() && c.Has() {
		for row := range s.sums {
			s.sums[row] = a.Rows[row] + c.Rows[row]
		}
	} else {
		for row := range s.sums {
			s.sums[row] = math.NaN()
		}
	}
	for row, v := range given.Rows {
		if !math.IsNaN(v) {
			s.sums[row] = v
		}
	}
	codeNumbers(&s.incomes, &s.totals, s.sums)
}

// codeNumbers makes a column of values, NaN for none: by code until there are
// too many.
func codeNumbers(c *ingest.NumberColumn, n *ingest.Numbers, values []float64) {
	c.Rows = values
	if c.IsPlain = c.IsPlain || n.Crowded(); c.IsPlain {
		return
	}
	c.Codes = n.Codes(c.Codes[:0], values)
	c.Values = n.Values()
}

// decide fills the columns of the decision.
func (s *blockScorer) decide(rows int) error {
	if s.outcomes != nil {
		if err := s.look(rows); err != nil {
			return err
		}
		s.unpack()
		return nil
	}
	s.features(rows)
	s.p = grow(s.p, rows)
	if err := s.scorer.model.Probabilities(s.x, s.p); err != nil {
		return err
	}
	codeNumbers(&s.probability, &s.scores, s.p)
	return s.judge()
}

// probabilityOf is that of a row.
func (s *blockScorer) probabilityOf(row int) float64 {
	if s.outcomes == nil {
		return s.p[row]
	}
	return s.probability.Values[s.probability.Codes[row]]
}

// grow makes the columns of the decision as long as there are rows.
func (s *blockScorer) grow(rows int) {
	s.decisions, s.bins, s.imputed = grow(s.decisions, rows), grow(s.bins, rows), grow(s.imputed, rows)
	for i := range s.reasons {
		s.reasons[i] = grow(s.reasons[i], rows)
	}
}

// judge makes decisions and reasons of probabilities.
func (s *blockScorer) judge() error {
	s.grow(len(s.p))
	width := len(s.columns)
	for i := range s.reasons {
		clear(s.reasons[i])
	}
	for row, p := range s.p {
		if math.IsNaN(p) {
			return s.rowError(row, errUnscored)
		}
		s.decisions[row] = decisionCode(s.scorer.policy.Decide(p))
		s.bins[row] = uint8(status.ScoreBin(p))
		s.imputed[row] = s.imputedCode(s.missing[row])
		if s.decisions[row] != codeApproved {
			codes, err := s.scorer.adverse(s.x[row*width:(row+1)*width], s.missing[row])
			if err != nil {
				return s.rowError(row, err)
			}
			for i, code := range codes {
				s.reasons[i][row] = code
			}
		}
	}
	return nil
}

func (s *blockScorer) imputedCode(missing uint64) uint32 {
	code, ok := s.imputedCodes[missing]
	if !ok {
		code = uint32(len(s.imputedNames))
		s.imputedCodes[missing] = code
		s.imputedNames = append(s.imputedNames, s.scorer.names(missing))
	}
	return code
}

func (s *blockScorer) rowError(row int, err error) error {
	return fmt.Errorf("row at byte %d: %w", s.block.Offsets[row], err)
}

// errUnscored is a mistake of ours: the reader of blocks accepts only rows that
// the model can score.
var errUnscored = errors.New("the model gives no probability for a row that was accepted")

// adverse are the codes of the reasons for a row that was not approved, 0 for
// none.
func (s *Scorer) adverse(x []float64, missing uint64) (codes [explain.MaxReasons]uint32, err error) {
	if s.reasons == nil {
		return codes, nil
	}
	order, n, err := s.reasons.explainer.Adverse(x)
	if err != nil {
		return codes, fmt.Errorf("reasons: %w", err)
	}
	for i, feature := range order[:n] {
		codes[i] = reasonCode(feature, missing>>feature&1 != 0)
	}
	return codes, nil
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

// write adds the block to the row group, in the order of batchColumns.
func (s *blockScorer) write(g *columnar.Group) {
	b, at, extra := &s.block, 0, 0
	for _, in := range s.inputs {
		switch {
		case !in.known:
			g.Bytes(at, b.Extras[extra].Data, b.Extras[extra].Ends)
			extra++
		case in.column.Numeric():
			writeNumbers(g, at, &b.Numbers[in.column])
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
	rows := s.block.Rows
	writeNumbers(g, at, &s.incomes)
	if s.outcomes != nil {
		g.Numbers(at+1, s.probability.Codes, s.probability.Values)
	} else {
		writeNumbers(g, at+1, &s.probability)
	}
	g.Texts(at+2, s.decisions, s.decisionNames)
	for i := range s.reasons {
		g.Texts(at+3+i, s.reasons[i], s.reasonNames)
	}
	at += 3 + explain.MaxReasons
	g.Texts(at, s.imputed, s.imputedNames)
	g.RepeatText(at+1, s.scorer.model.SHA256(), rows)
	g.RepeatInt(at+2, s.decidedAt.UnixMicro(), rows)
	if s.shadow != nil {
		s.shadow.write(g, at+3, s.decisionNames)
	}
}

func writeNumbers(g *columnar.Group, at int, c *ingest.NumberColumn) {
	if c.IsPlain {
		g.Doubles(at, c.Rows)
		return
	}
	g.Dense(at, c.Codes, c.Values)
}

// grow returns s with n elements of any value.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, ingest.BlockRows))
	}
	return s[:n]
}
