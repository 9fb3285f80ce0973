package scorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"golang.org/x/sync/errgroup"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

const (
	// maxResults is the largest file of one attempt that is read, in bytes.
	maxResults = 64 << 20
	// maxResultRows is the most rows of a row group: twice what the merge makes.
	maxResultRows = 2 * dailyGroup
	// bytesAhead bounds the files that are read at the same time.
	bytesAhead = 8 << 20
)

// errColumns is a result file that has other columns than ours.
var errColumns = errors.New("result file has other columns")

// eachFile reads the day's small files in the order of their keys, some ahead,
// and hands over what use makes of each. use runs at the same time for several
// files, hand for one after the other.
func eachFile[T any](ctx context.Context, c *Compactor, day string, use func(data []byte) (T, error), hand func(T) error) error {
	var ahead []store.Info
	size := int64(0)
	flush := func() error {
		made, err := readFiles(ctx, c, ahead, use)
		if err != nil {
			return err
		}
		ahead, size = ahead[:0], 0
		for _, m := range made {
			if err := hand(m); err != nil {
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
			if err := flush(); err != nil {
				return err
			}
		}
		ahead, size = append(ahead, info), size+info.Size
	}
	return flush()
}

// readFiles makes something of each of some files.
func readFiles[T any](ctx context.Context, c *Compactor, files []store.Info, use func(data []byte) (T, error)) ([]T, error) {
	made := make([]T, len(files))
	group, ctx := errgroup.WithContext(ctx)
	for i := range files {
		group.Go(func() error {
			data, _, err := c.o.Objects.Get(ctx, files[i].Key, maxResults)
			if err != nil {
				return err
			}
			return guarded(func() (err error) {
				if made[i], err = use(data); err != nil {
					err = fmt.Errorf("%q: %w", files[i].Key, err)
				}
				return err
			})
		})
	}
	return made, group.Wait()
}

// hashes are the hashed ids of a file in memory.
func (c *Compactor) hashes(data []byte) (ids idSet, err error) {
	err = c.ids(bytes.NewReader(data), int64(len(data)), func(id []byte) error {
		ids = append(ids, idHash(id))
		return nil
	})
	return ids, err
}

// decodeResults returns the rows of a result file of single applications, in
// the layout that this version writes. A column that the file lacks is null; a
// file with a column that we do not know is refused, so that merging loses
// nothing that a newer version wrote.
func decodeResults(data []byte) ([]parquet.Row, error) {
	file, err := openResults(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	from, err := sources(file.Schema())
	if err != nil {
		return nil, err
	}
	var rows []parquet.Row
	buf := valuesFor(file)
	for _, group := range file.RowGroups() {
		part, err := decodeGroup(group, from, buf)
		if err != nil {
			return nil, err
		}
		rows = append(rows, part...)
	}
	return rows, nil
}

// decodeGroup reads a row group column by column, which for files of a few
// rows is a good deal faster than row by row.
func decodeGroup(group parquet.RowGroup, from []int, buf []parquet.Value) ([]parquet.Row, error) {
	if n := group.NumRows(); n < 0 || n > maxResultRows {
		return nil, fmt.Errorf("%d rows, at most %d", n, maxResultRows)
	}
	n, columns := int(group.NumRows()), len(from)
	values := make([]parquet.Value, n*columns)
	rows := make([]parquet.Row, n)
	for k := range rows {
		rows[k] = values[k*columns : (k+1)*columns]
	}
	chunks := group.ColumnChunks()
	for i, source := range from {
		if source < 0 {
			for k := range rows {
				rows[k][i] = parquet.NullValue().Level(0, 0, i)
			}
			continue
		}
		k := 0
		err := eachValue(chunks[source], buf, func(v parquet.Value) error {
			if k == n {
				return fmt.Errorf("%w: more values than rows", errColumns)
			}
			v = v.Clone()
			rows[k][i] = v.Level(0, v.DefinitionLevel(), i)
			k++
			return nil
		})
		if err == nil && k < n {
			err = fmt.Errorf("%w: fewer values than rows", errColumns)
		}
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// openResults opens a file that this program wrote: packed with zstd. Some of
// the library's other codecs do not end on broken input.
func openResults(in io.ReaderAt, size int64) (*parquet.File, error) {
	file, err := parquet.OpenFile(in, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(1<<20))
	if err != nil {
		return nil, err
	}
	for _, group := range file.Metadata().RowGroups {
		for i := range group.Columns {
			if codec := group.Columns[i].MetaData.Codec; codec != format.Zstd {
				return nil, fmt.Errorf("%w: one is packed with %s", errColumns, codec)
			}
		}
	}
	return file, nil
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
func (c *Compactor) eachID(ctx context.Context, day string, add func(id idHashed) error) error {
	info, err := c.o.Objects.Head(ctx, status.DailyResultKey(day))
	switch {
	case err == nil:
		return c.mergedIDs(ctx, info, add)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	return eachFile(ctx, c, day, c.hashes, func(ids idSet) error {
		for _, id := range ids {
			if err := add(id); err != nil {
				return err
			}
		}
		return nil
	})
}

// mergedIDs reads the ids of a merged file, and of the file nothing else.
func (c *Compactor) mergedIDs(ctx context.Context, info store.Info, add func(id idHashed) error) error {
	in := &objectReader{ctx: ctx, objects: c.o.Objects, ref: info.Ref()}
	if err := c.ids(in, info.Size, func(id []byte) error { return add(idHash(id)) }); err != nil {
		return fmt.Errorf("%q: %w", info.Key, err)
	}
	return nil
}

// valuesFor is a buffer for the values of a file. It is never empty: a read
// into nothing would not end.
func valuesFor(file *parquet.File) []parquet.Value {
	return make([]parquet.Value, max(1, min(file.NumRows(), 1024)))
}

// idsIn reads the ids of a result file.
func idsIn(in io.ReaderAt, size int64, add func(id []byte) error) error {
	file, err := openResults(in, size)
	if err != nil {
		return err
	}
	leaf, ok := file.Schema().Lookup(colApplicationID)
	if !ok {
		return fmt.Errorf("%w: no %s", errColumns, colApplicationID)
	}
	buf := valuesFor(file)
	for _, group := range file.RowGroups() {
		chunk := group.ColumnChunks()[leaf.ColumnIndex]
		if err := eachValue(chunk, buf, func(v parquet.Value) error { return add(v.ByteArray()) }); err != nil {
			return err
		}
	}
	return nil
}

// eachValue reads one column of one row group. A value is good until use
// returns.
func eachValue(chunk parquet.ColumnChunk, buf []parquet.Value, use func(parquet.Value) error) (err error) {
	pages := chunk.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = pageValues(page, buf, use)
		parquet.Release(page)
		if err != nil {
			return err
		}
	}
}

func pageValues(page parquet.Page, buf []parquet.Value, use func(parquet.Value) error) error {
	reader := page.Values()
	for {
		n, err := reader.ReadValues(buf)
		if n == 0 && err == nil {
			return io.ErrNoProgress
		}
		for i := range buf[:n] {
			if err := use(buf[i]); err != nil {
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
