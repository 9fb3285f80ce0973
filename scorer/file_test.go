package scorer

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
)

func testScorer(tb testing.TB) *Scorer {
	tb.Helper()
	s, err := New(model.Default())
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func decidedAt() time.Time { return time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC) }

// scored is what became of a file: its rows as CSV with a header, and its
// rejects.
type scored struct {
	Rows    [][]string
	Rejects [][]string
}

func textSource(text string) ingest.Source {
	return ingest.FileSource(strings.NewReader(text), int64(len(text)))
}

func scoreText(t *testing.T, text string) scored {
	t.Helper()
	return scoreWith(t, testScorer(t), text)
}

func scoreWith(t *testing.T, s *Scorer, text string) scored {
	t.Helper()
	var out, rejects bytes.Buffer
	tally, err := ScoreFile(t.Context(), s, textSource(text), &out,
		FileOptions{DecidedAt: decidedAt(), Rejects: &rejects})
	if err != nil {
		t.Fatal(err)
	}
	var text2 bytes.Buffer
	w := csv.NewWriter(&text2)
	rows, err := exportPart(w, out.Bytes(), true, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.Flush()
	if rows != tally.DecidedRows() || tally.Rows != tally.DecidedRows()+tally.RejectedRows() {
		t.Errorf("%d rows written, tally %+v", rows, tally)
	}
	return scored{Rows: readCSV(t, text2.String()), Rejects: readCSV(t, rejects.String())}
}

func readCSV(t *testing.T, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// column returns the cells of a column, without its header.
func (s scored) column(t *testing.T, name string) []string {
	t.Helper()
	for i, h := range s.Rows[0] {
		if h == name {
			var cells []string
			for _, r := range s.Rows[1:] {
				cells = append(cells, r[i])
			}
			return cells
		}
	}
	t.Fatalf("no column %q in %q", name, s.Rows[0])
	return nil
}

const plainFile = `Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area,Dependents
A1,5849,0,128,1,Urban,3+
A2,4583,985.7999878,,0,Rural,0
A3,3000,0,66,,Semiurban,
`

// TestScoreFileForms scores the same rows in other forms.
//
// failure 39, failure 40, failure 43, failure 44
func TestScoreFileForms(t *testing.T) {
	t.Parallel()
	want := scoreText(t, plainFile)
	forms := map[string]string{
		"crlf":             strings.ReplaceAll(plainFile, "\n", "\r\n"),
		"no final newline": strings.TrimSuffix(plainFile, "\n"),
		"bom":              "\ufeff" + plainFile,
		"blank lines":      strings.ReplaceAll(plainFile, "\n", "\n\n"),
		"upper case":       strings.Replace(plainFile, "Loan_ID,ApplicantIncome", "LOAN_ID,APPLICANTINCOME", 1),
		"semicolons":       strings.ReplaceAll(plainFile, ",", ";"),
		"decimal commas":   strings.ReplaceAll(strings.ReplaceAll(plainFile, ",", ";"), ".", ","),
		"sep=TAB, CR":      strings.ReplaceAll("sep=\t\n"+strings.ReplaceAll(plainFile, ",", "\t"), "\n", "\r"),
		"other spellings":  strings.NewReplacer("Semiurban", "Semi Urban", "LoanAmount", "Loan Amount").Replace(plainFile),
		"quoted":           strings.Replace(plainFile, "A1,5849,0,128,1,Urban", `"A1","5849","0","128","1","Urban"`, 1),
	}
	for name, text := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scoreText(t, text)
			for _, column := range []string{"Loan_ID", "probability", "decision", "imputed", "LoanAmount", "Dependents"} {
				if diff := cmp.Diff(want.column(t, column), got.column(t, column)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", column, diff)
				}
			}
		})
	}
}

