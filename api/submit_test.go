package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
)

func TestSubmitOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now))
	out := w.post(t, "/v1/applications", good, callerHeader, "shop")
	if out.Code != http.StatusAccepted {
		t.Fatalf("status %d: %s", out.Code, out.Body)
	}
	got := decode[Accepted](t, out)
	url := "/v1/applications/" + got.ID
	want := `{"id":"` + got.ID + `","state":"queued","done":false,"status_url":"` + url + `","submitted_at":"2026-03-04T05:06:07Z"}`
	if diff := cmp.Diff(want, out.Body.String()); diff != "" {
		t.Error(diff)
	}
	for name, value := range map[string]string{
		"Location": url, "Retry-After": "1", "Cache-Control": "no-store", "Content-Type": "application/json",
		"Preference-Applied": "",
	} {
		if out.Header().Get(name) != value {
			t.Errorf("%s: %q, want %q", name, out.Header().Get(name), value)
		}
	}
	sent := w.queue.sent()
	if len(sent) != 1 || w.queue.groups[0] != "shop" {
		t.Fatalf("sent %q in groups %q", sent, w.queue.groups)
	}
	m, err := events.ParseApplication([]byte(sent[0]))
	if err != nil {
		t.Fatal(err)
	}
	if m.ID != got.ID || m.Caller != "shop" || !m.SubmittedAt.Equal(now) || string(m.Application) != good {
		t.Errorf("message %+v", m)
	}
	// It belongs to its caller alone (failure 63), and is known before any write (failure 61).
	if out := w.do(t, http.MethodGet, url, "", callerHeader, "shop"); out.Code != http.StatusOK {
		t.Errorf("status %d for the caller", out.Code)
	}
	wantProblem(t, w.do(t, http.MethodGet, url, ""), CodeNotFound)
}

// Every row of the error list for a single application.
func TestSubmitErrors(t *testing.T) {
	t.Parallel()
	field := func(json string) string { return strings.Replace(good, `"LoanAmount":128`, json, 1) }
	tests := []struct {
		name    string
		body    string
		code    Code
		pointer string
		field   string // code of the field
	}{
		{name: "no body", code: CodeMalformed},
		{name: "blank body", body: " \n", code: CodeMalformed},
		{name: "not JSON", body: "Loan_ID=1", code: CodeMalformed},
		{name: "half", body: good[:40], code: CodeMalformed},
		{name: "second document", body: good + good, code: CodeMalformed},
		{name: "duplicate name", body: field(`"LoanAmount":1,"LoanAmount":2`), code: CodeMalformed},
		{name: "NaN", body: field(`"LoanAmount":NaN`), code: CodeMalformed},
		{name: "hexadecimal", body: field(`"LoanAmount":0x10`), code: CodeMalformed}, // failure 48
		{name: "underscore", body: field(`"LoanAmount":1_000`), code: CodeMalformed},
		{name: "not UTF-8", body: field(`"Gender":"` + "\xff" + `"`), code: CodeMalformed},
		{name: "deep", body: strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000), code: CodeMalformed}, // failure 65
		{name: "a string", body: `"x"`, code: CodeMalformed},
		{name: "null", body: `null`, code: CodeMalformed},
		{name: "empty array", body: `[]`, code: CodeMalformed},
		{name: "array does not end", body: `[` + good, code: CodeMalformed},
		{name: "after the array", body: `[` + good + `] 1`, code: CodeMalformed},
		{name: "array of what is not JSON", body: `[` + good + `,}`, code: CodeMalformed},
		{name: "overflow", body: field(`"LoanAmount":1e400`), code: CodeInvalid, pointer: "/LoanAmount", field: "overflow"},
		{name: "out of range", body: field(`"LoanAmount":0`), code: CodeInvalid, pointer: "/LoanAmount", field: "out_of_range"},
		{name: "wrong type", body: field(`"LoanAmount":"128"`), code: CodeInvalid, pointer: "/LoanAmount", field: "wrong_type"},
		{name: "unknown field", body: field(`"approved":true`), code: CodeInvalid, pointer: "/approved", field: "unknown_field"}, // failure 64
		{name: "caller in the body", body: field(`"caller":"root"`), code: CodeInvalid, pointer: "/caller", field: "unknown_field"},
		{name: "bare area code", body: strings.Replace(good, `"Rural"`, "0", 1), code: CodeInvalid, pointer: "/Property_Area", field: "wrong_type"},
		{name: "64 KiB and one byte", body: padded(64<<10 + 1), code: CodeTooLarge}, // failure 65
		{name: "10 MB", body: padded(10 << 20), code: CodeTooLarge},
		{name: "10 MB array", body: "[" + padded(10<<20) + "]", code: CodeTooLarge},
		{name: "1,001", body: "[" + strings.Repeat(good+",", 1000) + good + "]", code: CodeTooMany},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := wantProblem(t, w.post(t, "/v1/applications", tt.body), tt.code)
			if len(w.queue.sent()) != 0 {
				t.Error("something was sent")
			}
			if tt.pointer == "" {
				return
			}
			for _, e := range p.Errors {
				if e.Pointer == tt.pointer && e.Code == tt.field && e.Detail != "" {
					return
				}
			}
			t.Errorf("errors %+v, want %s %s", p.Errors, tt.pointer, tt.field)
		})
	}
}

