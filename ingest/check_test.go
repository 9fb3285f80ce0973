package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func checked(t *testing.T, file string, o CheckOptions) *Report {
	t.Helper()
	r, err := Check(t.Context(), sourceOf(file), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// failure 45, failure 46, failure 54: a check finds the rows that would be rejected, and no others.
func TestCheck(t *testing.T) {
	t.Parallel()
	good := "TotalIncome,LoanAmount,Credit_History,Property_Area,Loan_ID\n"
	var file strings.Builder
	file.WriteString(good)
	for i := range 10_000 {
		area := "Urban"
		if i%100 == 7 {
			area = "Nowhere"
		}
		fmt.Fprintf(&file, "%d,128,1,%s,LP%d\n", 1000+i, area, i%9000)
	}
	want := &Report{
		OK: true, Rows: 10_000, Rejected: 100, RejectedCodes: map[string]int64{CodeUnknownCategory: 100},
		Duplicates: Duplicates{Rows: 990, Exact: true}, Complete: true, Bytes: int64(file.Len()), RowsEstimate: 10_000, Seconds: 10_000.0 / RowsPerSecond, RowsPerSecond: RowsPerSecond,
		Dialect: &Dialect{Encoding: EncodingUTF8, Delimiter: ",", Decimal: ".", Newline: NewlineLF},
	}
	for name, text := range map[string]string{"plain": file.String(), PackingGzip: gzipped(t, file.String())} {
		got := checked(t, text, CheckOptions{})
		if len(got.Columns) != 5 || len(got.Problems) != MaxProblems || got.Problems[1].Line != 109 || got.Problems[1].Column != "Property_Area" {
			t.Errorf("%s: columns %v, problems %v", name, got.Columns, got.Problems)
		}
		got.Columns, got.Problems, got.Dialect.Packing = nil, nil, ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	if r := checked(t, "TotalIncome,Loan_Amnt\n", CheckOptions{}); r.OK || r.Refused == nil || r.Refused.Code != CodeMissingColumns {
		t.Errorf("%+v", r)
	} else if diff := cmp.Diff([]MissingColumn{{"LoanAmount", "Loan_Amnt"}, {"Credit_History", ""}, {"Property_Area", ""}}, r.Refused.Missing); diff != "" {
		t.Error(diff)
	}
	gz := gzipped(t, file.String())
	if r := checked(t, gz[:len(gz)-9], CheckOptions{}); r.OK || r.Refused == nil || r.Refused.Code != CodeTruncated || r.Rows == 0 || r.Complete {
		t.Errorf("cut off: %+v", r.Refused)
	}
	refuseAll := func(*Application) error { return &RowError{Code: CodeMissingValue, Reason: "r"} }
	if r := checked(t, good+"1,2,1,Urban,\n", CheckOptions{Accept: refuseAll}); r.Rejected != 1 {
		t.Errorf("Accept is not asked: %+v", r)
	}
}

// The start of a file is checked without what its end cuts off.
func TestCheckPartial(t *testing.T) {
	t.Parallel()
	whole := syntheticFile(5000)
	for name, c := range map[string]struct {
		part string
		rows int64
	}{
		"plain":                {whole[:len(whole)/2+7], 1000},
		"smaller than a row":   {whole[:len(header)+20], 0},
		"gzip":                 {gzipped(t, whole)[:40_000], 1000},
		"cut in quotes":        {quoteAll(whole)[:200_003], 1000},
		"cut after many lines": {whole[:100_000] + "\"" + strings.Repeat("x\n", 10_000), 800},
	} {
		r := checked(t, c.part, CheckOptions{Partial: true, Size: int64(len(whole))})
		if !r.OK || r.Rejected > 0 || r.Rows < c.rows || r.Complete {
			t.Errorf("%s: %+v", name, r)
		}
		if c.rows > 0 && (name == "plain" || name == PackingGzip) && (r.RowsEstimate < 3000 || r.RowsEstimate > 7000 && name == "plain") {
			t.Errorf("%s: %d rows are estimated", name, r.RowsEstimate)
		}
	}
	r := checked(t, whole, CheckOptions{MaxText: 50_000})
	if r.Complete || r.Bytes < 50_000 || r.Bytes > 52_000 || r.RowsEstimate < 4500 || r.RowsEstimate > 5500 {
		t.Errorf("stopped early: %+v", r)
	}
}

func TestCheckStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Check(ctx, sourceOf(syntheticFile(10)), CheckOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	broken := errors.New("connection reset")
	src := Source{Size: 10, Open: func(int64) (io.ReadCloser, error) { return nil, broken }}
	if _, err := Check(t.Context(), src, CheckOptions{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if _, err := Check(t.Context(), src, CheckOptions{Given: Given{Decimal: "x"}}); !errors.Is(err, ErrGiven) {
		t.Errorf("%v", err)
	}
}
