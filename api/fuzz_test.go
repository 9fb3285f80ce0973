package api

import (
	"net/http"
	"testing"
)

// FuzzSubmit sends any body as any of the two content types: the answer is
// never 5xx, and what is accepted is in the queue.
func FuzzSubmit(f *testing.F) {
	for _, body := range []string{
		good, "[" + good + "]", good + "\n" + good, "", "{", "[", `[{},7,"x",null]`, `{"LoanAmount":1e400}`,
		`{"Loan_ID":"\ud800"}`, "\xff", "[[[[", `{"a":{"b":[{}]}}`, articleBody(5849, 128, 1, 2), "\n\n\r\n",
	} {
		f.Add([]byte(body), false)
		f.Add([]byte(body), true)
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, body []byte, lines bool) {
		kind := jsonType
		if lines {
			kind = ndjsonType
		}
		before := len(w.queue.sent())
		out := w.do(t, http.MethodPost, "/v1/applications", string(body), "Content-Type", kind)
		accepted := 0
		switch {
		case out.Code >= 500 || out.Code < 200:
			t.Fatalf("status %d: %s", out.Code, out.Body)
		case out.Code == http.StatusAccepted:
			accepted = 1
			if lines || isArray(body) {
				accepted = decode[Submissions](t, out).Accepted
			}
		default:
			wantProblem(t, out, decode[Problem](t, out).Code)
		}
		if got := len(w.queue.sent()) - before; got != accepted {
			t.Errorf("%d accepted, %d sent", accepted, got)
		}
	})
}

// FuzzPredict sends any body to the article's endpoint.
func FuzzPredict(f *testing.F) {
	for _, body := range []string{
		articleBody(5849, 128, 1, 2), articleBody(0, 1, 0, 0), articleBody(`"1"`, 0.9, "true", 7), "{", "", "null", "[]", `{"a":1,"a":2}`,
	} {
		f.Add([]byte(body))
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		out := w.post(t, "/predictions", string(body))
		if out.Code == http.StatusOK {
			if got := out.Body.String(); got != articleApproved && got != articleDeclined {
				t.Errorf("answer %s", got)
			}
			return
		}
		if out.Code >= 500 {
			t.Fatalf("status %d: %s", out.Code, out.Body)
		}
		wantProblem(t, out, decode[Problem](t, out).Code)
	})
}