// padded is a good application made longer with spaces.
func padded(size int) string {
	return good[:len(good)-1] + strings.Repeat(" ", size-len(good)) + "}"
}

func TestSubmitLargestAllowed(t *testing.T) {
	t.Parallel()
	if out := newWorld(t).post(t, "/v1/applications", padded(64<<10)); out.Code != http.StatusAccepted {
		t.Errorf("status %d: %s", out.Code, out.Body)
	}
}

func TestSubmitContentTypes(t *testing.T) {
	t.Parallel()
	tests := map[string]int{
		"application/json":                  http.StatusAccepted,
		"application/json; charset=utf-8":   http.StatusAccepted,
		"Application/JSON":                  http.StatusAccepted,
		"application/x-ndjson":              http.StatusAccepted,
		"":                                  http.StatusUnsupportedMediaType, // a browser can send this across origins
		"text/plain":                        http.StatusUnsupportedMediaType,
		"application/x-www-form-urlencoded": http.StatusUnsupportedMediaType,
		"application/problem+json":          http.StatusUnsupportedMediaType,
		"multipart/form-data; boundary=x":   http.StatusUnsupportedMediaType,
		";":                                 http.StatusUnsupportedMediaType,
	}
	w := newWorld(t)
	for name, want := range tests {
		out := w.do(t, http.MethodPost, "/v1/applications", good, "Content-Type", name)
		if out.Code != want {
			t.Errorf("%q: status %d, want %d", name, out.Code, want)
		}
		if want == http.StatusUnsupportedMediaType {
			wantProblem(t, out, CodeMediaType)
		}
	}
}

func TestSubmitQueueDown(t *testing.T) {
	t.Parallel()
	for _, body := range []string{good, "[" + good + "," + good + "]"} {
		w := newWorld(t)
		w.queue.refuse = func(string) error { return errDown }
		p := wantProblem(t, w.post(t, "/v1/applications", body, "Prefer", "wait=5"), CodeUnavailable)
		if p.RequestID == "" || !strings.Contains(w.log.String(), errDown.Error()) {
			t.Errorf("request id %q, log %s", p.RequestID, w.log)
		}
	}
}

