package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/internal/status"
)

// A look-up says why there is nothing, and logs no Loan_ID. // failure 69
func TestGetDecisionsRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		summary *status.Summary
		loanID  string
		code    int
		kind    Code
		retry   string
	}{
		"not finished": {nil, "CANARY1", http.StatusConflict, CodeNotFinished, "5"},
		"failed":       {&status.Summary{State: status.BatchFailed}, "CANARY1", http.StatusConflict, CodeNoResults, ""},
		"no Loan_ID":   {&status.Summary{State: status.BatchSucceeded, Parts: []status.Object{{Key: "x"}}}, "CANARY1", http.StatusConflict, CodeNoResults, ""},
		"no row":       {&status.Summary{State: status.BatchSucceeded}, "CANARY%2F1", http.StatusNotFound, CodeNotFound, ""},
		"too long":     {&status.Summary{State: status.BatchSucceeded}, strings.Repeat("x", 65), http.StatusUnprocessableEntity, CodeInvalid, ""},
	} {
		w := newWorld(t)
		id := w.ids.New(status.KindBatch, now, "")
		if tc.summary != nil {
			tc.summary.V, tc.summary.ID = 1, id
			w.bucket.putDoc(t, status.SummaryKey(id), tc.summary)
		}
		out := w.do(t, http.MethodGet, "/v1/batches/"+id+"/decisions/"+tc.loanID, "")
		p := decode[Problem](t, out)
		if out.Code != tc.code || p.Code != tc.kind || out.Header().Get("Retry-After") != tc.retry {
			t.Errorf("%s: %d %s, Retry-After %q", name, out.Code, out.Body, out.Header().Get("Retry-After"))
		}
		if strings.Contains(w.log.String(), "CANARY") || strings.Contains(out.Body.String(), "CANARY") {
			t.Errorf("%s: the Loan_ID is in the log or the problem: %s", name, w.log.String())
		}
	}
	w := newWorld(t)
	if out := w.do(t, http.MethodGet, "/v1/batches/"+status.PlanKey("x")+"/decisions/1", ""); out.Code != http.StatusNotFound {
		t.Errorf("status %d", out.Code)
	}
}
