package scorer

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
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
	return segmentsWith(t, testScorer(t), text, segment, parallel)
}

func segmentsWith(t *testing.T, s *Scorer, text string, segment int64, parallel bool) scoredFile {
	t.Helper()
	var out, rejects bytes.Buffer
	o := FileOptions{DecidedAt: time.Unix(1_700_000_000, 0), Rejects: &rejects, segment: segment}
	in := ingest.StreamSource(strings.NewReader(text))
	if parallel {
		in = textSource(text)
	}
	tally, err := ScoreFile(t.Context(), s, in, &out, o)
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

// begunReader notes the furthest segment that is read.
type begunReader struct {
	io.ReaderAt
	start, bytes, size int64
	taken              atomic.Int64 // segments the sink has had
	most               atomic.Int64 // that were begun and not taken, at any time
}

// ReadAt implements [io.ReaderAt].
func (r *begunReader) ReadAt(p []byte, at int64) (int, error) {
	if at < r.size { // not a look for the end of the file
		begun := (at+1-r.start)/r.bytes + 1 // the byte before a segment is looked at, too
		for open := begun - r.taken.Load(); ; {
			most := r.most.Load()
			if open <= most || r.most.CompareAndSwap(most, open) {
				break
			}
		}
	}
	return r.ReaderAt.ReadAt(p, at)
}

// Each core has a segment, and every fourth another one that waits for its turn.
func TestSegmentsAtATime(t *testing.T) {
	t.Parallel()
	text := "TotalIncome,LoanAmount,Credit_History,Property_Area\n" + strings.Repeat("5849,128,1,Rural\n", 4000)
	head, err := ingest.ParseHead([]byte(text), true, ingest.Given{})
	if err != nil {
		t.Fatal(err)
	}
	for cores, most := range map[int]int64{1: 1, 2: 2, 4: 5} {
		table, err := newRejectTable(io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		size := int64(len(text))
		sink, err := newSegmentSink(testScorer(t), head, size, io.Discard, table)
		if err != nil {
			t.Fatal(err)
		}
		in := &begunReader{ReaderAt: strings.NewReader(text), start: head.DataStart, bytes: 1000, size: size}
		sink.progress = func(int64) { in.taken.Add(1) }
		rows := &rowScorer{scorer: testScorer(t), head: head, decidedAt: time.Unix(1, 0), size: size}
		run := &segments{rows: rows, head: head, in: in, size: size, bytes: in.bytes, cores: cores, sink: sink}
		if err := run.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := in.most.Load(); got > most {
			t.Errorf("%d cores: %d segments begun at a time, want at most %d", cores, got, most)
		}
		if sink.tally.Rows != 4000 {
			t.Errorf("%d cores: %d rows, want 4000", cores, sink.tally.Rows)
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
		done, err := s.run(t.Context(), records, last, &out, &newRejectLines().rejectWriter)
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
		if !slices.Equal(got, want) || done.tally.Rows != file.NumRows() {
			t.Errorf("to byte %d: row groups of %d rows, want %d; %d counted", last, got, want, done.tally.Rows)
		}
	}
}

// repeated is a file of a header and as many equal rows as fit its size, made
// when it is read.
type repeated struct {
	header, rows string
	size         int64
}

func (f *repeated) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off < f.size {
		part := f.header[min(off, int64(len(f.header))):]
		if part == "" {
			part = f.rows[(off-int64(len(f.header)))%int64(len(f.rows)):]
		}
		k := copy(p[n:], part[:min(int64(len(part)), f.size-off)])
		n, off = n+k, off+int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// readBytes counts what is read.
type readBytes struct {
	io.ReaderAt
	n atomic.Int64
}

func (r *readBytes) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, off)
	r.n.Add(int64(n))
	return n, err
}

// A line over many segments is read a few times, not once a segment, and what
// follows it is scored.
//
// failure 42
func TestLineOverManySegments(t *testing.T) {
	t.Parallel()
	const segment = 256 << 10
	head := "Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area\n"
	text := head + "A,5849,0,128,1,Urban\n" + strings.Repeat("x", 64*segment) + "\nB,5849,0,128,1,Urban\n"
	in := &readBytes{ReaderAt: strings.NewReader(text)}
	var rejects bytes.Buffer
	o := FileOptions{DecidedAt: time.Unix(1, 0), Rejects: &rejects, segment: segment}
	tally, err := ScoreFile(t.Context(), testScorer(t), ingest.FileSource(in, int64(len(text))), io.Discard, o)
	if err != nil || tally.Rows != 3 || tally.Rejected[ingest.CodeRecordTooLong] != 1 {
		t.Fatalf("%+v, %v", tally, err)
	}
	if want := fmt.Sprintf("\n3,%d,", len(head)+21); !strings.Contains(rejects.String(), want) {
		t.Errorf("the line is not told: %.200s", rejects.String())
	}
	if got, most := in.n.Load(), int64(4*len(text)); got > most {
		t.Errorf("%d bytes are read of a file of %d", got, len(text))
	}
}

// The memory that scoring takes does not grow with the file.
//
// failure 51
func TestMemoryDoesNotGrow(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // little garbage: what is measured is what is needed
	const row = "LP%06d,%d,%d,128,1,Semiurban\n"
	var rows strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&rows, row, i, 1000+i%7000, i%3000)
	}
	f := &repeated{header: "Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area\n", rows: rows.String()}
	scorer := testScorer(t)
	peak := func(segments int64) uint64 {
		f.size = segments * segmentBytes
		var most uint64
		o := FileOptions{DecidedAt: time.Unix(1, 0), Rejects: io.Discard, Progress: func(int64) {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
		}}
		runtime.GC()
		tally, err := ScoreFile(t.Context(), scorer, ingest.FileSource(f, f.size), io.Discard, o)
		if err != nil {
			t.Fatal(err)
		}
		if want := f.size / int64(len(f.rows)) * 40_000; tally.Rows < want {
			t.Errorf("%d rows of at least %d", tally.Rows, want)
		}
		return most
	}
	segments := max(12/simShare, 4)
	few, many := peak(3), peak(int64(segments))
	if many > few+few/2+(16<<20) || many > 200<<20 {
		t.Errorf("heap of %d MiB for 3 segments, %d MiB for %d", few>>20, many>>20, segments)
	}
}

// Segments are equal, an even number of them, and none is larger than one may be.
func TestEvenSegments(t *testing.T) {
	t.Parallel()
	for size, want := range map[int64]int64{
		0: 1, 1: 1, segmentBytes: 1, segmentBytes + 1: 2, 2 * segmentBytes: 2, 2*segmentBytes + 1: 4, 7*segmentBytes + 9: 8, 8 * segmentBytes: 8,
	} {
		each := evenSegments(size)
		if n := max((size+each-1)/each, 1); n != want || each > segmentBytes {
			t.Errorf("%d bytes: %d segments of %d, want %d", size, n, each, want)
		}
	}
}
