package scorer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

func gzipText(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// batchOf puts a file through the bulk worker in chunks of 200 bytes and
// returns its plan, its summary, and every other object.
func batchOf(t *testing.T, file string, metadata map[string]string) (status.Batch, status.Summary, *simStore) {
	t.Helper()
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(simModels(t)[0], 200, s, list)
	info, err := s.Put(t.Context(), simKey, []byte(file), store.PutOptions{Metadata: metadata})
	if err != nil {
		t.Fatal(err)
	}
	body, err := announcement(simBucketName, info)
	if err != nil {
		t.Fatal(err)
	}
	if errs := b.Handle(t.Context(), []events.Message{{ID: "upload", Body: []byte(body), Receives: 1}}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	simPump(t, b, list)
	plans := simPlans(t, s.Bucket)
	if len(plans) != 1 {
		t.Fatalf("%d plans", len(plans))
	}
	return plans[0], simSummary(t, s.Bucket, plans[0].ID), s
}

// failure 43, failure 47, failure 50: the service reads every dialect, pins it
// in the plan and tells it in the summary.
func TestBatchDialects(t *testing.T) {
	t.Parallel()
	plain := simRowsText(30)
	for name, c := range map[string]struct {
		file     string
		metadata map[string]string
		dialect  string
		chunks   bool // more than one
	}{
		"plain":        {plain, nil, "UTF-8, commas", true},
		"semicolons":   {strings.ReplaceAll(plain, ",", ";"), nil, "UTF-8, semicolons", true},
		"CR":           {strings.ReplaceAll(plain, "\n", "\r"), nil, "UTF-8, commas, lines ended by CR", true},
		"Windows-1252": {strings.ReplaceAll(plain, "lines", "l\xefnes"), nil, "Windows-1252, commas", true},
		"gzip":         {gzipText(t, plain), nil, "gzip, UTF-8, commas", false},
		"given": {
			strings.ReplaceAll(plain, ",", "^"),
			map[string]string{"loanscorer-delimiter": "%5E", "loanscorer-decimal": "comma", "other": "x"},
			"UTF-8, '^', decimal comma, thousands grouped by points", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan, summary, s := batchOf(t, c.file, c.metadata)
			simVerify(t, s.Bucket, plan.ID, 30)
			var d ingest.Dialect
			if err := json.Unmarshal(summary.Dialect, &d); err != nil {
				t.Fatal(err)
			}
			if d.String() != c.dialect || (plan.Chunks > 1) != c.chunks {
				t.Errorf("%v in %d chunks, want %s", d, plan.Chunks, c.dialect)
			}
		})
	}
}

// failure 37, failure 38: an empty file fails by name, a header alone is a file
// of no rows, packed or not.
func TestBatchEmpty(t *testing.T) {
	t.Parallel()
	const header = "TotalIncome,LoanAmount,Credit_History,Property_Area"
	for _, file := range []string{"", "\n\r\n", gzipText(t, "")} {
		if _, summary, _ := batchOf(t, file, nil); summary.State != status.BatchFailed || summary.Error.Code != ingest.CodeEmpty {
			t.Errorf("%q: %s %+v", file, summary.State, summary.Error)
		}
	}
	for _, file := range []string{header, header + "\r\n", gzipText(t, header), "sep=,\n" + header} {
		plan, summary, s := batchOf(t, file, nil)
		if summary.State != status.BatchSucceeded || summary.Tally.Rows != 0 {
			t.Errorf("%q: %s %+v", file, summary.State, summary.Error)
		}
		simVerify(t, s.Bucket, plan.ID, 0)
	}
}

// failure 50: a packed file that is damaged fails by name, and leaves no part
// and no rejects behind.
func TestBatchDamaged(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("TotalIncome,LoanAmount,Credit_History,Property_Area,Note\n")
	for i := range 60_000 {
		fmt.Fprintf(&text, "%d,%d,1,Urban,%x\n", 1000+i, 50+i, i*i)
	}
	gz := gzipText(t, text.String())
	for name, c := range map[string]struct{ file, code, says string }{
		"cut in the text":    {gz[:len(gz)-1000], ingest.CodeTruncated, fmt.Sprintf("at byte %d", len(gz)-1000)},
		"cut in the header":  {gz[:50], ingest.CodeTruncated, "at byte 50"},
		"a wrong checksum":   {gz[:len(gz)-8] + "12345678", ingest.CodeCorrupt, "damaged"},
		"not known metadata": {"", ingest.CodeBadOption, "decimal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			metadata := map[string]string{}
			if c.file == "" {
				metadata["loanscorer-decimal"] = "dot"
			}
			plan, summary, s := batchOf(t, c.file, metadata)
			if summary.State != status.BatchFailed || summary.Error == nil || summary.Error.Code != c.code || !strings.Contains(summary.Error.Detail, c.says) {
				t.Errorf("%s: %+v, want %s with %q", summary.State, summary.Error, c.code, c.says)
			}
			left := slices.Sorted(maps.Keys(s.Bodies(status.BatchesPrefix)))
			want := []string{status.PlanKey(plan.ID), status.SummaryKey(plan.ID)}
			if diff := cmp.Diff(want, left); diff != "" || len(s.Bodies(status.BatchResultsPrefix)) > 0 {
				t.Errorf("objects left: %s", diff)
			}
		})
	}
}
