package lookup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/loanscorer/loanscorer/internal/status"
)

// column is the published name of what is looked up.
const column = "Loan_ID"

// Match is one row: its columns in the order of the file.
type Match struct {
	Names  []string
	Values []any // string, float64, int64, time.Time or nil
}

// Map returns the row by column.
func (m *Match) Map() map[string]any {
	row := make(map[string]any, len(m.Names))
	for i, name := range m.Names {
		row[name] = m.Values[i]
	}
	return row
}

// searchPart returns the rows of the row groups of one part.
func (m *meter) searchPart(ctx context.Context, part status.Object, tail int64, groups []candidate, loanID string) ([]Match, error) {
	r := &ranges{ctx: ctx, m: m, key: part.Key, size: part.Size}
	if err := r.fetch(ctx, []span{{from: tail, to: part.Size}}); err != nil {
		return nil, err
	}
	file, err := parquet.OpenFile(r, part.Size, parquet.SkipMagicBytes(true), parquet.SkipPageIndex(true),
		parquet.SkipBloomFilters(true), parquet.ReadBufferSize(readAhead))
	if err != nil {
		return nil, fmt.Errorf("%q: %w", part.Key, err)
	}
	leaf, ok := file.Schema().Lookup(column)
	if !ok {
		return nil, fmt.Errorf("%q has no %s", part.Key, column)
	}
	var matches []Match
	for _, c := range groups {
		if c.group >= len(file.RowGroups()) {
			return nil, fmt.Errorf("%q has no row group %d", part.Key, c.group)
		}
		s := &search{r: r, file: file, group: c.group, chunks: file.RowGroups()[c.group].ColumnChunks()}
		rows, err := s.rows(ctx, leaf.ColumnIndex, loanID, c.pages)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", part.Key, err)
		}
		found, err := s.read(ctx, rows)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", part.Key, err)
		}
		matches = append(matches, found...)
	}
	return matches, nil
}

// search is a look-up in one row group.
type search struct {
	r      *ranges
	file   *parquet.File
	group  int
	chunks []parquet.ColumnChunk
}

// rows are the rows of the group whose Loan_ID it is. Of its pages only those
// that passing says are read; nil says nothing.
func (s *search) rows(ctx context.Context, leaf int, loanID string, passing []bool) ([]int64, error) {
	offsets, err := s.chunks[leaf].OffsetIndex()
	if err != nil {
		return nil, err
	}
	bounds, err := s.chunks[leaf].ColumnIndex()
	if errors.Is(err, parquet.ErrMissingColumnIndex) { // ids too long for bounds
		bounds, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	if passing != nil && len(passing) != offsets.NumPages() {
		return nil, fmt.Errorf("%s has %d pages, filters of %d", column, offsets.NumPages(), len(passing))
	}
	var pages []int
	spans := s.dictionary(leaf)
	for p := range offsets.NumPages() {
		if passing != nil && !passing[p] || bounds != nil && outside(bounds, p, loanID) {
			continue
		}
		pages = append(pages, p)
		spans = append(spans, pageSpan(offsets, p))
	}
	if len(pages) == 0 {
		return nil, nil
	}
	if err := s.r.fetch(ctx, spans); err != nil {
		return nil, err
	}
	reader := s.chunks[leaf].Pages()
	defer func() { _ = reader.Close() }()
	var rows []int64
	for _, p := range pages {
		first := offsets.FirstRowIndex(p)
		err := eachValue(reader, first, func(i int64, v parquet.Value) bool {
			if !v.IsNull() && string(v.ByteArray()) == loanID {
				rows = append(rows, first+i)
			}
			return len(rows) <= MaxMatches
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// outside reports whether the page's bounds leave no room for the Loan_ID.
func outside(bounds parquet.ColumnIndex, page int, loanID string) bool {
	return bounds.NullPage(page) || string(bounds.MinValue(page).ByteArray()) > loanID || string(bounds.MaxValue(page).ByteArray()) < loanID
}

// eachValue calls f with the values from row on to the end of its page, as long
// as it returns true.
func eachValue(pages parquet.Pages, row int64, f func(i int64, v parquet.Value) bool) error {
	if err := pages.SeekToRow(row); err != nil {
		return err
	}
	page, err := pages.ReadPage()
	if err != nil {
		return err
	}
	defer parquet.Release(page)
	values, buf := page.Values(), make([]parquet.Value, 256)
	for i := int64(0); ; {
		n, err := values.ReadValues(buf)
		for _, v := range buf[:n] {
			if !f(i, v) {
				return nil
			}
			i++
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// read returns rows of the group. The pages that they are in are read together.
func (s *search) read(ctx context.Context, rows []int64) ([]Match, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	var spans []span
	for c := range s.chunks {
		spans = append(spans, s.dictionary(c)...)
		offsets, err := s.chunks[c].OffsetIndex()
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			for p := offsets.NumPages() - 1; p >= 0; p-- {
				if offsets.FirstRowIndex(p) <= row {
					spans = append(spans, pageSpan(offsets, p))
					break
				}
			}
		}
	}
	if err := s.r.fetch(ctx, spans); err != nil {
		return nil, err
	}
	matches := make([]Match, len(rows))
	for c, f := range s.file.Schema().Fields() {
		if err := s.readColumn(c, f, rows, matches); err != nil {
			return nil, err
		}
	}
	return matches, nil
}

func (s *search) readColumn(c int, f parquet.Field, rows []int64, matches []Match) error {
	pages := s.chunks[c].Pages()
	defer func() { _ = pages.Close() }()
	for next := 0; next < len(rows); { // a page at a time
		first := rows[next]
		err := eachValue(pages, first, func(i int64, v parquet.Value) bool {
			if first+i == rows[next] {
				matches[next].Names = append(matches[next].Names, f.Name())
				matches[next].Values = append(matches[next].Values, valueOf(f, v))
				next++
			}
			return next < len(rows)
		})
		if err != nil {
			return err
		}
		if next < len(rows) && rows[next] == first {
			return fmt.Errorf("column %q ends before row %d", f.Name(), first)
		}
	}
	return nil
}

func valueOf(f parquet.Field, v parquet.Value) any {
	switch {
	case v.IsNull():
		return nil
	case v.Kind() == parquet.Double:
		return v.Double()
	case v.Kind() != parquet.Int64:
		return string(v.ByteArray())
	}
	if t := f.Type().LogicalType(); t != nil {
		if _, ok := t.Value.(*format.TimestampType); ok {
			return time.UnixMicro(v.Int64()).UTC()
		}
	}
	return v.Int64()
}

// dictionary is where the dictionary of a column is, if it has one.
func (s *search) dictionary(c int) []span {
	meta := &s.file.Metadata().RowGroups[s.group].Columns[c].MetaData
	if meta.DictionaryPageOffset == 0 {
		return nil
	}
	return []span{{from: meta.DictionaryPageOffset, to: meta.DataPageOffset}}
}

func pageSpan(offsets parquet.OffsetIndex, p int) span {
	return span{from: offsets.Offset(p), to: offsets.Offset(p) + offsets.CompressedPageSize(p)}
}