func TestSubmitMany(t *testing.T) {
	t.Parallel()
	bad := `{"LoanAmount":-1}`
	tests := []struct {
		name, kind, body string
		lines            []int
		codes            []Code // "" is accepted
	}{
		{"array", "application/json", "[" + good + "," + bad + ", 7, " + good + "]", []int{1, 2, 3, 4}, []Code{"", CodeInvalid, CodeMalformed, ""}},
		{"ndjson", "application/x-ndjson", good + "\r\n\n" + bad + "\n{\n" + good, []int{1, 3, 4, 5}, []Code{"", CodeInvalid, CodeMalformed, ""}},
		{"one line", "application/x-ndjson", good + "\n", []int{1}, []Code{""}},
		{"nothing good", "application/x-ndjson", bad, []int{1}, []Code{CodeInvalid}},
		{"large line", "application/x-ndjson", padded(64<<10+1) + "\n" + good, []int{1, 2}, []Code{CodeTooLarge, ""}},
		{"1,000", "application/json", "[" + strings.Repeat(good+",", 999) + good + "]", nil, make([]Code, 1000)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			out := w.do(t, http.MethodPost, "/v1/applications", tt.body, "Content-Type", tt.kind, "Prefer", "respond-async, wait=3")
			if out.Code != http.StatusAccepted || out.Header().Get("Preference-Applied") != "respond-async" {
				t.Fatalf("status %d, headers %v: %s", out.Code, out.Header(), out.Body)
			}
			got := decode[Submissions](t, out)
			var lines []int
			var codes []Code
			ids := map[string]bool{}
			for _, e := range got.Applications {
				lines = append(lines, e.Line)
				if e.Problem != nil {
					codes = append(codes, e.Problem.Code)
					if e.ID != "" || e.State != "" {
						t.Errorf("refused with an id: %+v", e)
					}
					continue
				}
				codes = append(codes, "")
				ids[e.ID] = true
				if e.State != status.Queued || e.StatusURL != "/v1/applications/"+e.ID || e.SubmittedAt.IsZero() {
					t.Errorf("entry %+v", e)
				}
			}
			if diff := cmp.Diff(tt.codes, codes); diff != "" {
				t.Error(diff)
			}
			if tt.lines != nil && !cmp.Equal(tt.lines, lines) {
				t.Errorf("lines %v, want %v", lines, tt.lines)
			}
			sent := w.queue.sent()
			if got.Accepted != len(sent) || len(ids) != len(sent) || got.Accepted+got.Refused != len(tt.codes) {
				t.Errorf("accepted %d, refused %d, sent %d", got.Accepted, got.Refused, len(sent))
			}
		})
	}
}

// failure 23: only what the queue took is accepted.
func TestSubmitManyQueueTakesSome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.queue.refuse = func(body string) error {
		if strings.Contains(body, "LP-2") {
			return errDown
		}
		return nil
	}
	var lines []string
	for i := range 4 {
		lines = append(lines, strings.Replace(good, "LP001002", fmt.Sprintf("LP-%d", i), 1))
	}
	got := decode[Submissions](t, w.post(t, "/v1/applications", "["+strings.Join(lines, ",")+"]"))
	if got.Accepted != 3 || got.Refused != 1 || got.Applications[2].Problem == nil ||
		got.Applications[2].Problem.Code != CodeUnavailable || got.Applications[2].ID != "" {
		t.Errorf("%+v", got)
	}
}

// failure 24: a message never holds a character that SQS refuses, and reads back the same.
func TestSubmitForbiddenCharacters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, text := range []string{"\uFFFE", "\uFFFF", `\ufffe`, "\u007f", "\U0001F600", `\u0000`} {
		out := w.post(t, "/v1/applications", strings.Replace(good, "LP001002", "LP"+text, 1))
		if out.Code >= 500 {
			t.Errorf("%q: status %d", text, out.Code)
		}
		sent := w.queue.sent()
		for _, body := range sent {
			for _, r := range body {
				if r < 0x20 || r == 0xFFFE || r == 0xFFFF {
					t.Errorf("%d: message %q holds %U", i, body, r)
				}
			}
			if _, err := events.ParseApplication([]byte(body)); err != nil {
				t.Error(err)
			}
		}
	}
	if first := w.queue.sent()[0]; !strings.Contains(first, `LP\ufffe`) {
		t.Errorf("message %s", first)
	}
}

// failure 61: whoever polls faster than anything is written is told queued.
func TestPollBeforeWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	polled := make(chan int, 64)
	for range cap(polled) {
		go func() {
			got := decode[Accepted](t, w.post(t, "/v1/applications", good))
			out := w.do(t, http.MethodGet, got.StatusURL, "")
			if st := decode[ApplicationStatus](t, out); st.State != status.Queued {
				t.Errorf("state %q", st.State)
			}
			polled <- out.Code
		}()
	}
	for range cap(polled) {
		if code := <-polled; code != http.StatusOK {
			t.Errorf("status %d", code)
		}
	}
}

// failure 62: ids do not repeat and share nothing but the time.
func TestIDsCannotBeGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at(now))
	random := map[string]bool{}
	const n = 2000
	for range n {
		random[w.ids.New(status.KindApplication, now, "local")[10:]] = true
	}
	if len(random) != n {
		t.Fatalf("%d of %d ids differ", len(random), n)
	}
	for place := range status.IDLength - 10 {
		seen := map[byte]bool{}
		for id := range random {
			seen[id[place]] = true
		}
		if len(seen) != 32 {
			t.Errorf("place %d has %d of 32 characters", place, len(seen))
		}
	}
}
