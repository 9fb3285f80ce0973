package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/loanscorer/loanscorer/internal/lookup"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

// oneResult prints the rows of one Loan_ID as CSV, and says what finding them
// took.
func oneResult(ctx context.Context, s streams, objects *store.Store, id, loanID string) error {
	found, err := lookup.Find(ctx, objects, id, loanID)
	switch {
	case errors.Is(err, lookup.ErrOpen):
		return explain(scorer.ErrOpen, id)
	case errors.Is(err, lookup.ErrNoResults):
		return explain(fmt.Errorf("%s: %w", id, scorer.ErrNoResults), id)
	case errors.Is(err, lookup.ErrNoID):
		return fmt.Errorf("%w; 'loanscorer results %s' prints all rows", err, id)
	case err != nil:
		return err
	}
	_, _ = fmt.Fprintf(s.err, "%s found; read %s bytes in %s requests, opened %d of %d parts\n",
		rowsText(len(found.Matches)), count(found.Bytes), count(found.Reads), found.Opened, found.Parts)
	if found.More {
		_, _ = fmt.Fprintln(s.err, "there are more rows with this Loan_ID")
	}
	if len(found.Matches) == 0 {
		return errors.New("no decided row has that Loan_ID; 'loanscorer results BATCH --rejects' prints the rows that were not scored")
	}
	return writeMatches(s.out, found.Matches)
}

func rowsText(n int) string {
	if n == 1 {
		return "1 row"
	}
	return fmt.Sprintf("%d rows", n)
}

func writeMatches(out io.Writer, matches []lookup.Match) error {
	w := csv.NewWriter(out)
	var cells []string
	for _, name := range matches[0].Names {
		cells = append(cells, scorer.Neutralise(name))
	}
	if err := w.Write(cells); err != nil {
		return err
	}
	for i := range matches {
		cells = cells[:0]
		for _, v := range matches[i].Values {
			cells = append(cells, cellText(v))
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// cellText is a value as 'loanscorer results' prints it.
func cellText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case string:
		return scorer.Neutralise(v)
	default:
		return fmt.Sprint(v)
	}
}
