package scorer

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// What a merged file holds in memory is bounded by the rows of a row group and
// by their size; one small file goes beyond it at most.
const (
	dailyGroup = 64 << 10
	dailyBytes = 16 << 20
)

// merge writes the day's file: the rows of its small files, in the order of
// their keys. The file appears whole or not at all, and never twice.
func (c *Compactor) merge(ctx context.Context, d *MergedDay) error {
	key := status.DailyResultKey(d.Day)
	files, rows := 0, int64(0)
	fill := func(ctx context.Context, out io.Writer) error {
		files, rows = 0, 0
		columns, _ := applicationColumns()
		t, held, size := newTable(out, columns), 0, 0
		err := eachFile(ctx, c, d.Day, c.decode, func(part []parquet.Row) error {
			files, rows, held = files+1, rows+int64(len(part)), held+len(part)
			for _, row := range part {
				size += sizeOf(row)
			}
			if err := t.write(part); err != nil || (held < dailyGroup && size < dailyBytes) {
				return err
			}
			held, size = 0, 0
			return t.w.Flush()
		})
		if err != nil {
			return err
		}
		return t.close()
	}
	o := store.PutOptions{ContentType: parquetType, Metadata: map[string]string{status.MetaFile: string(status.FileResults)}}
	sum, err := streamed(ctx, fill, func(ctx context.Context, r io.Reader) error {
		_, err := c.o.Objects.CreateFrom(ctx, key, r, o)
		return err
	})
	switch {
	case errors.Is(err, store.ErrExists): // another compactor's, or ours from a try whose answer was lost
		d.State = DayAlready
		return nil
	case err != nil:
		return err
	}
	d.State, d.Files, d.Rows, d.Bytes = DayMerged, files, rows, sum.size
	return nil
}

// late returns how many rows of the day's small files the merged file lacks.
// There are none unless a worker's clock was wrong by more than CloseAfter. It
// looks at files that are not older than the merged one, which are only the
// tombstones that settled the day.
func (c *Compactor) late(ctx context.Context, day string) (int, error) {
	merged, err := c.o.Objects.Head(ctx, status.DailyResultKey(day))
	if err != nil {
		return 0, err
	}
	var ids idSet
	for info, err := range c.o.Objects.List(ctx, status.ApplicationResultsDay(day), "") {
		if err != nil {
			return 0, err
		}
		if info.LastModified.Before(merged.LastModified.Add(-clockSkew)) || len(ids) >= c.maxIDs {
			continue
		}
		found, err := readFiles(ctx, c, []store.Info{info}, c.hashes)
		if err != nil {
			return 0, err
		}
		ids = append(ids, found[0]...)
	}
	missing, err := c.missing(ctx, merged, ids)
	if err != nil || missing == 0 {
		return 0, err
	}
	c.o.Logger.LogAttrs(ctx, slog.LevelError, "results came after their day was merged", slog.String("day", day),
		slog.Int("rows", missing), slog.Time("merged_at", merged.LastModified.UTC().Truncate(time.Second)))
	return missing, nil
}

// missing is how many of the ids the merged file has no row of.
func (c *Compactor) missing(ctx context.Context, merged store.Info, ids idSet) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	slices.SortFunc(ids, compareIDs)
	found := 0
	err := c.mergedIDs(ctx, merged, func(id idHashed) error {
		if ids.has(id) {
			found++
		}
		return nil
	})
	return len(ids) - found, err
}
