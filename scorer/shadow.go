package scorer

import (
	"errors"
	"math"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/scorer/columnar"
)

// The columns of a shadow model, after the decision. All are null in a row that
// it cannot score.
const (
	colShadowProbability = "shadow_probability"
	colShadowDecision    = "shadow_decision"
	colShadowSHA256      = "shadow_model_sha256"
)

func shadowColumns() []column {
	return []column{
		{name: colShadowProbability, node: parquet.Optional(parquet.Leaf(parquet.DoubleType))},
		{name: colShadowDecision, node: parquet.Optional(dictionary(parquet.String()))},
		{name: colShadowSHA256, node: parquet.Optional(dictionary(parquet.String()))},
	}
}

// Shadow names the shadow model and its cut-offs, as a plan pins them; nil
// without one.
func (s *Scorer) Shadow() *status.Shadow {
	if s.shadow == nil {
		return nil
	}
	return &status.Shadow{Model: s.shadow.ModelRef(), Policy: s.shadow.Policy()}
}

// shadowScorer puts a second model's probability and decision beside those of a
// blockScorer. It reads the same block and changes nothing of what the
// blockScorer decided.
type shadowScorer struct {
	blockInputs
	probability []float64           // NaN: cannot be scored
	codes       ingest.Numbers      // of probabilities
	column      ingest.NumberColumn // of probabilities
	decisions   []uint32            // codes of blockScorer.decisionNames; 0: none
	ones        []uint32            // 1 where there is a probability
	modelNames  []string
}

// newShadowScorer returns nil for a scorer without a shadow.
func newShadowScorer(s *Scorer) *shadowScorer {
	if s.shadow == nil {
		return nil
	}
	return &shadowScorer{blockInputs: newBlockInputs(s.shadow), modelNames: []string{"", s.shadow.model.SHA256()}}
}

// forget forgets what codes meant to an earlier reader of blocks.
func (s *shadowScorer) forget() {
	s.blockInputs.forget()
	s.codes.Reset()
	s.column.IsPlain = false
}

// add scores the block that b has decided.
func (s *shadowScorer) add(b *blockScorer, tally *status.ShadowTally) error {
	rows := b.block.Rows
	s.bind(&b.block, &b.incomes.column)
	s.features(rows)
	s.probability = grow(s.probability, rows)
	if err := s.scorer.model.Probabilities(s.x, s.probability); err != nil {
		return err
	}
	s.refuseUnknown()
	s.decisions, s.ones = grow(s.decisions, rows), grow(s.ones, rows)
	var counts [codeReferred + 1][codeReferred + 1]int64
	for row, p := range s.probability {
		if math.IsNaN(p) {
			s.decisions[row], s.ones[row] = 0, 0
			if err := s.unscored(row, tally); err != nil {
				return err
			}
			continue
		}
		code := decisionCode(s.scorer.policy.Decide(p))
		s.decisions[row], s.ones[row] = code, 1
		counts[b.decisionOf(row)][code]++
		tally.Compare(p, b.probabilityOf(row))
	}
	for decision := range counts {
		for shadow, n := range counts[decision] {
			if n > 0 {
				tally.Decide(b.decisionNames[decision], b.decisionNames[shadow], n)
			}
		}
	}
	return nil
}

func decisionCode(d model.Decision) uint32 {
	switch d {
	case model.Approved:
		return codeApproved
	case model.Declined:
		return codeDeclined
	default:
		return codeReferred
	}
}

// refuseUnknown takes the probability from rows with a category that the model
// does not know. A code in x is never negative but for those.
func (s *shadowScorer) refuseUnknown() {
	width := len(s.scorer.features)
	for i := range s.scorer.features {
		if s.scorer.features[i].Kind != model.Category {
			continue
		}
		for row := range s.probability {
			if s.x[row*width+i] < 0 {
				s.probability[row] = math.NaN()
			}
		}
	}
}

// unscored counts a row by what it would be rejected for if this model decided.
func (s *shadowScorer) unscored(row int, tally *status.ShadowTally) error {
	width := len(s.scorer.features)
	x := s.x[row*width : (row+1)*width]
	for i := range s.scorer.features {
		if f := &s.scorer.features[i]; f.Kind == model.Category && x[i] < 0 {
			tally.Unscore(ingest.CodeUnknownCategory, f.Name, 1)
			return nil
		}
	}
	var buf [maxFeatures]float64
	_, err := s.scorer.model.Rounded(buf[:0], x)
	var why *model.ValueError
	if !errors.As(err, &why) {
		return errors.Join(errUnscored, err)
	}
	tally.Unscore(why.Code, why.Feature, 1)
	return nil
}

// write adds the columns of shadowColumns.
func (s *shadowScorer) write(g *columnar.Group, at int, decisionNames []string) {
	codeNumbers(&s.column, &s.codes, s.probability)
	writeNumbers(g, at, &s.column)
	g.Texts(at+1, s.decisions, decisionNames)
	g.Texts(at+2, s.ones, s.modelNames)
}
