package scorer

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/scorer/columnar"
)

// CheckFile reads a file as ScoreFile would with this scorer, without scoring
// it, and tells which rows would be rejected and why.
func CheckFile(ctx context.Context, s *Scorer, src ingest.Source, o ingest.CheckOptions) (*ingest.Report, error) {
	rules := s.blockOptions(nil)
	o.Accept, o.Required = rules.Accept, rules.Required
	return ingest.Check(ctx, src, o)
}

// How Rate measures: ranges of the file, each twice as long as the one before,
// until there was enough. The last one counts, when tables are made and caches
// are warm.
const (
	rateFirst  = 64 << 10 // bytes of the first range
	rateMost   = 4 << 20
	rateEnough = 200 * time.Millisecond
	rateRows   = 1000 // fewer in the last range tell nothing
)

// Rate measures how many rows of this file one core scores in a second, reasons
// and Parquet included, on some of the first ones; nothing is written. It takes
// about 0.2 s, with slow models up to a second. It is 0 where there are too few
// rows to tell.
func Rate(ctx context.Context, s *Scorer, src ingest.Source, given ingest.Given) (float64, error) {
	text, err := ingest.Open(src, given)
	if err != nil {
		return 0, err
	}
	defer func() { _ = text.Close() }()
	rows := &rowScorer{scorer: s, head: text.Head, decidedAt: time.Unix(0, 0), size: src.Size}
	w, err := rows.worker()
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*rateEnough)
	defer cancel()
	return rows.rate(ctx, ingest.NewScanner(text, text.Head.DataStart, ingest.ScannerOptions{Dialect: text.Head.Dialect}), w)
}

func (s *rowScorer) rate(ctx context.Context, records *ingest.Scanner, w *segmentWorker) (perSecond float64, err error) {
	out := columnar.NewFile(io.Discard, w.group.Schema(), createdBy)
	ignored := &rejectWriter{sink: func(*reject) error { return nil }}
	begun := time.Now()
	for size := int64(rateFirst); time.Since(begun) < rateEnough; size = min(2*size, rateMost) {
		tally, from := status.NewTally(), time.Now()
		end := records.Next() + size
		records.Until(end)
		w.group.Reset()
		err := s.scan(ctx, records, w, &tally, ignored)
		if err == nil {
			err = out.Write(w.group)
		}
		late := errors.Is(err, context.DeadlineExceeded)
		if err != nil && !late {
			return 0, err
		}
		if took := time.Since(from).Seconds(); took > 0 && (late || tally.Rows >= rateRows) {
			perSecond = float64(tally.Rows) / took
		}
		if late || records.Next() < end {
			break
		}
	}
	return perSecond, nil
}
