package scorer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// scoredFile is all that ScoreFile makes of a text.
type scoredFile struct {
	parquet, rejects []byte
	tally            status.Tally
}

// scoreSegments scores a text in segments of the given size; parallel says whether
// the text can be read at several places at a time.
func scoreSegments(t *testing.T, text string, segment int64, parallel bool) scoredFile {
	t.Helper()
	var out, rejects bytes.Buffer
	o := FileOptions{DecidedAt: time.Unix(1_700_000_000, 0), Rejects: &rejects, segment: segment}
	in := ingest.StreamSource(strings.NewReader(text))
	if parallel {
		in = textSource(text)
	}
	tally, err := ScoreFile(t.Context(), testScorer(t), in, &out, o)
	if err != nil {
		t.Fatal(err)
	}
	return scoredFile{parquet: out.Bytes(), rejects: rejects.Bytes(), tally: tally}
}

// quotedFile has line feeds inside quotes, so that guesses where a segment
// begins go wrong, and rows that are refused.
func quotedFile(seed uint64, rows int) string {
	r := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	b.WriteString("Loan_ID,note,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area\n")
	for i := range rows {
		note := []string{"plain", "", "\"two\nlines\"", "\"a,1,2,3\n4,5,\"\"\n\"\"\"", "\"\n\n\n\""}[r.IntN(5)]
		amount := []string{"120", "66", "", "bad", "300"}[r.IntN(5)]
		fmt.Fprintf(&b, "L%d,%s,%d,%d,%s,%d,%s\n", i, note, r.IntN(9000), r.IntN(2000), amount, r.IntN(2), []string{"Rural", "Urban", "Mars"}[r.IntN(3)])
	}
	return b.String()
}

// failure 41
func TestSegmentsAreAStream(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		text := quotedFile(seed, 300)
		for _, segment := range []int64{7, 61, 500, 4096, 1 << 20} {
			want, got := scoreSegments(t, text, segment, false), scoreSegments(t, text, segment, true)
			if !bytes.Equal(want.parquet, got.parquet) {
				t.Errorf("seed %d, segments of %d bytes: the results differ", seed, segment)
			}
			if !bytes.Equal(want.rejects, got.rejects) {
				t.Errorf("seed %d, segments of %d bytes: the rejects differ:\n%s\n%s", seed, segment, want.rejects, got.rejects)
			}
			if want.tally.Rows != 300 || got.tally.Rows != 300 {
				t.Errorf("seed %d, segments of %d bytes: %d and %d rows, want 300", seed, segment, want.tally.Rows, got.tally.Rows)
			}
		}
	}
}

// More rejects than a segment keeps are made anew, with the lines of the file.
func TestSegmentsOfRejects(t *testing.T) {
	t.Parallel()
	head := "TotalIncome,LoanAmount,Credit_History,Property_Area\n"
	text := head + strings.Repeat("1,1,1,Rural\n", 10) + strings.Repeat("x\n", 60_000)
	want, got := scoreSegments(t, text, 64<<10, false), scoreSegments(t, text, 64<<10, true)
	if !bytes.Equal(want.rejects, got.rejects) || !bytes.Equal(want.parquet, got.parquet) {
		t.Error("side by side gives other bytes than one after the other")
	}
	if !bytes.HasSuffix(got.rejects, []byte("\n")) || !bytes.Contains(got.rejects, []byte("\n60011,")) {
		t.Error("the last line is not in the rejects")
	}
}
