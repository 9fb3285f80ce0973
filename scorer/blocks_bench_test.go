package scorer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
)

// benchFile is rows of the 12 published columns, as files have them.
func benchFile(rows int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var b bytes.Buffer
	b.WriteString("Loan_ID,Gender,Married,Dependents,Education,Self_Employed,ApplicantIncome,CoapplicantIncome,LoanAmount,Loan_Amount_Term,Credit_History,Property_Area\n")
	for i := range rows {
		amount := ""
		if r.IntN(28) > 0 {
			amount = strconv.Itoa(40 + r.IntN(300))
		}
		fmt.Fprintf(&b, "LP%09d,%s,%s,%s,%s,%s,%d,%d,%s,%s,%s,%s\n", i+1,
			pick("Male", "Male", "Male", "Female"), pick("Yes", "No"), pick("0", "0", "1", "2", "3+"),
			pick("Graduate", "Graduate", "Graduate", "Not Graduate"), pick("No", "No", "No", "Yes", ""),
			1500+r.IntN(9000), r.IntN(2)*r.IntN(5000), amount, pick("360", "360", "360", "180"),
			pick("1", "1", "1", "1", "0", ""), pick("Urban", "Rural", "Semiurban"))
	}
	return b.Bytes()
}

// BenchmarkStages times what a row costs in each stage between the text and
// the Parquet pages, with the other stages' memory about.
func BenchmarkStages(b *testing.B) {
	const rows = 64 * ingest.BlockRows
	text := benchFile(rows)
	head, err := ingest.ParseHead(text[:ingest.MaxHead], false, ingest.Given{})
	if err != nil {
		b.Fatal(err)
	}
	s, err := New(model.Default())
	if err != nil {
		b.Fatal(err)
	}
	file := &rowScorer{scorer: s, head: head, decidedAt: time.Unix(1, 0)}
	var took [5]time.Duration
	n := 0
	for b.Loop() {
		w, err := file.worker()
		if err != nil {
			b.Fatal(err)
		}
		records := ingest.NewScanner(bytes.NewReader(text[head.DataStart:]), head.DataStart, ingest.ScannerOptions{Dialect: head.Dialect})
		reader := ingest.NewBlockReader(records, head.Decoder(), s.blockOptions(func(*ingest.Record, error) error { return nil }))
		w.blocks.start()
		tally := status.NewTally()
		for more := true; more; {
			start := time.Now()
			lap := func(stage int) { took[stage] += time.Since(start); start = time.Now() }
			if more, err = reader.Read(&w.blocks.block); err != nil {
				b.Fatal(err)
			}
			lap(0)
			rows := w.blocks.block.Rows
			n += rows
			w.blocks.locate()
			lap(1)
			if err := w.blocks.decide(rows); err != nil {
				b.Fatal(err)
			}
			lap(2)
			w.blocks.count(&tally)
			lap(3)
			w.blocks.write(w.group)
			lap(4)
		}
	}
	for i, name := range []string{"read", "incomes", "decide", "count", "write"} {
		b.ReportMetric(float64(took[i].Nanoseconds())/float64(n), name+"-ns/row")
	}
}
