package scorer

import (
	"errors"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/internal/status"
)

// shadowProof counts the shadow columns of parts again.
type shadowProof struct {
	want     *status.Shadow // nil: there is none
	decided  int            // columns of the part being read
	score    int
	decision int
	shadow   int
	sha      int
	tally    status.ShadowTally
	unscored int64
}

// open finds the columns of a part.
func (p *shadowProof) open(plan *status.Batch, schema *parquet.Schema) error {
	if p.want = plan.Shadow; p.want == nil {
		return nil
	}
	for name, at := range map[string]*int{
		colProbability: &p.score, colDecision: &p.decided, colShadowProbability: &p.shadow, colShadowDecision: &p.decision, colShadowSHA256: &p.sha,
	} {
		leaf, ok := schema.Lookup(name)
		if !ok {
			return errors.New("has no columns of the shadow model that the plan names: was it scored by a version without shadow models?")
		}
		*at = leaf.ColumnIndex
	}
	return nil
}

// row counts one row.
func (p *shadowProof) row(row parquet.Row) error {
	if p.want == nil {
		return nil
	}
	nulls := 0
	for _, at := range []int{p.shadow, p.decision, p.sha} {
		if row[at].IsNull() {
			nulls++
		}
	}
	switch {
	case nulls == 3:
		p.unscored++
		return nil
	case nulls > 0:
		return errors.New("has a row with half of what the shadow model says")
	case string(row[p.sha].ByteArray()) != p.want.Model.SHA256:
		return errors.New("has a row of another shadow model than the plan's")
	}
	score := row[p.shadow].Double()
	if !(score >= 0 && score <= 1) {
		return errors.New("has a probability of the shadow model that is none")
	}
	p.tally.Decide(string(row[p.decided].ByteArray()), string(row[p.decision].ByteArray()), 1)
	p.tally.Compare(score, row[p.score].Double())
	return nil
}

// shadow compares what was counted with the ledger, whose reasons for rows
// without a score cannot be told from the parts.
func (r *Report) shadow(p *proof) {
	found, counted := p.shadow.tally, status.ShadowTally{}
	if p.summary.Tally.Shadow != nil {
		counted = *p.summary.Tally.Shadow
	}
	unscored := counted.UnscoredRows()
	counted.Unscored = nil
	same := found.Equal(&counted) && p.shadow.unscored == unscored &&
		p.summary.Shadow != nil && *p.summary.Shadow == *p.plan.Shadow
	r.check("shadow", same, "%d rows scored by model %.12s, too, %d not", found.Compared(), p.plan.Shadow.Model.SHA256, p.shadow.unscored)
}
