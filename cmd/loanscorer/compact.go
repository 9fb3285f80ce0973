package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

const (
	// compactFirst is how long after its start a server first looks for days
	// to merge: what it was started for comes first.
	compactFirst = time.Minute
	compactEvery = time.Hour
	orphansEvery = 24 * time.Hour
)

// compacted is what compact prints as JSON.
type compacted struct {
	Days    []scorer.MergedDay `json:"days"`
	Orphans []scorer.Orphan    `json:"orphans"`
}

func compactCommand(s streams) *cobra.Command {
	var c connection
	var day, level string
	var direct, asJSON bool
	cmd := &cobra.Command{
		Use:   "compact",
		Short: "Merge each closed day's results of single applications into one file",
		Long: `Merge each closed day's results of single applications into one file,
results/applications_daily/dt=DAY/part-0.parquet, so that readers of history
open one file a day. It is written once, by whoever comes first; the small files
stay.

A day is closed two hours after its end (UTC), once every claim that names a
file of that day has its file; claims that were never committed are given up.
It also names the applications whose message is gone from the queues and that
have no result (orphans).

'loanscorer serve' does this by itself every hour. Where 'loanscorer worker' runs
alone, run this once a day.

Exit code 3: there are orphans, or results that came after their day was merged.`,
		Example: "  loanscorer compact\n  loanscorer compact --day 2026-03-01\n" +
			"  loanscorer compact --s3-endpoint aws --bucket my-bucket --region eu-west-1 --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLogger(s, level)
			if err != nil {
				return err
			}
			boundMemory()
			objects, err := c.store(cmd.Context())
			if err != nil {
				return err
			}
			compactor, err := newCompactor(objects, direct, log)
			if err != nil {
				return err
			}
			done, err := compactOnce(cmd.Context(), compactor, day)
			if err := errors.Join(err, done.print(s.out, asJSON)); err != nil {
				return err
			}
			return done.outcome()
		},
	}
	c.storeFlags(cmd.Flags())
	cmd.Flags().StringVar(&day, "day", "", "merge only this day, YYYY-MM-DD")
	cmd.Flags().BoolVar(&direct, "direct-intake", false, "API Gateway puts applications into the queue by itself")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	return cmd
}

func newCompactor(objects *store.Store, direct bool, log *slog.Logger) (*scorer.Compactor, error) {
	return scorer.NewCompactor(scorer.CompactorOptions{
		Objects: objects, Folders: objects, Retention: retention, DirectIntake: direct, Logger: log,
	})
}

// compactOnce merges one day, or every closed one and looks for orphans.
func compactOnce(ctx context.Context, c *scorer.Compactor, day string) (*compacted, error) {
	done := &compacted{Days: []scorer.MergedDay{}, Orphans: []scorer.Orphan{}}
	if day != "" {
		d, err := c.Day(ctx, day)
		done.Days = append(done.Days, d)
		return done, err
	}
	days, err := c.Compact(ctx)
	done.Days = append(done.Days, days...)
	orphans, orphansErr := c.Orphans(ctx)
	done.Orphans = append(done.Orphans, orphans...)
	return done, errors.Join(err, orphansErr)
}

func (done *compacted) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(done)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "DAY\tSTATE\tFILES\tROWS\tBYTES\tGIVEN UP\tLATE")
	for _, d := range done.Days {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\n", d.Day, d.State, d.Files, d.Rows, d.Bytes, d.Fenced, d.Late)
	}
	for _, o := range done.Orphans {
		_, _ = fmt.Fprintf(t, "orphan %s\tclaimed %s\n", o.ID, o.ClaimedAt.Format(time.RFC3339))
	}
	return t.Flush()
}

// outcome is errPartly where a person must look.
func (done *compacted) outcome() error {
	if len(done.Orphans) > 0 {
		return errPartly
	}
	for _, d := range done.Days {
		if d.Late > 0 {
			return errPartly
		}
	}
	return nil
}

// compact merges days and looks for orphans, now and then, until ctx is done.
func compact(ctx context.Context, c *scorer.Compactor, log *slog.Logger) {
	timer := time.NewTimer(compactFirst)
	defer timer.Stop()
	var looked time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			timer.Reset(compactEvery)
		}
		_, err := c.Compact(ctx)
		if time.Since(looked) >= orphansEvery {
			var orphansErr error
			if _, orphansErr = c.Orphans(ctx); orphansErr == nil {
				looked = time.Now()
			}
			err = errors.Join(err, orphansErr)
		}
		if err != nil && ctx.Err() == nil {
			log.LogAttrs(ctx, slog.LevelWarn, "days not merged", slog.String("error", err.Error()))
		}
	}
}
