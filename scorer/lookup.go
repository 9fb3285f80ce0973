package scorer

import (
	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/scorer/columnar"
)

// lookupOf is what a look-up needs of a part; nil if it has no Loan_ID.
func lookupOf(f *columnar.File) *status.PartLookup {
	l := &status.PartLookup{Tail: f.Tail(), Filters: []status.FilterAt{}}
	has := false
	for _, c := range f.Schema().Columns() {
		has = has || c.Name == ingest.LoanID.String()
	}
	if !has {
		return nil
	}
	for _, filter := range f.Filters() {
		if filter.Column == ingest.LoanID.String() {
			at := status.FilterAt{Offset: filter.Offset, Size: filter.Size}
			if p := filter.Pages; p.Pages > 0 {
				at.Pages = &status.PageFiltersAt{Offset: p.Offset, Pages: p.Pages, Blocks: p.Blocks}
			}
			l.Filters = append(l.Filters, at)
		}
	}
	return l
}
