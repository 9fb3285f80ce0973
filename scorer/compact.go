package scorer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

const (
	// clockSkew is how much the clocks of api, workers and store may differ.
	clockSkew = 15 * time.Minute
	// lateDays is how many merged days are looked at for files that came late.
	lateDays = 3
)

var (
	// ErrDayOpen is returned for a day that is not over long enough, or that
	// has a claim whose lease still runs.
	ErrDayOpen = errors.New("day is not closed yet")
	// errTwice is an application with two rows. It never happens.
	errTwice = errors.New("an application has two rows")
)

// CompactorOptions describe a compactor. Zero values are the defaults given.
type CompactorOptions struct {
	Objects Objects // required
	Folders Folders // of the bucket, required
	// CloseAfter is how long after its end a day is left alone, 2 h. It is
	// longer than the lease of any worker and half a minute, and than clocks
	// differ.
	CloseAfter time.Duration
	// Retention is how long a message may come back, 14 days.
	Retention time.Duration
	// DirectIntake says that documents may be named by API Gateway's request
	// ids, which tell no time: all of them are listed for every day.
	DirectIntake bool
	Now          func() time.Time // time.Now
	Logger       *slog.Logger     // required
}

// Compactor merges each closed day's result files of single applications into
// one, so that readers of history open one file a day.
//
// A day is closed when it ended CloseAfter ago and every claim that names a file
// of that day has its file. A claim without one is given up first: a tombstone
// takes the file's place, so that its worker, should it still live, can no
// longer commit. The day's files are then final, and the merged file is a
// function of them: the same bytes whoever merges, written once.
//
// It is safe for any number of compactors to run at the same time, and to die
// at any moment. It is not safe for concurrent use.
type Compactor struct {
	o      CompactorOptions
	decode func(data []byte) ([]parquet.Row, error)
	ids    func(in io.ReaderAt, size int64, add func(id []byte) error) error
	maxIDs int // held in memory at a time
}

// MergeState says what became of one day.
type MergeState string

// The states of a day.
const (
	DayMerged  MergeState = "merged"  // now
	DayAlready MergeState = "already" // before, or by another compactor
	DayOpen    MergeState = "open"    // a claim's lease still runs
)

// MergedDay is what was done for one day.
type MergedDay struct {
	Day    string     `json:"day"`
	State  MergeState `json:"state"`
	Files  int        `json:"files"`  // small files that were merged, tombstones included
	Rows   int64      `json:"rows"`   // of the merged file
	Bytes  int64      `json:"bytes"`  // of the merged file
	Fenced int        `json:"fenced"` // claims that were given up
	Late   int        `json:"late"`   // rows of small files that the merged file lacks
}

// NewCompactor returns a compactor, or an error that names the option at fault.
func NewCompactor(o CompactorOptions) (*Compactor, error) {
	switch {
	case o.Objects == nil || o.Folders == nil:
		return nil, errors.New("compactor: Objects and Folders: required")
	case o.Logger == nil:
		return nil, errors.New("compactor: Logger: required")
	case o.CloseAfter < 0 || o.Retention < 0:
		return nil, errors.New("compactor: CloseAfter and Retention must not be negative")
	}
	if o.CloseAfter == 0 {
		o.CloseAfter = 2 * time.Hour
	}
	if o.Retention == 0 {
		o.Retention = 14 * 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Compactor{o: o, decode: decodeResults, ids: idsIn, maxIDs: 2 << 20}, nil
}

// Compact merges every closed day that is not merged yet, the oldest first,
// and looks at the last merged ones for files that came late. What goes wrong
// with one day does not keep it from the others.
func (c *Compactor) Compact(ctx context.Context) ([]MergedDay, error) {
	days, err := c.days(ctx, status.ApplicationResultsPrefix)
	if err != nil {
		return nil, err
	}
	merged, err := c.days(ctx, status.DailyResultsPrefix)
	if err != nil {
		return nil, err
	}
	var done []MergedDay
	var errs []error
	for _, day := range days {
		if ctx.Err() != nil {
			return done, errors.Join(append(errs, ctx.Err())...)
		}
		if slices.Contains(merged, day) || !c.over(day) {
			continue
		}
		d, err := c.Day(ctx, day)
		if err != nil && !errors.Is(err, ErrDayOpen) {
			errs = append(errs, err)
			continue
		}
		done = append(done, d)
	}
	for _, day := range merged[max(0, len(merged)-lateDays):] {
		late, err := c.late(ctx, day)
		errs = append(errs, err)
		if late > 0 {
			done = append(done, MergedDay{Day: day, State: DayAlready, Late: late})
		}
	}
	return done, errors.Join(errs...)
}

// Day merges one day. The error wraps ErrDayOpen if it is too early for that.
func (c *Compactor) Day(ctx context.Context, day string) (MergedDay, error) {
	d := MergedDay{Day: day, State: DayAlready}
	if _, err := status.ParseDay(day); err != nil {
		return d, err
	}
	_, err := c.o.Objects.Head(ctx, status.DailyResultKey(day))
	switch {
	case err == nil:
		return d, nil
	case !errors.Is(err, store.ErrNotFound):
		return d, fmt.Errorf("day %s: %w", day, err)
	case !c.over(day):
		d.State = DayOpen
		return d, fmt.Errorf("day %s: %w: it is merged %s after its end", day, ErrDayOpen, c.o.CloseAfter)
	}
	began := c.o.Now()
	if d.Fenced, err = c.settle(ctx, day); err != nil {
		d.State = DayOpen
		return d, fmt.Errorf("day %s: %w", day, err)
	}
	if err := c.merge(ctx, &d); err != nil {
		return d, fmt.Errorf("day %s: %w", day, err)
	}
	c.o.Logger.LogAttrs(ctx, slog.LevelInfo, "day merged", slog.String("day", day), slog.String("state", string(d.State)),
		slog.Int("files", d.Files), slog.Int64("rows", d.Rows), slog.Int64("bytes", d.Bytes), slog.Int("fenced", d.Fenced),
		slog.Int64("took_ms", c.o.Now().Sub(began).Milliseconds()))
	return d, nil
}

// over reports whether the day ended long enough ago.
func (c *Compactor) over(day string) bool {
	start, err := status.ParseDay(day)
	return err == nil && !c.o.Now().Before(start.AddDate(0, 0, 1).Add(c.o.CloseAfter))
}

// days are the days that have objects below prefix, the oldest first.
func (c *Compactor) days(ctx context.Context, prefix string) ([]string, error) {
	folders, err := c.o.Folders.Folders(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var days []string
	for _, f := range folders {
		day, ok := strings.CutPrefix(strings.TrimSuffix(f, "/"), "dt=")
		if _, err := status.ParseDay(day); ok && err == nil {
			days = append(days, day)
		}
	}
	return days, nil
}
