package cost

import (
	"errors"
	"fmt"
	"math"
)

// Fleet is what works on one file. Zero values of DefaultFleet's members are
// not allowed.
type Fleet struct {
	Workers       float64 `json:"workers"`         // functions at a time: MaximumConcurrency of the bulk queue
	RowsPerSecond float64 `json:"rows_per_second"` // one worker parses, scores, explains and writes
	BytesPerSec   float64 `json:"bytes_per_s"`     // one worker reads from S3, while it scores
	ChunkSeconds  float64 `json:"chunk_s"`         // requests of a chunk beside its bytes
	StartSeconds  float64 `json:"start_s"`         // of a function that is started
	RampStart     float64 `json:"ramp_start"`      // functions at once
	RampPerMinute float64 `json:"ramp_per_minute"` // functions that are added
	SendPerSecond float64 `json:"send_per_s"`      // chunk messages that the planner sends
	EntrySeconds  float64 `json:"entry_s"`         // to read one ledger entry when the batch closes; 16 at a time
	RowBytes      float64 `json:"row_bytes"`
	WorkerGB      float64 `json:"worker_gb"`
	Deadline      float64 `json:"deadline_s"` // timeout of the function, less the two seconds that it stops early
}

// DefaultFleet is the bulk function of template.yaml at 1,769 MB, one
// processor. RowsPerSecond is measured (docs/performance.md). The ramp is that
// of an event source mapping on a standard queue,
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html;
// bytes a second is what S3 gives one connection,
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html;
// the others are guesses on the high side.
func DefaultFleet() Fleet {
	return Fleet{
		Workers: 1000, RowsPerSecond: DefaultAssumptions().RowsPerSecond, BytesPerSec: 85e6, ChunkSeconds: 0.3, StartSeconds: 0.3,
		RampStart: 5, RampPerMinute: 300, SendPerSecond: 400, EntrySeconds: 0.03, RowBytes: DefaultAssumptions().RowBytes,
		WorkerGB: 1769.0 / 1024, Deadline: 298,
	}
}

// Run is what a fleet does with one file.
type Run struct {
	Bytes       float64 `json:"bytes"`
	Rows        float64 `json:"rows"`
	Chunks      float64 `json:"chunks"`
	ChunkBytes  float64 `json:"chunk_bytes"`
	Plan        float64 `json:"plan_s"`  // until the last chunk message is sent
	Chunk       float64 `json:"chunk_s"` // one chunk on one worker
	Busy        float64 `json:"busy_s"`  // of all workers together
	Peak        float64 `json:"peak_workers"`
	Close       float64 `json:"close_s"` // reading the ledger, writing the summary
	Seconds     float64 `json:"seconds"` // from the upload's announcement to the summary
	USD         float64 `json:"usd"`     // functions and requests; not what is kept
	Bound       string  `json:"bound"`   // what one chunk waits for: reading or scoring
	BeyondLimit bool    `json:"beyond_limit,omitempty"`
}

// rangeBytes is how much of an upload one request reads.
const rangeBytes = 2 << 20

// Capacity computes how long a fleet takes for a file of so many chunks, each of
// chunkBytes but the last, and what that costs. Chunks are alike and a worker
// takes the next one when it is done, so the time is that of the work divided
// by the workers there are, while their number rises.
func Capacity(p *Prices, f Fleet, size, chunkBytes float64) (*Run, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if !(size > 0 && chunkBytes > 0) || size > 1e18 {
		return nil, fmt.Errorf("size %v, chunks of %v: must be positive", size, chunkBytes)
	}
	r := &Run{Bytes: size, Rows: math.Round(size / f.RowBytes), ChunkBytes: min(chunkBytes, size), Chunks: math.Ceil(size / chunkBytes)}
	read, score := r.ChunkBytes/f.BytesPerSec, r.ChunkBytes/f.RowBytes/f.RowsPerSecond
	r.Chunk, r.Bound = f.ChunkSeconds+max(read, score), "scoring"
	if read > score {
		r.Bound = "reading"
	}
	r.BeyondLimit = r.Chunk > f.Deadline
	if r.Chunks > 1 {
		r.Plan = 1 + r.Chunks/f.SendPerSecond
	}
	r.Busy = r.Chunks * r.Chunk
	ramp, peak := f.ramp(r.Busy, min(f.Workers, r.Chunks))
	r.Peak = peak
	r.Close = 0.5 + math.Ceil(r.Chunks/16)*f.EntrySeconds
	// Workers begin as soon as the first messages are there.
	r.Seconds = f.StartSeconds + max(r.Plan, ramp) + r.Chunk + r.Close
	var err error
	r.USD, err = r.price(p, f)
	return r, err
}

// ramp is how long work, in worker-seconds, takes while workers are added, and
// how many there are in the end.
func (f *Fleet) ramp(work, most float64) (seconds, peak float64) {
	first, rate := min(f.RampStart, most), f.RampPerMinute/60
	full := (most - first) / rate // when all are there
	done := (first + most) / 2 * full
	if work >= done {
		return full + (work-done)/most, most
	}
	// first*t + rate*t^2/2 = work
	seconds = (math.Sqrt(first*first+2*rate*work) - first) / rate
	return seconds, first + rate*seconds
}

// price is what the run costs.
func (r *Run) price(p *Prices, f Fleet) (float64, error) {
	e := &Estimate{prices: p}
	e.add("lambda_request", "chunks", r.Chunks+1)
	e.add("lambda_gb_second", "chunks, plan and close", (r.Busy+r.Plan+r.Close+min(r.Peak, r.Chunks)*f.StartSeconds)*f.WorkerGB)
	e.add("s3_put", "parts, rejects, ledger entries, lists", r.Chunks*3+8)
	e.add("s3_get", "ranges of the upload", r.Chunks*math.Ceil(r.ChunkBytes/rangeBytes))
	e.add("s3_get", "plan, ledger and summary", r.Chunks*5+10)
	e.add("sqs_request", "messages", r.Chunks*3+3)
	usd := 0.0
	for _, i := range e.Items {
		usd += i.USD
	}
	return usd, e.err
}

func (f *Fleet) check() error {
	for name, v := range map[string]float64{
		"workers": f.Workers, "rows-per-second": f.RowsPerSecond, "bytes-per-second": f.BytesPerSec, "row-bytes": f.RowBytes,
		"ramp": f.RampStart, "ramp-per-minute": f.RampPerMinute, "messages-per-second": f.SendPerSecond, "memory": f.WorkerGB,
	} {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%s %v: must be positive", name, v)
		}
	}
	if f.Workers < 1 || f.RampStart < 1 {
		return errors.New("workers: must be 1 or more")
	}
	return nil
}