func TestScoreFileColumns(t *testing.T) {
	t.Parallel()
	got := scoreText(t, "note,property_area,LOANAMOUNT,TotalIncome,Credit_History,decision,input_decision,\n"+
		"=cmd(),Urban,128,5849,1,old,older,\n")
	want := [][]string{
		{
			"note", "Property_Area", "LoanAmount", "TotalIncome", "Credit_History", "input_decision", "input_input_decision",
			"source_offset", "total_income", "probability", "decision", "reason_1", "reason_2", "reason_3", "reason_4",
			"imputed", "model_sha256", "decided_at",
		},
		{
			"'=cmd()", "Urban", "128", "5849", "1", "old", "older", "82", "5849",
			got.column(t, "probability")[0], got.column(t, "decision")[0], "", "", "", "", "",
			model.Default().SHA256(), "2026-05-04T03:02:01Z",
		},
	}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestScoreFileRejects lists rows that cannot be scored and scores the others.
//
// failure 46, failure 48, failure 49
func TestScoreFileRejects(t *testing.T) {
	t.Parallel()
	got := scoreText(t, plainFile+"A4,x,0,1,1,Urban,0\nA5,1,0,1\n\"A6,open\nA7,1,0,100,1,Urban,0\nA8,1,0,1e400,1,Urban,0\n")
	if diff := cmp.Diff([]string{"A1", "A2", "A3", "A7"}, got.column(t, "Loan_ID")); diff != "" {
		t.Errorf("scored (-want +got):\n%s", diff)
	}
	var brief [][]string
	for _, r := range got.Rejects[1:] {
		brief = append(brief, []string{r[0], r[2], r[3], r[5]})
	}
	want := [][]string{
		{"5", "ApplicantIncome", "bad_number", "A4,x,0,1,1,Urban,0"},
		{"6", "", "wrong_field_count", "A5,1,0,1"},
		{"7", "", "unclosed_quote", `"A6,open`},
		{"9", "LoanAmount", "overflow", "A8,1,0,1e400,1,Urban,0"},
	}
	if diff := cmp.Diff(want, brief); diff != "" {
		t.Errorf("rejects (-want +got):\n%s", diff)
	}
}

func TestScoreFileRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "missing_columns": "a,b\n1,2\n", "truncated": "\x1f\x8b\x08\x00", "delimiter": strings.ReplaceAll(plainFile, ",", "^"),
	} {
		var out, rejects bytes.Buffer
		_, err := ScoreFile(t.Context(), testScorer(t), textSource(text), &out, FileOptions{DecidedAt: decidedAt(), Rejects: &rejects})
		var refused *ingest.FileError
		if !errors.As(err, &refused) || refused.Code != name {
			t.Errorf("%s: %v", name, err)
		}
		if out.Len() > 0 {
			t.Errorf("%s: %d bytes were written", name, out.Len())
		}
	}
}

func TestScoreFileStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, rejects bytes.Buffer
	_, err := ScoreFile(ctx, testScorer(t), textSource(plainFile), &out, FileOptions{DecidedAt: decidedAt(), Rejects: &rejects})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// TestTombstone keeps files without rows readable, with the schema of all.
//
// failure 71
func TestTombstone(t *testing.T) {
	t.Parallel()
	body, err := tombstone()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	if file.NumRows() != 0 {
		t.Errorf("%d rows, want none", file.NumRows())
	}
	columns, _ := applicationColumns()
	if got := len(file.Schema().Fields()); got != len(columns) {
		t.Errorf("%d columns, want %d", got, len(columns))
	}
}

// failure 53
func TestNeutralise(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "plain": "plain", "1": "1", "a=b": "a=b",
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@x": "'@x", "\tx": "'\tx", "\rx": "'\rx", "\nx": "'\nx", "\x00x": "'\x00x",
		"＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠x": "'＠x",
	} {
		if got := Neutralise(in); got != want {
			t.Errorf("Neutralise(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNewRefusesOtherFeatures(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*model.Spec){
		"unknown":   func(s *model.Spec) { s.Features[0].Name = "ShoeSize" },
		"the label": func(s *model.Spec) { s.Features[0].Name = "Loan_Status" },
		"kind":      func(s *model.Spec) { s.Features[0].Name = "Gender" },
	} {
		spec := model.Default().Spec()
		spec.Features, spec.Reference = append([]model.Feature(nil), spec.Features...), nil
		change(spec)
		data, err := model.Encode(spec)
		if err != nil {
			t.Fatal(err)
		}
		m, err := model.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(m); !errors.Is(err, ErrFeature) {
			t.Errorf("%s: %v, want ErrFeature", name, err)
		}
	}
}

func ExampleScoreFile() {
	s, err := New(model.Default())
	if err != nil {
		fmt.Println(err)
		return
	}
	const file = "TotalIncome,LoanAmount,Credit_History,Property_Area\n5849,128,1,Urban\n4583,128,yes,Rural\n"
	in := ingest.FileSource(strings.NewReader(file), int64(len(file)))
	var parquetFile, rejects bytes.Buffer
	tally, err := ScoreFile(context.Background(), s, in, &parquetFile, FileOptions{DecidedAt: time.Now(), Rejects: &rejects})
	fmt.Println(tally.Rows, tally.DecidedRows(), tally.Rejected, err)
	// Output: 2 1 map[bad_number:1] <nil>
}

// BenchmarkScoreFile shows what reasons cost: 17 of 100 rows are declined.
func BenchmarkScoreFile(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area,Dependents\n")
	const rows = 10_000
	for i := range rows {
		fmt.Fprintf(&text, "L%d,%d,%d,%d,%d,%s,3+\n", i, 1000+i, i%5*400, 50+i%400, i%6/5^1, [...]string{"Rural", "Semiurban", "Urban"}[i%3])
	}
	for name, o := range map[string]Options{"reasons": {}, "none": {NoReasons: true}} {
		s := mustScorer(b, model.Default(), o)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				var out, rejects bytes.Buffer
				if _, err := ScoreFile(b.Context(), s, textSource(text.String()), &out, FileOptions{DecidedAt: decidedAt(), Rejects: &rejects}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
