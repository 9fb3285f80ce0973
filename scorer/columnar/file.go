package columnar

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/parquet-go/parquet-go/format"
)

const magic = "PAR1"

// File writes row groups to a Parquet file. Without Close there is no file.
type File struct {
	w      io.Writer
	offset int64
	schema *Schema
	meta   format.FileMetaData
	groups []groupIndex
	err    error

	filters     []Filter
	pageFilters bool  // pages are to have filters, too
	tail        int64 // where the page indexes begin, after Close
}

// Filter says where the bits of a bloom filter are.
type Filter struct {
	Column string
	Offset int64 // of the first block
	Size   int64 // bytes of all blocks
	Pages  PageFilters
}

// Schema is the schema that the file was made with.
func (f *File) Schema() *Schema { return f.schema }

// Filters returns the bloom filters written so far, in the order of row groups.
func (f *File) Filters() []Filter { return f.filters }

// Tail returns where the page indexes begin; from there to the end is all that
// is needed to find a page. It is known after Close.
func (f *File) Tail() int64 { return f.tail }

// groupIndex is what is written of a group before the footer.
type groupIndex struct {
	pages [][]page // of every column, offsets in the file
}

// NewFile begins a file. createdBy goes into the footer.
func NewFile(w io.Writer, s *Schema, createdBy string) *File {
	f := &File{w: w, schema: s}
	f.meta = format.FileMetaData{Version: 2, Schema: s.elements, CreatedBy: createdBy}
	for range s.columns {
		f.meta.ColumnOrders = append(f.meta.ColumnOrders, format.ColumnOrder{Value: new(format.TypeDefinedOrder)})
	}
	f.write([]byte(magic))
	return f
}

// Write appends a row group; an empty one is left out. The group can be reset
// afterwards.
func (f *File) Write(g *Group) error {
	rows := g.Rows()
	if rows == 0 {
		return f.err
	}
	rg := format.RowGroup{NumRows: rows, FileOffset: f.offset, Ordinal: int16(min(len(f.meta.RowGroups), math.MaxInt16))}
	g.Finish()
	var index groupIndex
	for i := range g.columns {
		c := &g.columns[i]
		if c.rows != rows {
			return fmt.Errorf("parquet row group: column %q has %d rows, the first one %d", c.Name, c.rows, rows)
		}
		chunk, pages := f.column(c)
		rg.Columns = append(rg.Columns, chunk)
		index.pages = append(index.pages, pages)
		rg.TotalByteSize += chunk.MetaData.TotalUncompressedSize
		rg.TotalCompressedSize += chunk.MetaData.TotalCompressedSize
	}
	for i := range g.columns {
		f.bloom(&g.columns[i], &rg.Columns[i].MetaData)
	}
	f.meta.NumRows += rows
	f.meta.RowGroups = append(f.meta.RowGroups, rg)
	f.groups = append(f.groups, index)
	return f.err
}

// column writes a column's pages.
func (f *File) column(c *column) (format.ColumnChunk, []page) {
	start := f.offset
	meta := format.ColumnMetaData{
		Type: c.physical(), Encoding: []format.Encoding{format.RLE}, PathInSchema: []string{c.Name},
		Codec: c.codec.CompressionCodec(), NumValues: c.rows, TotalUncompressedSize: c.raw,
		Statistics: format.Statistics{NullCount: c.nulls},
	}
	if c.usedDict {
		meta.DictionaryPageOffset = start
		meta.TotalUncompressedSize += c.dictionaryRaw
		f.write(c.dictionaryPage)
		meta.Encoding = append(meta.Encoding, format.RLEDictionary)
	}
	if c.usedDelta {
		meta.Encoding = append(meta.Encoding, format.DeltaByteArray)
	}
	if c.usedInts {
		meta.Encoding = append(meta.Encoding, format.DeltaBinaryPacked)
	}
	if c.usedPlain || c.usedDict {
		meta.Encoding = append(meta.Encoding, format.Plain)
	}
	meta.DataPageOffset = f.offset
	pages := append([]page(nil), c.pages...)
	for i := range pages {
		pages[i].offset += f.offset
	}
	f.write(c.body)
	meta.TotalCompressedSize = f.offset - start
	meta.Statistics.MinValue, meta.Statistics.MaxValue = c.bounds.encoded(c.Kind)
	return format.ColumnChunk{FileOffset: start, MetaData: meta}, pages
}

// bloom writes a column's bloom filter.
func (f *File) bloom(c *column, meta *format.ColumnMetaData) {
	bits := c.filter.Bytes()
	if len(bits) == 0 {
		return
	}
	meta.BloomFilterOffset = f.offset
	f.write(document(&format.BloomFilterHeader{
		NumBytes:    size32(len(bits)),
		Algorithm:   format.BloomFilterAlgorithm{Value: &format.SplitBlockAlgorithm{}},
		Hash:        format.BloomFilterHash{Value: &format.XxHash{}},
		Compression: format.BloomFilterCompression{Value: &format.BloomFilterUncompressed{}},
	}))
	at := Filter{Column: c.Name, Offset: f.offset, Size: int64(len(bits))}
	f.write(bits)
	meta.BloomFilterLength = size32(int(f.offset - meta.BloomFilterOffset))
	at.Pages = f.filterPages(c)
	f.filters = append(f.filters, at)
}

// Close writes the page indexes and the footer.
func (f *File) Close() error {
	f.tail = f.offset
	for g := range f.groups {
		for i, pages := range f.groups[g].pages {
			f.columnIndex(&f.meta.RowGroups[g].Columns[i], pages)
		}
	}
	for g := range f.groups {
		for i, pages := range f.groups[g].pages {
			f.offsetIndex(&f.meta.RowGroups[g].Columns[i], pages)
		}
	}
	footer := document(&f.meta)
	f.write(footer)
	f.write(binary.LittleEndian.AppendUint32(nil, uint32(len(footer))))
	f.write([]byte(magic))
	return f.err
}

// columnIndex writes the bounds of the pages, where they were kept for all.
func (f *File) columnIndex(chunk *format.ColumnChunk, pages []page) {
	index := format.ColumnIndex{BoundaryOrder: format.Unordered}
	for i := range pages {
		p := &pages[i]
		empty := p.nulls == p.values
		if !empty && p.min == nil || chunk.MetaData.Statistics.MinValue == nil {
			return
		}
		index.NullPages = append(index.NullPages, empty)
		index.MinValues = append(index.MinValues, p.min)
		index.MaxValues = append(index.MaxValues, p.max)
		index.NullCounts = append(index.NullCounts, p.nulls)
	}
	chunk.ColumnIndexOffset = f.offset
	f.write(document(&index))
	chunk.ColumnIndexLength = size32(int(f.offset - chunk.ColumnIndexOffset))
}

func (f *File) offsetIndex(chunk *format.ColumnChunk, pages []page) {
	var index format.OffsetIndex
	for i := range pages {
		index.PageLocations = append(index.PageLocations, format.PageLocation{
			Offset: pages[i].offset, CompressedPageSize: pages[i].size, FirstRowIndex: pages[i].firstRow,
		})
	}
	chunk.OffsetIndexOffset = f.offset
	f.write(document(&index))
	chunk.OffsetIndexLength = size32(int(f.offset - chunk.OffsetIndexOffset))
}

// write keeps the first error.
func (f *File) write(p []byte) {
	if f.err != nil {
		return
	}
	n, err := f.w.Write(p)
	f.offset += int64(n)
	if err != nil {
		f.err = fmt.Errorf("parquet: %w", err)
	}
}
