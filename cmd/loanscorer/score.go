package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/scorer"
)

type scoreOptions struct {
	output, rejects string
	report          string
	model           scorerFlags
	json            bool
	given           ingest.Given
	maxRejects      rejectLimit
}

func scoreCommand(s streams) *cobra.Command {
	var o scoreOptions
	cmd := &cobra.Command{
		Use:   "score IN.csv|-",
		Short: "Score a CSV file into a Parquet file, without a server",
		Long: `Score a local CSV file into a Parquet file with the code and the columns of the
service: probability, decision, and the reasons of every row that is not
approved. Rows that cannot be scored go to a rejects file with line, column, code
and reason. Both files appear when they are complete, not before. The file - is
the standard input.

How the file is written is detected on its first megabyte and printed: the
delimiter (comma, semicolon, tab, bar, or what a sep= line says), decimal points
or commas, the encoding, the line endings. The flags decide it instead.

With --shadow, the challenger's probability and decision stand beside the model's
in columns of their own, and the summary tells where the two part. The challenger
changes nothing else; rows that it alone cannot score have empty columns.`,
		Example: `  loanscorer score loans.csv -o decisions.parquet
  loanscorer score loans.csv -o decisions.parquet --rejects bad.csv --model forest.json --json
  loanscorer score loans.csv --reasons reasons.json
  unzip -p loans.zip may.csv | loanscorer score - -o may.parquet
  loanscorer score loans.csv -o compared.parquet --shadow challenger.json --report compared.html
  loanscorer score exportacao.csv --delimiter semicolon --decimal comma --encoding windows-1252`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.given.Check(); err != nil {
				return &usageError{err}
			}
			return runScore(cmd.Context(), s, args[0], o)
		},
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "", "Parquet file to write (default: IN.parquet)")
	cmd.Flags().StringVar(&o.rejects, "rejects", "", "CSV file for the rows that were not scored (default: IN.rejects.csv)")
	cmd.Flags().StringVar(&o.report, "report", "", "write a page with plots about the file to this HTML file")
	o.model.flags(cmd.Flags())
	cmd.Flags().BoolVar(&o.json, "json", false, "print the counts as JSON")
	dialectFlags(cmd.Flags(), &o.given)
	o.maxRejects.flag(cmd.Flags())
	return cmd
}

// dialectFlags are what can be said about how a file is written.
func dialectFlags(flags *pflag.FlagSet, given *ingest.Given) {
	flags.StringVar(&given.Delimiter, "delimiter", "", "comma, semicolon, tab, bar or a character (default: detected)")
	flags.StringVar(&given.Decimal, "decimal", "", "point or comma; with comma, 5.849 is read as 5849 (default: detected)")
	flags.StringVar(&given.Sheet, "sheet", "", "sheet of a workbook, or file in a zip archive (default: the first, the only one)")
	flags.StringVar(&given.Encoding, "encoding", "", "utf-8, utf-16le, utf-16be, windows-1252 or latin-1 (default: detected)")
}

// scoreRun is what came of scoring one file.
type scoreRun struct {
	scorer     *scorer.Scorer
	head       *ingest.Head
	tally      status.Tally
	stats      *status.Statistics
	rejects    string             // the file of the rows that were not scored
	duplicates *ingest.Duplicates // nil if the file has no Loan_ID
}

