package scorer

import (
	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// Bounds of counting duplicate Loan_IDs. Up to so many different ids the count
// is exact, beyond it a sample of them is counted. A small file is counted in a
// table of up to 8 MiB; in a large one that would cost a tenth of the time of
// scoring, and a table that fits a core's cache costs next to nothing.
const (
	smallFile = 16 << 20 // bytes as the file is stored
	smallIDs  = 1 << 18
	largeIDs  = 1 << 12
	maxSample = 1 << 10 // ids in an entry of the ledger: 16 KiB of JSON
)

// newIDs counts the Loan_IDs of a file that has them; else nil. size is that of
// the file as it is stored, or -1.
func newIDs(head *ingest.Head, size int64) *ingest.IDs {
	switch {
	case !head.Has(ingest.LoanID):
		return nil
	case size >= 0 && size <= smallFile:
		return ingest.NewIDs(smallIDs)
	}
	return ingest.NewIDs(largeIDs)
}

// loanIDs is what the ledger keeps of a chunk's ids.
func loanIDs(ids *ingest.IDs) *status.LoanIDs {
	if ids == nil {
		return nil
	}
	d := ids.Duplicates()
	return &status.LoanIDs{Duplicates: d.Rows, Exact: d.Exact, Sample: ids.Sample(maxSample)}
}

// duplicates adds up the chunks of a batch. That of a single chunk is as exact
// as its own; of several it is estimated from their samples, but at least what
// they have found each, and at most all rows.
func duplicates(entries []*status.Chunk) (*status.Duplicates, error) {
	all := ingest.NewIDs(0)
	var inside, rows int64
	for _, e := range entries {
		switch {
		case e.LoanIDs == nil:
			return nil, nil //nolint:nilnil // nil is a file without ids
		case len(entries) == 1:
			return &status.Duplicates{Rows: e.LoanIDs.Duplicates, Exact: e.LoanIDs.Exact}, nil
		}
		inside += e.LoanIDs.Duplicates
		rows += e.Tally.Rows
		if err := all.MergeSample(e.LoanIDs.Sample); err != nil {
			return nil, err
		}
	}
	d := all.Duplicates()
	return &status.Duplicates{Rows: min(max(d.Rows, inside), rows), Exact: d.Exact}, nil
}
