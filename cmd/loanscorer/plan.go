package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/cost"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/scorer"
)

type planOptions struct {
	size      string
	chunkSize int64
	memory    int
	measure   bool
	asJSON    bool
	fleet     cost.Fleet
}

func planCommand(s streams) *cobra.Command {
	o := planOptions{fleet: cost.DefaultFleet(), memory: 1769}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Compute how long a fleet of workers takes for a file, and the price",
		Long: `Compute how long Lambda workers take for a CSV file of a size, and what the functions
and requests cost: chunks, start-up, the rise of concurrency, reading, scoring,
closing. It is a model (docs/capacity.md says which); rows a second of one worker
are a measured figure, and --measure takes them on this machine, on one core.`,
		Example: `  loanscorer plan --size 100GB
  loanscorer plan --size 1TB --workers 500 --measure`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runPlan(cmd.Context(), s.out, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.size, "size", "", "of the CSV file: 800MB, 100GB, 1TB (powers of ten) or bytes; required")
	f.Int64Var(&o.chunkSize, "chunk-size", scorer.DefaultChunkSize, "bytes of a chunk; huge files get larger ones")
	f.IntVar(&o.memory, "memory", o.memory, "MB of a worker; 1769 is one processor, and less is less of one")
	f.BoolVar(&o.measure, "measure", false, "measure rows a second on this machine, on one core")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	f.Float64Var(&o.fleet.Workers, "workers", o.fleet.Workers, "workers at a time")
	f.Float64Var(&o.fleet.RowsPerSecond, "rows-per-second", o.fleet.RowsPerSecond, "of one worker")
	f.Float64Var(&o.fleet.RowBytes, "row-bytes", o.fleet.RowBytes, "of a row of CSV")
	f.Float64Var(&o.fleet.BytesPerSec, "bytes-per-second", o.fleet.BytesPerSec, "that one worker reads from S3")
	return cmd
}

// planAnswer is the JSON of plan.
type planAnswer struct {
	*cost.Run
	Fleet    cost.Fleet `json:"fleet"`
	Measured bool       `json:"rows_per_second_measured_here"`
	PricesOf string     `json:"prices_as_of"`
}

func runPlan(ctx context.Context, out io.Writer, o *planOptions) error {
	size, err := bytesOf(o.size)
	if err != nil {
		return usagef("--size %s: %w", o.size, err)
	}
	if o.chunkSize < minChunk || o.chunkSize > maxChunk {
		return usagef("--chunk-size %d: must be between %d and %d", o.chunkSize, minChunk, maxChunk)
	}
	if o.memory < 128 || o.memory > 10240 {
		return usagef("--memory %d: must be between 128 and 10240", o.memory)
	}
	if o.measure {
		if o.fleet.RowsPerSecond, o.fleet.RowBytes, err = measureRows(ctx); err != nil {
			return err
		}
	}
	o.fleet.WorkerGB = float64(o.memory) / 1024
	o.fleet.RowsPerSecond *= min(1, float64(o.memory)/1769) // a worker scores on one processor
	prices, err := cost.LoadPrices()
	if err != nil {
		return err
	}
	run, err := cost.Capacity(prices, o.fleet, size, float64(scorer.ChunkSize(o.chunkSize, int64(size))))
	if err != nil {
		return &usageError{err}
	}
	if o.asJSON {
		return json.NewEncoder(out).Encode(planAnswer{Run: run, Fleet: o.fleet, Measured: o.measure, PricesOf: prices.AsOf})
	}
	return printPlan(out, run, &o.fleet, prices)
}

func printPlan(out io.Writer, r *cost.Run, f *cost.Fleet, p *cost.Prices) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { _, _ = fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	line("file", "%s, %s rows", size10(r.Bytes), count(int64(r.Rows)))
	line("chunks", "%s of %s", count(int64(r.Chunks)), size10(r.ChunkBytes))
	line("a chunk", "%.2f s on one worker, bound by %s", r.Chunk, r.Bound)
	line("workers", "%s at most, of %s", count(int64(r.Peak)), count(int64(f.Workers)))
	line("busy", "%s of all workers together", seconds(r.Busy))
	line("time", "%s, %s of it to send the chunks, %s to close", seconds(r.Seconds), seconds(r.Plan), seconds(r.Close))
	line("speed", "%.1f M rows/s, %s/s", r.Rows/r.Seconds/1e6, size10(r.Bytes/r.Seconds))
	line("price", "%s USD for functions and requests, %.4f a million rows (%s, %s)", dollars(r.USD), r.USD/r.Rows*1e6, p.Region, p.AsOf)
	if r.BeyondLimit {
		line("limit", "a chunk takes longer than the function may run: use a smaller --chunk-size or more --memory")
	}
	return w.Flush()
}

// bytesOf reads 800MB, 1.5TB or a number of bytes.
func bytesOf(text string) (float64, error) {
	number, factor := strings.TrimSpace(text), 1.0
	for suffix, times := range map[string]float64{"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, factor = rest, times
			break
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || !(n*factor >= 1 && n*factor <= 1e16) {
		return 0, errors.New("must be a size such as 800MB, 100GB or 1TB")
	}
	return n * factor, nil
}

func size10(n float64) string {
	for _, unit := range []struct {
		of   float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if n >= unit.of {
			return strconv.FormatFloat(n/unit.of, 'g', 4, 64) + " " + unit.name
		}
	}
	return strconv.FormatFloat(n, 'f', 0, 64) + " bytes"
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(100 * time.Millisecond).String()
}

// measureRows scores made-up rows for a second or so, on one core, with the
// built-in model.
func measureRows(ctx context.Context) (perSecond, rowBytes float64, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s, err := scorer.New(model.Default())
	if err != nil {
		return 0, 0, err
	}
	head, rows, _ := bytes.Cut(sampleCSV, []byte("\n"))
	text := append(append(bytes.Clone(head), '\n'), bytes.Repeat(rows, (scorer.DefaultChunkSize-len(head))/len(rows))...)
	src := ingest.FileSource(bytes.NewReader(text), int64(len(text)))
	o := scorer.FileOptions{DecidedAt: time.Unix(0, 0), Rejects: io.Discard}
	if _, err := scorer.ScoreFile(ctx, s, src, io.Discard, o); err != nil { // warms caches and tables
		return 0, 0, err
	}
	var n int64
	start := time.Now()
	for time.Since(start) < time.Second {
		tally, err := scorer.ScoreFile(ctx, s, src, io.Discard, o)
		if err != nil {
			return 0, 0, err
		}
		n += tally.Rows
	}
	took := time.Since(start).Seconds()
	return float64(n) / took, float64(len(rows)) / float64(bytes.Count(rows, []byte("\n"))), nil
}