func runScore(ctx context.Context, s streams, path string, o scoreOptions) error {
	boundMemory()
	collectSeldom() // before the model is loaded
	if err := o.defaultPaths(path); err != nil {
		return err
	}
	if err := apart(path, o.output, o.rejects); err != nil {
		return err
	}
	if o.report != "" && (o.report == path || o.report == o.output || o.report == o.rejects) {
		return usagef("--report %s: is another of the files", o.report)
	}
	sc, err := o.model.scorer()
	if err != nil {
		return err
	}
	if err := sc.Unexplained(); err != nil {
		_, _ = fmt.Fprintf(s.err, "decisions carry no reasons: %v\n", err)
	}
	in, src, err := openSource(s.in, path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	path = sourceName(path)
	bar := newBar(s.err, max(src.Size, 0), "scoring")
	var tally status.Tally
	var head *ingest.Head
	began := time.Now()
	var many *scorer.TooManyRejects
	var duplicates *ingest.Duplicates
	err = writeBoth(o.output, o.rejects, func(out, rejects io.Writer) (bool, error) {
		var err error
		tally, err = scorer.ScoreFile(ctx, sc, src, out, scorer.FileOptions{
			DecidedAt: time.Now().UTC().Truncate(time.Millisecond), Rejects: rejects, Progress: bar.set,
			Given: o.given, Head: func(h *ingest.Head) { head = h }, MaxRejects: o.maxRejects.value(),
			Duplicates: func(d ingest.Duplicates) { duplicates = &d },
		})
		if errors.As(err, &many) {
			err = nil // what was scored until then is kept
		}
		return tally.RejectedRows() > 0, err
	})
	bar.done()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	ended := time.Now()
	run := &scoreRun{scorer: sc, head: head, tally: tally, stats: tally.Statistics(sc.References(), ended.Sub(began)), rejects: o.rejects, duplicates: duplicates}
	if o.report != "" {
		summary, err := localSummary(path, max(src.Size, 0), run, began, ended)
		if err != nil {
			return err
		}
		if err := writeReport(o.report, summary); err != nil {
			return err
		}
	}
	if err := printScore(s.out, run, o); err != nil && many == nil {
		return err
	}
	if many != nil {
		return fmt.Errorf("%s: stopped: %w; what was scored until then is in %s", path, many, o.output)
	}
	return nil
}

// rejectLimit is the flag --max-rejects.
type rejectLimit int64

func (l *rejectLimit) flag(flags *pflag.FlagSet) {
	flags.Int64Var((*int64)(l), "max-rejects", -1, "fail early when more rows than this are rejected; -1: never")
}

// value is the limit; nil if there is none.
func (l *rejectLimit) value() *int64 {
	if *l < 0 {
		return nil
	}
	n := int64(*l)
	return &n
}

// defaultPaths names the files to write that have no names yet, after the input.
func (o *scoreOptions) defaultPaths(path string) error {
	base := path
	switch ext := strings.ToLower(filepath.Ext(base)); {
	case path == standardInput && o.output == "":
		return usagef("-o is missing: the standard input has no name to make one of")
	case path == standardInput:
		base = o.output
	case ext == ".gz" || ext == ".zst":
		base = base[:len(base)-len(ext)]
	}
	base = strings.TrimSuffix(base, filepath.Ext(base))
	o.output = cmp.Or(o.output, base+".parquet")
	o.rejects = cmp.Or(o.rejects, base+".rejects.csv")
	return nil
}

// standardInput stands for it in place of a path.
const standardInput = "-"

// sourceName is how messages call a file.
func sourceName(path string) string {
	if path == standardInput {
		return "standard input"
	}
	return path
}

// openSource opens a file, or whatever else has a path, for reading.
func openSource(stdin io.Reader, path string) (io.Closer, ingest.Source, error) {
	if path == standardInput {
		return io.NopCloser(stdin), ingest.StreamSource(stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, ingest.Source{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, ingest.Source{}, errors.Join(err, f.Close())
	}
	if !info.Mode().IsRegular() {
		return f, ingest.StreamSource(f), nil
	}
	return f, ingest.FileSource(f, info.Size()), nil
}

// writeBoth makes two files that appear only when they are complete. The second
// appears only if it is wanted; otherwise one of an earlier run goes.
func writeBoth(first, second string, fill func(a, b io.Writer) (bool, error)) (err error) {
	a, err := newPending(first)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.drop()) }()
	b, err := newPending(second)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.drop()) }()
	both, err := fill(a, b)
	if err != nil {
		return err
	}
	if both {
		if err := b.publish(); err != nil {
			return err
		}
		return a.publish()
	}
	if err := os.Remove(second); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return a.publish()
}

// apart refuses to write two things to one place.
func apart(input, output, rejects string) error {
	same := func(a, b string) bool {
		x, err1 := os.Stat(a)
		y, err2 := os.Stat(b)
		pathA, err3 := filepath.Abs(a)
		pathB, err4 := filepath.Abs(b)
		return err3 == nil && err4 == nil && pathA == pathB || err1 == nil && err2 == nil && os.SameFile(x, y)
	}
	switch {
	case same(input, output):
		return usagef("-o %s: is the input", output)
	case same(input, rejects):
		return usagef("--rejects %s: is the input", rejects)
	case same(output, rejects):
		return usagef("--rejects %s: is the output", rejects)
	}
	return nil
}

// firstReasons lists the codes with their rows, most first.
func firstReasons(tally *status.Tally) string {
	var list []string
	for _, code := range tally.FirstReasons() {
		list = append(list, code+" "+count(tally.Reasons[code]))
	}
	return strings.Join(list, ", ")
}

func printScore(w io.Writer, run *scoreRun, o scoreOptions) error {
	head, tally, stats := run.head, &run.tally, run.stats
	rejected := tally.RejectedRows()
	if o.json {
		result := map[string]any{
			"rows": tally.Rows, "decided": tally.Decided, "rejected": tally.Rejected, "output": o.output,
			"dialect":    head.Dialect,
			"statistics": stats, "score_histogram": tally.Histogram,
		}
		if len(tally.Reasons) > 0 {
			result["reasons"] = tally.Reasons
		}
		if rejected > 0 {
			result["rejects"] = o.rejects
		}
		if shadow := run.scorer.Shadow(); shadow != nil {
			result["shadow"] = shadow
		}
		if run.duplicates != nil {
			result["duplicate_loan_ids"] = run.duplicates
		}
		if err := json.NewEncoder(w).Encode(result); err != nil {
			return err
		}
	} else {
		_, _ = fmt.Fprintf(w, "%s rows: %s approved, %s declined, %s referred, %s rejected\n", count(tally.Rows),
			count(tally.Decided["approved"]), count(tally.Decided["declined"]), count(tally.Decided["referred"]), count(rejected))
		if len(tally.Reasons) > 0 {
			_, _ = fmt.Fprintln(w, "first reasons: "+firstReasons(tally))
		}
		if len(stats.Areas) > 0 {
			_, _ = fmt.Fprintf(w, "approval rate %s: %s\n%s\n", percent(*stats.ApprovalRate), areaLine(stats), driftLine(stats))
		}
		if stats.Shadow != nil {
			_, _ = fmt.Fprintln(w, shadowLine(stats.Shadow))
			printShadow(w, "", run.scorer.Shadow(), stats.Shadow)
		}
		printDuplicates(w, "", run.duplicates)
		_, _ = fmt.Fprintf(w, "%s\nread as %v\n%s\n", pace(stats), head.Dialect, o.output)
		if rejected > 0 {
			_, _ = fmt.Fprintln(w, o.rejects)
		}
	}
	if rejected > 0 {
		return errPartly
	}
	return nil
}
