package scorer

import (
	"bytes"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
)

// slowReads gives up to n bytes a read, each after a while.
type slowReads struct {
	io.Reader
	n    int
	each time.Duration
}

func (s *slowReads) Read(p []byte) (int, error) {
	<-time.After(s.each)
	return s.Reader.Read(p[:min(len(p), s.n)])
}

func (s *slowReads) Close() error { return nil }

// The rate is that of the file's rows on this machine: here the clock stands
// still but for reading.
func TestRate(t *testing.T) {
	t.Parallel()
	s, err := New(model.Default())
	if err != nil {
		t.Fatal(err)
	}
	text := benchFile(60_000)
	rowBytes := float64(len(text)) / 60_000
	for name, tc := range map[string]struct {
		text        []byte
		each        time.Duration // a read of 64 KiB takes
		least, most float64
		took        time.Duration // 16 reads of it to look at the head
	}{
		"fast enough":  {text, 10 * time.Millisecond, 0.8 * 65536 / rowBytes / 0.01, 1.3 * 65536 / rowBytes / 0.01, 800 * time.Millisecond},
		"slow":         {text, 2 * time.Second, 1, 65536 / rowBytes, 40 * time.Second},
		"few rows":     {text[:50_000], time.Millisecond, 0, 0, time.Second},
		"a header":     {text[:bytes.IndexByte(text, '\n')+1], time.Millisecond, 0, 0, time.Second},
		"all rejected": {append([]byte("TotalIncome,LoanAmount,Credit_History,Property_Area\n"), bytes.Repeat([]byte("x,1,1,Urban\n"), 50_000)...), 10 * time.Millisecond, 1e5, 1e7, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				src := ingest.Source{Size: int64(len(tc.text)), Open: func(offset int64) (io.ReadCloser, error) {
					return &slowReads{bytes.NewReader(tc.text[offset:]), 64 << 10, tc.each}, nil
				}}
				begun := time.Now()
				rate, err := Rate(t.Context(), s, src, ingest.Given{})
				if err != nil || rate < tc.least || rate > tc.most {
					t.Errorf("%.0f rows/s, %v; want %.0f to %.0f", rate, err, tc.least, tc.most)
				}
				if took := time.Since(begun); took > tc.took {
					t.Errorf("took %v", took)
				}
			})
		})
	}
	if _, err := Rate(t.Context(), s, ingest.FileSource(bytes.NewReader([]byte("a,b\n1,2\n")), 8), ingest.Given{}); err == nil {
		t.Error("a file that is refused has a rate")
	}
}
