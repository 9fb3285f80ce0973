package cost

import (
	"fmt"
	"math"
	"strconv"

	"github.com/loanscorer/loanscorer/internal/status"
)

// Batch is what is known of a finished batch.
type Batch struct {
	Rows        int64
	Bytes       int64 // of the upload as it is stored
	Chunks      int
	ResultBytes int64   // of all parts
	Seconds     float64 // from the plan to the end, as measured
}

// BatchEstimate is about what a batch costs on Lambda, SQS and S3, wherever it
// was scored. It is no bill: see Assumptions.
type BatchEstimate struct {
	USD           float64 `json:"usd" doc:"About what scoring it once costs, two digits"`
	KeepUSD       float64 `json:"keep_usd_a_month" doc:"About what keeping the upload and the results in S3 costs a month, two digits"`
	WorkerSeconds float64 `json:"worker_seconds" doc:"Of all workers together"`
	Region        string  `json:"region" example:"us-east-1"`
	AsOf          string  `json:"prices_as_of" format:"date"`
	Assumptions   string  `json:"assumptions" doc:"What was assumed, in a line"`
}

// OfBatch estimates what a batch costs: requests and the time of workers as
// Capacity counts them for a file of its rows, bytes and chunks. A batch that
// took longer than all its chunks would is taken to have kept one worker busy.
func OfBatch(p *Prices, b Batch) (*BatchEstimate, error) {
	if b.Rows < 0 || b.Bytes <= 0 || b.Chunks <= 0 || b.ResultBytes < 0 || !(b.Seconds >= 0) || math.IsInf(b.Seconds, 0) {
		return nil, fmt.Errorf("batch %+v: must be positive", b)
	}
	f := DefaultFleet()
	f.RowBytes = float64(b.Bytes) / max(float64(b.Rows), 1)
	r, err := Capacity(p, f, float64(b.Bytes), math.Ceil(float64(b.Bytes)/float64(b.Chunks)))
	if err != nil {
		return nil, err
	}
	source := fmt.Sprintf("%.2g million rows/s", f.RowsPerSecond/1e6)
	if b.Seconds > r.Busy {
		r.Busy, source = b.Seconds, "the time it took here"
	}
	e := &BatchEstimate{WorkerSeconds: digits(r.Busy), Region: p.Region, AsOf: p.AsOf}
	usd, err := r.price(p, f)
	if err != nil {
		return nil, err
	}
	e.USD = digits(usd)
	e.KeepUSD = digits(float64(b.Bytes+b.ResultBytes) / gigabyte * p.Prices["s3_gb_month"].USD)
	e.Assumptions = fmt.Sprintf("one run without retries; workers of %.0f MB, %s and %.2g s of requests a chunk; list prices, nothing free",
		f.WorkerGB*1024, source, f.ChunkSeconds)
	return e, nil
}

// OfSummary is OfBatch of a finished batch by the prices of this program; nil if
// it has no results, or nothing can be said.
func OfSummary(sum *status.Summary) *BatchEstimate {
	if sum.Stats == nil {
		return nil
	}
	prices, err := LoadPrices()
	if err != nil {
		return nil
	}
	b := Batch{Rows: sum.Tally.Rows, Bytes: sum.Source.Size, Chunks: sum.Chunks, Seconds: sum.Stats.Seconds}
	for _, part := range sum.Parts {
		b.ResultBytes += part.Size
	}
	e, err := OfBatch(prices, b)
	if err != nil {
		return nil
	}
	return e
}

// digits rounds to two: more would be a pretence.
func digits(v float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 1, 64), 64) // always a number
	return rounded
}
