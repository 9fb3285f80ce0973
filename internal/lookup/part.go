package lookup

import (
	"context"
	"fmt"
	"time"

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

// searchPart returns the rows of the row groups of one part, up to one more
// than MaxMatches.
func (m *meter) searchPart(ctx context.Context, part status.Object, from int64, groups []candidate, loanID string) ([]Match, error) {
	t, err := m.readTail(ctx, part, from)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", part.Key, err)
	}
	leaf := -1
	for i := range t.columns() {
		if e := &t.columns()[i]; e.Name == column && e.Type.V == format.ByteArray {
			leaf = i
		}
	}
	if leaf < 0 {
		return nil, fmt.Errorf("%q: %w", part.Key, damaged("no %s", column))
	}
	var matches []Match
	for _, c := range groups {
		if c.group >= len(t.meta.RowGroups) {
			return nil, fmt.Errorf("%q: %w", part.Key, damaged("no row group %d", c.group))
		}
		s := &search{
			r: &ranges{m: m, key: part.Key, size: from, left: maxGroup}, tail: t, columns: t.meta.RowGroups[c.group].Columns,
			zstd: new(zstdDecoder),
		}
		found, err := s.find(ctx, leaf, loanID, c.pages)
		s.zstd.close()
		if err != nil {
			return nil, fmt.Errorf("%q: %w", part.Key, err)
		}
		if matches = append(matches, found...); len(matches) > MaxMatches {
			break
		}
	}
	return matches, nil
}

// search is a look-up in one row group.
type search struct {
	r       *ranges
	tail    *tail
	columns []format.ColumnChunk
	zstd    *zstdDecoder
}

// find returns the rows of the group whose Loan_ID it is. Of the pages of
// Loan_ID only those that passing says are read; nil says nothing.
func (s *search) find(ctx context.Context, leaf int, loanID string, passing []bool) ([]Match, error) {
	rows, err := s.rows(ctx, leaf, loanID, passing)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return s.read(ctx, rows)
}

// rows are the rows of the group whose Loan_ID it is, ascending.
func (s *search) rows(ctx context.Context, leaf int, loanID string, passing []bool) ([]int64, error) {
	locations, bounds, err := s.tail.pages(&s.columns[leaf])
	if err != nil {
		return nil, err
	}
	if passing != nil && len(passing) != len(locations) {
		return nil, damaged("%s has %d pages, filters of %d", column, len(locations), len(passing))
	}
	var pages []format.PageLocation
	for p := range locations {
		if passing != nil && !passing[p] || bounds != nil && outside(bounds, p, loanID) {
			continue
		}
		pages = append(pages, locations[p])
	}
	if len(pages) == 0 {
		return nil, nil
	}
	r, err := s.open(ctx, leaf, pages)
	if err != nil {
		return nil, err
	}
	var rows []int64
	for _, at := range pages {
		p, err := s.page(ctx, r, at)
		if err != nil {
			return nil, err
		}
		next := 0
		for row := range p.rows {
			if !p.has(row) {
				continue
			}
			if p.texts[next] == loanID && len(rows) <= MaxMatches {
				rows = append(rows, at.FirstRowIndex+int64(row))
			}
			next++
		}
	}
	return rows, nil
}

// outside reports whether the page's bounds leave no room for the Loan_ID.
func outside(bounds *format.ColumnIndex, page int, loanID string) bool {
	return bounds.NullPages[page] || string(bounds.MinValues[page]) > loanID || string(bounds.MaxValues[page]) < loanID
}

// open fetches pages of a column, and its dictionary if it has one.
func (s *search) open(ctx context.Context, c int, pages []format.PageLocation) (*pageReader, error) {
	meta, e := &s.columns[c].MetaData, &s.tail.columns()[c]
	r := &pageReader{zstd: s.zstd, codec: meta.Codec, kind: e.Type.V, optional: e.RepetitionType.V == format.Optional}
	spans := s.dictionary(c)
	for _, at := range pages {
		spans = append(spans, spanOf(at))
	}
	if err := s.r.fetch(ctx, spans); err != nil {
		return nil, err
	}
	for _, at := range s.dictionary(c) {
		data, err := s.r.bytes(ctx, at)
		if err != nil {
			return nil, err
		}
		if err := r.dictionary(data); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// page decodes a data page.
func (s *search) page(ctx context.Context, r *pageReader, at format.PageLocation) (*page, error) {
	data, err := s.r.bytes(ctx, spanOf(at))
	if err != nil {
		return nil, err
	}
	return r.data(data)
}

// read returns rows of the group. The pages that they are in are read together.
func (s *search) read(ctx context.Context, rows []int64) ([]Match, error) {
	pages, spans := make([][]format.PageLocation, len(s.columns)), []span(nil)
	for c := range s.columns {
		locations, _, err := s.tail.pages(&s.columns[c])
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			p := len(locations) - 1
			for p >= 0 && locations[p].FirstRowIndex > row {
				p--
			}
			if p < 0 {
				return nil, damaged("no page of row %d", row)
			}
			if n := len(pages[c]); n == 0 || pages[c][n-1] != locations[p] {
				pages[c] = append(pages[c], locations[p])
				spans = append(spans, spanOf(locations[p]))
			}
		}
		spans = append(spans, s.dictionary(c)...)
	}
	if err := s.r.fetch(ctx, spans); err != nil {
		return nil, err
	}
	matches := make([]Match, len(rows))
	for c := range s.columns {
		if err := s.readColumn(ctx, c, pages[c], rows, matches); err != nil {
			return nil, fmt.Errorf("column %q: %w", s.tail.columns()[c].Name, err)
		}
	}
	return matches, nil
}

// readColumn adds the values of a column to the matches.
func (s *search) readColumn(ctx context.Context, c int, pages []format.PageLocation, rows []int64, matches []Match) error {
	r, err := s.open(ctx, c, pages)
	if err != nil {
		return err
	}
	e, next := &s.tail.columns()[c], 0
	for _, at := range pages {
		p, err := s.page(ctx, r, at)
		if err != nil {
			return err
		}
		c := cursor{page: p}
		for ; next < len(rows) && rows[next] >= at.FirstRowIndex && rows[next]-at.FirstRowIndex < int64(p.rows); next++ {
			v := c.value(r.kind, int(rows[next]-at.FirstRowIndex))
			matches[next].Names = append(matches[next].Names, e.Name)
			matches[next].Values = append(matches[next].Values, valueOf(e, v))
		}
	}
	if next < len(rows) {
		return damaged("no row %d", rows[next])
	}
	return nil
}

// valueOf makes times of numbers that are such.
func valueOf(e *format.SchemaElement, v any) any {
	if micros, ok := v.(int64); ok {
		if _, ok := e.LogicalType.Value.(*format.TimestampType); ok {
			return time.UnixMicro(micros).UTC()
		}
	}
	return v
}

// dictionary is where the dictionary of a column is, if it has one.
func (s *search) dictionary(c int) []span {
	meta := &s.columns[c].MetaData
	if meta.DictionaryPageOffset == 0 {
		return nil
	}
	return []span{{from: meta.DictionaryPageOffset, to: meta.DataPageOffset}}
}

func spanOf(at format.PageLocation) span {
	return span{from: at.Offset, to: at.Offset + int64(at.CompressedPageSize)}
}
