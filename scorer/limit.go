package scorer

import (
	"context"
	"fmt"
	"math/bits"
	"net/url"
	"strconv"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// MetaMaxRejects is the user metadata of an upload that bounds its rejected
// rows: a whole number.
const MetaMaxRejects = "loanscorer-max-rejects"

// TooManyRejects ends a file with more rejected rows than were allowed. What
// was scored before that was noticed is kept.
type TooManyRejects struct {
	Limit    int64 // allowed
	Rejected int64 // so far
}

// Error tells both numbers.
func (e *TooManyRejects) Error() string {
	return fmt.Sprintf("%d rows were rejected, %d are allowed", e.Rejected, e.Limit)
}

// tooMany compares a count with a limit, which may be nil.
func tooMany(limit *int64, rejected int64) error {
	if limit == nil || rejected <= *limit {
		return nil
	}
	return &TooManyRejects{Limit: *limit, Rejected: rejected}
}

// maxRejectsIn reads the limit in the metadata of an upload; nil if there is
// none.
func maxRejectsIn(metadata map[string]string) (*int64, error) {
	text := metadata[MetaMaxRejects]
	if text == "" {
		return nil, nil //nolint:nilnil // nil is no limit
	}
	text, err := url.QueryUnescape(text)
	n, err2 := strconv.ParseInt(text, 10, 64)
	if err != nil || err2 != nil || n < 0 {
		return nil, &ingest.FileError{
			Code: ingest.CodeBadOption, Reason: "the metadata of the upload says: " + MetaMaxRejects + " is no whole number",
			Hint: "upload the file again",
		}
	}
	return &n, nil
}

func tooManyRejects(e error) *status.Problem {
	return &status.Problem{
		Title: "too many rows rejected", Code: status.CodeTooManyRejects,
		Detail: e.Error() + "; correct the file, or allow more; the parts that were written are listed",
	}
}

// endEarly fails an unfinished batch whose first chunks have more rejects than
// it allows. Entries are read when there are 1, 2, 4, 8 and so on, so that a
// batch of n chunks costs 2n reads. Only the chunks from the first one on are
// counted as far as each began where the one before stopped: a wrong guess
// makes rejects of good rows.
func (b *Bulk) endEarly(ctx context.Context, plan *status.Batch) error {
	if plan.MaxRejects == nil {
		return nil
	}
	have, err := b.entryKeys(ctx, plan.ID)
	if err != nil || bits.OnesCount(uint(len(have))) != 1 {
		return err
	}
	n := 0
	for have[status.LedgerKey(plan.ID, n)] {
		n++
	}
	begun := *plan
	begun.Chunks = n
	entries, err := readEntries(ctx, b.o.Objects, &begun)
	if err != nil {
		return err
	}
	if wrong, _, broken := brokenChain(plan, entries); broken {
		entries = entries[:wrong]
	}
	s := status.NewSummary(plan, status.BatchFailed, b.o.Now())
	for _, e := range entries {
		s.Tally.Add(&e.Tally)
		s.Parts = append(s.Parts, e.Part)
	}
	many := tooMany(plan.MaxRejects, s.Tally.RejectedRows())
	if many == nil {
		return nil
	}
	lines, err := firstLine(plan)
	if err != nil {
		return err
	}
	s.Error, s.Problems = tooManyRejects(many), firstProblems(lines-1, entries)
	return b.writeSummary(ctx, s)
}
