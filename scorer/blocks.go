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
	incomes incomes

	at   []uint64   // keys of the rows
	keys [][]uint64 // of features, by the block's codes

	outcomes *outcomes // of models with a small grid; nil for others
	known    lists     // what the codes of probabilities and classes stand for

	p       []float64      // probabilities of other models
	scores  ingest.Numbers // of p
	classes classes        // of other models

	probability ingest.NumberColumn
	class       []uint32

	decidedAt     time.Time
	decisionNames []string
	reasonNames   []string
	counts        *counts
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
	if b.outcomes == nil {
		b.classes = newClasses(s)
	}
	b.keys = make([][]uint64, len(s.features))
	b.counts = newCounts(s.drift)
	b.reasonNames = s.reasonNames()
	b.incomes.term = b.incomeTerm
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

// add decides the rows of s.block, adds them to g and counts them. What is
// counted is in the tally after tell.
func (s *blockScorer) add(g *columnar.Group, tally *status.Tally) error {
	if s.block.Rows == 0 {
		return nil
	}
	s.locate()
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
	s.incomes.reset()
	s.scores.Reset()
	s.probability.IsPlain = false
	for i := range s.keys {
		s.keys[i] = s.keys[i][:0]
	}
	s.counts.forget()
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
	s.class = grow(s.class, rows)
	if s.outcomes != nil {
		return s.look(rows)
	}
	s.features(rows)
	s.p = grow(s.p, rows)
	if err := s.scorer.model.Probabilities(s.x, s.p); err != nil {
		return err
	}
	codeNumbers(&s.probability, &s.scores, s.p)
	return s.judge()
}

// look finds the outcomes of the rows of the block.
func (s *blockScorer) look(rows int) error {
	pages, class := s.outcomes.pages, s.class
	s.probability.Codes = grow(s.probability.Codes, rows)
	codes := s.probability.Codes
	for row, key := range s.at {
		place := int(key & placeMask)
		if place >= s.outcomes.size {
			return s.rowError(row, errUnscored)
		}
		p := pages[place/pagePlaces].Load()
		if p == nil {
			p = s.outcomes.page(place / pagePlaces)
		}
		of := p.outcome(place)
		if of.class == 0 {
			var err error
			if of, err = s.find(row, place); err != nil {
				return err
			}
		}
		codes[row], class[row] = of.probability, of.class
	}
	s.known = *s.outcomes.lists.Load()
	s.probability.Values = s.known.probabilities
	return nil
}

// find works out the outcome of a row that is not known with its page.
func (s *blockScorer) find(row, place int) (outcome, error) {
	var buf [maxOutcomeFeatures]float64
	x, missing := buf[:len(s.columns)], uint64(0)
	for i := range s.columns {
		if x[i] = s.columns[i].row(row); math.IsNaN(x[i]) {
			missing |= 1 << i
		}
	}
	of, err := s.outcomes.find(place, x, missing)
	if err != nil {
		return of, s.rowError(row, err)
	}
	return of, nil
}

// probabilityOf is that of a row.
func (s *blockScorer) probabilityOf(row int) float64 {
	if s.outcomes == nil {
		return s.p[row]
	}
	return s.probability.Values[s.probability.Codes[row]]
}

// decisionOf is the code of a row's decision.
func (s *blockScorer) decisionOf(row int) uint32 { return s.known.decisions[s.class[row]] }

// judge makes classes of probabilities.
func (s *blockScorer) judge() error {
	width := len(s.columns)
	for row, p := range s.p {
		if math.IsNaN(p) {
			return s.rowError(row, errUnscored)
		}
		of := s.scorer.judged(p, s.missing[row])
		if err := s.scorer.explain(&of, s.x[row*width:(row+1)*width]); err != nil {
			return s.rowError(row, err)
		}
		s.class[row] = s.classes.code(of)
	}
	s.known.classList = s.classes.list
	return nil
}

func (s *blockScorer) rowError(row int, err error) error {
	return fmt.Errorf("row at byte %d: %w", s.block.Offsets[row], err)
}

// errUnscored is a mistake of ours: the reader of blocks accepts only rows that
// the model can score.
var errUnscored = errors.New("the model gives no probability for a row that was accepted")

// explain gives a class the reasons for x, unless it is approved.
func (s *Scorer) explain(c *class, x []float64) error {
	if c.decision == codeApproved || s.reasons == nil {
		return nil
	}
	order, n, err := s.reasons.explainer.Adverse(x)
	if err != nil {
		return fmt.Errorf("reasons: %w", err)
	}
	var features explain.Order
	for i, feature := range order[:n] {
		features[i] = uint16(feature + 1)
	}
	c.give(features)
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
	writeNumbers(g, at, &s.incomes.column)
	if s.outcomes != nil {
		g.Numbers(at+1, s.probability.Codes, s.probability.Values)
	} else {
		writeNumbers(g, at+1, &s.probability)
	}
	g.TextsOf(at+2, s.class, s.known.decisions, s.decisionNames)
	for i := range s.known.reasons {
		g.TextsOf(at+3+i, s.class, s.known.reasons[i], s.reasonNames)
	}
	at += 3 + explain.MaxReasons
	g.TextsOf(at, s.class, s.known.imputed, s.known.imputedNames)
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
