package scorer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

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

// However large the file, its ledger stays readable.
func TestChunkSize(t *testing.T) {
	t.Parallel()
	const mib, tib = 1 << 20, 1 << 40
	for _, tt := range []struct{ configured, size, want int64 }{
		{16 * mib, 0, 16 * mib},
		{16 * mib, 1000 * mib, 16 * mib},
		{16 * mib, 4096*16*mib - 1, 16 * mib},
		{16 * mib, 100 << 30, 26 * mib},
		{16 * mib, tib, 257 * mib},
		{512 * mib, tib, 512 * mib},
		{100, 1000, 100},
	} {
		got := ChunkSize(tt.configured, tt.size)
		if got != tt.want {
			t.Errorf("chunk size of %d bytes, %d configured: %d, want %d", tt.size, tt.configured, got, tt.want)
		}
		if n := ingest.Chunks(0, tt.size, got); n > maxChunks {
			t.Errorf("%d chunks for %d bytes", n, tt.size)
		}
	}
}

// A chunk larger than a segment is several row groups, so that memory stays
// bounded.
func TestLargeChunksAreSegments(t *testing.T) {
	t.Parallel()
	const header, row = "TotalIncome,LoanAmount,Credit_History,Property_Area\n", "5849,128,1,Semiurban\n"
	const rows = segmentBytes/len(row) + 1000
	text := header + strings.Repeat(row, rows)
	head, err := ingest.ParseHead([]byte(text[:ingest.MaxHead]), false, ingest.Given{})
	if err != nil {
		t.Fatal(err)
	}
	s := &rowScorer{scorer: testScorer(t), head: head, decidedAt: time.Unix(1, 0)}
	for last, want := range map[int64][]int64{
		int64(len(text)):         {segmentBytes/int64(len(row)) + 1, 999},
		int64(len(header)) + 100: {5},
	} {
		records := ingest.NewScanner(strings.NewReader(text[head.DataStart:]), head.DataStart, ingest.ScannerOptions{Dialect: head.Dialect})
		var out bytes.Buffer
		tally, err := s.run(t.Context(), records, last, &out, &newRejectLines().rejectWriter)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, g := range file.RowGroups() {
			got = append(got, g.NumRows())
		}
		if !slices.Equal(got, want) || tally.Rows != file.NumRows() {
			t.Errorf("to byte %d: row groups of %d rows, want %d; %d counted", last, got, want, tally.Rows)
		}
	}
}
