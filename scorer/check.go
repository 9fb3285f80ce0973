package scorer

import (
	"context"

	"github.com/loanscorer/loanscorer/ingest"
)

// CheckFile reads a file as ScoreFile would with this scorer, without scoring
// it, and tells which rows would be rejected and why.
func CheckFile(ctx context.Context, s *Scorer, src ingest.Source, o ingest.CheckOptions) (*ingest.Report, error) {
	rules := s.blockOptions(nil)
	o.Accept, o.Required = rules.Accept, rules.Required
	return ingest.Check(ctx, src, o)
}
