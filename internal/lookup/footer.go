package lookup

import (
	"context"
	"encoding/binary"

	"github.com/parquet-go/parquet-go/format"

	"github.com/loanscorer/loanscorer/internal/status"
)

// maxTail bounds the page indexes and the footer of a part, in bytes.
const maxTail = 64 << 20

// tail is what stands at the end of a part.
type tail struct {
	from int64  // where it begins in the part
	data []byte // page indexes and footer
	meta format.FileMetaData
}

// readTail reads the page indexes and the footer of a part and checks that they
// fit each other: a flat schema, and in every row group a column for each of its
// elements.
func (m *meter) readTail(ctx context.Context, part status.Object, from int64) (*tail, error) {
	if from < 0 || part.Size-from < 12 || part.Size-from > maxTail {
		return nil, damaged("%d bytes, indexes from %d on", part.Size, from)
	}
	data, err := m.read(ctx, part.Key, from, part.Size-from)
	if err != nil {
		return nil, err
	}
	return parseTail(data, from)
}

func parseTail(data []byte, from int64) (*tail, error) {
	end := len(data) - 8
	if end < 0 || string(data[end+4:]) != "PAR1" {
		return nil, damaged("no footer")
	}
	size := int64(binary.LittleEndian.Uint32(data[end:]))
	if size > int64(end) {
		return nil, damaged("footer of %d bytes in %d", size, end)
	}
	t := &tail{from: from, data: data[:end-int(size)]}
	if _, err := unmarshal(data[end-int(size):end], &t.meta); err != nil {
		return nil, err
	}
	if len(t.meta.Schema) == 0 {
		return nil, damaged("no schema")
	}
	for i := range t.columns() {
		if e := &t.columns()[i]; !e.Type.Valid || !e.RepetitionType.Valid || e.RepetitionType.V == format.Repeated {
			return nil, damaged("schema is not flat")
		}
	}
	for i := range t.meta.RowGroups {
		if n := len(t.meta.RowGroups[i].Columns); n != len(t.columns()) {
			return nil, damaged("row group of %d columns, schema of %d", n, len(t.columns()))
		}
	}
	return t, nil
}

// columns are the schema without its root.
func (t *tail) columns() []format.SchemaElement { return t.meta.Schema[1:] }

// document decodes a page index; v stays as it is if there is none.
func (t *tail) document(offset int64, size int32, v any) error {
	if size == 0 {
		return nil
	}
	at := offset - t.from
	if size < 0 || offset < t.from || at > int64(len(t.data))-int64(size) {
		return damaged("page index of %d bytes at %d", size, offset)
	}
	_, err := unmarshal(t.data[at:at+int64(size)], v)
	return err
}

// pages are where the pages of a column are, and the bounds of each; none if
// the bounds were not kept.
func (t *tail) pages(c *format.ColumnChunk) ([]format.PageLocation, *format.ColumnIndex, error) {
	var offsets format.OffsetIndex
	if err := t.document(c.OffsetIndexOffset, c.OffsetIndexLength, &offsets); err != nil {
		return nil, nil, err
	}
	var bounds format.ColumnIndex
	if err := t.document(c.ColumnIndexOffset, c.ColumnIndexLength, &bounds); err != nil {
		return nil, nil, err
	}
	n := len(offsets.PageLocations)
	if c.ColumnIndexLength == 0 {
		return offsets.PageLocations, nil, nil
	}
	if len(bounds.NullPages) != n || len(bounds.MinValues) != n || len(bounds.MaxValues) != n {
		return nil, nil, damaged("bounds of %d pages, there are %d", len(bounds.NullPages), n)
	}
	return offsets.PageLocations, &bounds, nil
}
