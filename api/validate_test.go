package api

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

const goodFile = "Loan_ID;TotalIncome;LoanAmount;Credit_History;Property_Area;Agência\n" +
	"A1;5849,50;128;1;Urban;x\nA1;4583,25;66;1;Rural;\nA2;1508,00;66;1;Praia;\n"

// failure 43, failure 45: what a file is is told before it is uploaded.
func TestValidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := len(w.bucket.objects)
	out := w.do(t, http.MethodPost, pathValidate, goodFile, "Content-Type", "text/csv")
	if out.Code != http.StatusOK {
		t.Fatalf("%d %s", out.Code, out.Body)
	}
	line := int64(4)
	want := Validation{
		OK: true, Dialect: &ingest.Dialect{Encoding: "utf-8", Delimiter: ";", Decimal: ",", Newline: "lf"},
		Columns: []ingest.HeadColumn{
			{Name: "Loan_ID", Known: "Loan_ID"},
			{Name: "TotalIncome", Known: "TotalIncome"},
			{Name: "LoanAmount", Known: "LoanAmount"},
			{Name: "Credit_History", Known: "Credit_History"},
			{Name: "Property_Area", Known: "Property_Area"},
			{Name: "Agência"},
		},
		Rows: 3, Rejected: 1, RejectedByCode: map[string]int64{"unknown_category": 1},
		Problems: []RowError{{
			Line: &line, Offset: 117, Column: "Property_Area", Code: "unknown_category",
			Reason: "must be Rural, Semiurban or Urban, by name",
		}},
		Duplicates: status.Duplicates{Rows: 1, Exact: true}, Complete: true, Bytes: int64(len(goodFile)), RowsEstimate: 3, Seconds: 3.0 / ingest.RowsPerSecond,
	}
	if diff := cmp.Diff(want, decode[Validation](t, out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(w.bucket.objects) != before {
		t.Error("something was stored")
	}
}

func TestValidateCases(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(goodFile)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	cut := strings.Repeat("\nA1;1;128;1;Urban;", 1000) + "\nA1;1;1"
	for name, c := range map[string]struct {
		query, body string
		status      int
		refused     string
		rows        int64
		complete    bool
	}{
		"gzip":          {"", packed.String(), 200, "", 3, true},
		"a start of it": {"?size=1000000", goodFile[:strings.Index(goodFile, "\n")] + cut, 200, "", 1000, false},
		"empty":         {"", "", 200, ingest.CodeEmpty, 0, false},
		"other columns": {"", "a,b\n1,2\n", 200, ingest.CodeMissingColumns, 0, false},
		"given":         {"?delimiter=semicolon&decimal=point", goodFile, 200, "", 3, true},
		"not known":     {"?decimal=dot", goodFile, 422, "", 0, false},
		"too large":     {"", strings.Repeat("x", maxValidate+1), 413, "", 0, false},
	} {
		out := w.do(t, http.MethodPost, pathValidate+c.query, c.body, "Content-Type", "text/csv")
		if out.Code != c.status {
			t.Errorf("%s: %d %s", name, out.Code, out.Body)
			continue
		}
		if c.status != http.StatusOK {
			continue
		}
		v := decode[Validation](t, out)
		switch {
		case (v.Refused == nil) != (c.refused == "") || v.Refused != nil && v.Refused.Code != c.refused:
			t.Errorf("%s: refused %+v, want %s", name, v.Refused, c.refused)
		case v.Rows != c.rows || v.Complete != c.complete || v.OK != (c.refused == ""):
			t.Errorf("%s: %+v", name, v)
		}
	}
}
