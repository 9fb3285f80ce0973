package scorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

const (
	// maxResults is the largest file of one attempt that is read, in bytes.
	maxResults = 64 << 20
	// bytesAhead bounds the files that are read at the same time.
	bytesAhead = 8 << 20
)

// errColumns is a result file that has other columns than ours.
var errColumns = errors.New("result file has other columns")

// eachFile reads the day's small files in the order of their keys, some ahead,
// and hands over their rows.
func (c *Compactor) eachFile(ctx context.Context, day string, use func([]parquet.Row) error) error {
	var ahead []store.Info
	size := int64(0)
	hand := func() error {
		rows, err := c.read(ctx, ahead)
		if err != nil {
			return err
		}
		ahead, size = ahead[:0], 0
		for _, r := range rows {
			if err := use(r); err != nil {
				return err
			}
		}
		return nil
	}
	for info, err := range c.o.Objects.List(ctx, status.ApplicationResultsDay(day), "") {
		if err != nil {
			return err
		}
		if len(ahead) == compactParallel || (len(ahead) > 0 && size+info.Size > bytesAhead) {
			if err := hand(); err != nil {
				return err
			}
		}
		ahead, size = append(ahead, info), size+info.Size
	}
	return hand()
}

// read returns the rows of some files.
func (c *Compactor) read(ctx context.Context, files []store.Info) ([][]parquet.Row, error) {
	rows := make([][]parquet.Row, len(files))
	group, ctx := errgroup.WithContext(ctx)
	for i := range files {
		group.Go(func() error {
			data, _, err := c.o.Objects.Get(ctx, files[i].Key, maxResults)
			if err != nil {
				return err
			}
			return guarded(func() (err error) {
				if rows[i], err = c.decode(data); err != nil {
					err = fmt.Errorf("%q: %w", files[i].Key, err)
				}
				return err
			})
		})
	}
	return rows, group.Wait()
}

// decodeResults returns the rows of a result file of single applications, in
// the layout that this version writes. A column that the file lacks is null; a
// file with a column that we do not know is refused, so that merging loses
// nothing that a newer version wrote.
func decodeResults(data []byte) ([]parquet.Row, error) {
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, err
	}
	from, err := sources(file.Schema())
	if err != nil {
		return nil, err
	}
	var rows []parquet.Row
	buf := make([]parquet.Row, 64)
	for _, group := range file.RowGroups() {
		reader := group.Rows()
		for {
			n, err := reader.ReadRows(buf)
			for _, row := range buf[:n] {
				rows = append(rows, arrange(row, from))
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, errors.Join(err, reader.Close())
			}
		}
		if err := reader.Close(); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// sources maps each of our columns to the file's, -1 where it has none.
func sources(schema *parquet.Schema) ([]int, error) {
	columns, _ := applicationColumns()
	from := make([]int, len(columns))
	known := 0
	for i, c := range columns {
		leaf, ok := schema.Lookup(c.name)
		switch {
		case ok && leaf.Node.Type().Kind() != c.node.Type().Kind():
			return nil, fmt.Errorf("%w: %s is %s", errColumns, c.name, leaf.Node.Type())
		case ok:
			from[i] = leaf.ColumnIndex
			known++
		case !c.node.Optional():
			return nil, fmt.Errorf("%w: no %s", errColumns, c.name)
		default:
			from[i] = -1
		}
	}
	if all := len(schema.Columns()); all != known {
		return nil, fmt.Errorf("%w: %d that this version does not know", errColumns, all-known)
	}
	return from, nil
}

// arrange copies a row into our layout.
func arrange(row parquet.Row, from []int) parquet.Row {
	out := make(parquet.Row, len(from))
	for i, n := range from {
		if n < 0 {
			out[i] = parquet.NullValue().Level(0, 0, i)
			continue
		}
		v := row[n].Clone()
		out[i] = v.Level(0, v.DefinitionLevel(), i)
	}
	return out
}

// sizeOf is about what a row takes in memory.
func sizeOf(row parquet.Row) int {
	n := 0
	for i := range row {
		n += 8
		if row[i].Kind() == parquet.ByteArray {
			n += len(row[i].ByteArray())
		}
	}
	return n
}

// idColumn is the index of the application's id in our layout.
func idColumn() int {
	columns, _ := applicationColumns()
	return slices.IndexFunc(columns, func(c column) bool { return c.name == colApplicationID })
}

// eachID tells every application that has a row of the day: from the merged
// file where there is one, otherwise from the small ones.
func (c *Compactor) eachID(ctx context.Context, day string, add func(id []byte) error) error {
	info, err := c.o.Objects.Head(ctx, status.DailyResultKey(day))
	switch {
	case err == nil:
		return c.mergedIDs(ctx, info, add)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	at := idColumn()
	return c.eachFile(ctx, day, func(rows []parquet.Row) error {
		for _, row := range rows {
			if err := add(row[at].ByteArray()); err != nil {
				return err
			}
		}
		return nil
	})
}

// mergedIDs reads the ids of a merged file, and of the file nothing else.
func (c *Compactor) mergedIDs(ctx context.Context, info store.Info, add func(id []byte) error) error {
	in := &objectReader{ctx: ctx, objects: c.o.Objects, ref: info.Ref()}
	if err := c.ids(in, info.Size, add); err != nil {
		return fmt.Errorf("%q: %w", info.Key, err)
	}
	return nil
}

// idsIn reads the ids of a result file.
func idsIn(in io.ReaderAt, size int64, add func(id []byte) error) error {
	file, err := parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true),
		parquet.ReadBufferSize(1<<20))
	if err != nil {
		return err
	}
	leaf, ok := file.Schema().Lookup(colApplicationID)
	if !ok {
		return fmt.Errorf("%w: no %s", errColumns, colApplicationID)
	}
	for _, group := range file.RowGroups() {
		if err := columnIDs(group.ColumnChunks()[leaf.ColumnIndex], add); err != nil {
			return err
		}
	}
	return nil
}

// columnIDs reads one column of one row group.
func columnIDs(chunk parquet.ColumnChunk, add func(id []byte) error) (err error) {
	pages := chunk.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	values := make([]parquet.Value, 1024)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = pageIDs(page, values, add)
		parquet.Release(page)
		if err != nil {
			return err
		}
	}
}

func pageIDs(page parquet.Page, values []parquet.Value, add func(id []byte) error) error {
	reader := page.Values()
	for {
		n, err := reader.ReadValues(values)
		for i := range values[:n] {
			if err := add(values[i].ByteArray()); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// objectReader reads ranges of an object.
type objectReader struct {
	ctx     context.Context //nolint:containedctx // io.ReaderAt takes none
	objects Streams
	ref     store.Ref
}

// ReadAt implements io.ReaderAt.
func (r *objectReader) ReadAt(p []byte, offset int64) (int, error) {
	if offset >= r.ref.Size {
		return 0, io.EOF
	}
	part, short := r.ref, false
	if end := offset + int64(len(p)); end < part.Size {
		part.Size = end
	} else if end > part.Size {
		p, short = p[:part.Size-offset], true
	}
	in, err := r.objects.Open(r.ctx, part, offset, store.OpenOptions{})
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(in, p)
	if err = errors.Join(err, in.Close()); err == nil && short {
		err = io.EOF
	}
	return n, err
}
