package columnar

import (
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// What a page holds at most. Pages are what a look-up reads of a column, and
// what is held before it is compressed.
const (
	pageRows  = 16 << 10
	bloomRows = 8 << 10 // of a column with a bloom filter, whose pages are searched
	pageBytes = 1 << 20
)

// Group is one row group in the making. Every column must be given the same
// number of values before [File.Write]. It is not safe for concurrent use.
// A Group can be used again after Reset without allocating anew.
type Group struct {
	schema   *Schema
	columns  []column
	finished bool
}

// NewGroup makes an empty row group of the schema; pages are compressed
// with codec, which may be shared.
func NewGroup(s *Schema, codec *zstd.Codec) *Group {
	g := &Group{schema: s, columns: make([]column, len(s.columns))}
	places, dense := newPlaces(), denseTable()
	for i := range g.columns {
		g.columns[i].init(&s.columns[i], codec)
		g.columns[i].places, g.columns[i].dense = places, dense
	}
	return g
}

// Schema is the schema that the group was made for.
func (g *Group) Schema() *Schema { return g.schema }

// Reset empties the group and keeps its memory.
func (g *Group) Reset() {
	g.finished = false
	for i := range g.columns {
		g.columns[i].reset()
	}
}

// Rows returns the number of values of the first column.
func (g *Group) Rows() int64 { return g.columns[0].rows }

// Finish does the work of the row group that is left before it is written, so
// that groups made side by side are also finished side by side. Nothing can be
// added until Reset. File.Write does it unless it is done.
func (g *Group) Finish() {
	if g.finished {
		return
	}
	g.finished = true
	for i := range g.columns {
		g.columns[i].finish()
	}
}

// Hashes returns the XXH64 hashes of all values of the column with a bloom
// filter that were added by Bytes, in their order; nil without such a column. It
// is valid until the next call of a method.
func (g *Group) Hashes() []uint64 {
	for i := range g.columns {
		if g.columns[i].Bloom {
			return g.columns[i].hashes
		}
	}
	return nil
}

// page is what the offset index and the column index say of one data page.
type page struct {
	offset   int64 // in the column's bytes, after the dictionary
	size     int32 // with its header
	firstRow int64
	min, max []byte // bounds, where the column keeps them
	nulls    int64
	values   int64
}

// column collects one column of a row group. The methods that add values are
// in the files of their encodings.
type column struct {
	*Column
	codec *zstd.Codec

	rows, nulls int64
	body        []byte // encoded pages, without the dictionary
	raw         int64  // their size before compression, with headers
	pages       []page
	usedPlain   bool
	usedDict    bool
	usedDelta   bool
	usedInts    bool

	// The page in the making.
	firstRow  int64
	pageRows  int
	pageNulls int
	levels    pageLevels // empty as long as there is no null
	coded     bool       // it has indexes into the dictionary
	few       bool       // its indexes are in bits, else in runs and indexes
	width     int        // of the indexes, in bits
	bits      packedBits // indexes of a few values
	runs      []byte     // indexes, packed
	indexes   []int32    // to be packed
	plain     []byte     // PLAIN doubles
	texts     pageTexts
	ints      []int64

	stored bool // pages are only stored from here on

	dictionary []byte  // its values, PLAIN
	entries    int     // in the dictionary
	known      []int32 // indexes by the caller's codes
	fewIndexes fewTable
	numbered   []uint32 // indexes of the codes that are added, from 1 on
	entered    bounds   // of dense values, whether rows have them or not
	bounds     bounds
	hashes     []uint64 // of a column with a bloom filter

	// Made by finish.
	dictionaryPage []byte // with its header
	dictionaryRaw  int64  // its size before compression
	filter         bloom.SplitBlockFilter

	scratch, packed []byte
	places          *[256]uint64 // see newPlaces
	dense           *fewTable    // see denseTable
	ends            []uint32     // of the values among texts
}

func (c *column) init(of *Column, codec *zstd.Codec) {
	c.Column, c.codec = of, codec
	c.startPage()
	c.bounds.exact = true
}

func (c *column) reset() {
	c.rows, c.nulls, c.raw, c.stored = 0, 0, 0, false
	c.body, c.pages = c.body[:0], c.pages[:0]
	c.usedPlain, c.usedDict, c.usedDelta, c.usedInts = false, false, false, false
	c.startPage()
	c.dictionary, c.entries, c.width, c.known = c.dictionary[:0], 0, 0, c.known[:0]
	c.fewIndexes.codes = 0
	c.entered = bounds{}
	c.bounds = bounds{exact: true, min: c.bounds.min[:0], max: c.bounds.max[:0]}
	c.hashes = c.hashes[:0]
}

func (c *column) startPage() {
	c.firstRow, c.pageRows, c.pageNulls = c.rows, 0, 0
	c.coded, c.few, c.runs, c.indexes = false, false, c.runs[:0], c.indexes[:0]
	c.bits.reset()
	c.plain, c.ints = c.plain[:0], c.ints[:0]
	c.levels.reset()
	c.texts.reset()
}

// room is how many of n rows still fit the page; at least 1.
func (c *column) room(n int) int {
	most := pageRows
	if c.Bloom {
		most = bloomRows
	}
	if c.pageRows >= most || len(c.plain)+c.texts.size >= pageBytes {
		c.flush()
	}
	return min(n, most-c.pageRows)
}

// advance counts n rows that were added to the page.
func (c *column) advance(n, nulls int) {
	c.pageRows += n
	c.rows += int64(n)
	c.nulls += int64(nulls)
	c.pageNulls += nulls
}

// addLevels adds n definition levels before they are counted: 1 a row with a
// value, 0 a null; nil means that no row is null.
func (c *column) addLevels(levels []uint8, n int) {
	if c.levels.rows == 0 && levels != nil {
		c.levels.ones(c.pageRows) // there was no null before
	}
	switch {
	case levels != nil:
		for _, level := range levels {
			c.levels.add(level)
		}
	case c.levels.rows > 0:
		c.levels.ones(n)
	}
}

// flush ends the page in the making.
func (c *column) flush() {
	if c.pageRows == 0 {
		return
	}
	encoding := format.Plain
	c.scratch = c.scratch[:0]
	if c.Optional {
		c.scratch = c.appendLevels(c.scratch)
	}
	switch {
	case len(c.ints) > 0:
		encoding = format.DeltaBinaryPacked
		c.scratch = c.appendInts(c.scratch)
	case len(c.texts.prefixes) > 0:
		encoding = format.DeltaByteArray
		c.usedDelta = true
		c.scratch = c.appendTexts(c.scratch)
	case len(c.plain) > 0:
		c.usedPlain = true
		c.scratch = append(c.scratch, c.plain...)
	default:
		encoding = format.RLEDictionary
		c.usedDict = true
		c.scratch = c.appendIndexes(c.scratch)
	}
	size := c.appendPage(encoding)
	p := page{
		offset: int64(len(c.body)) - int64(size), size: size, firstRow: c.firstRow,
		nulls: int64(c.pageNulls), values: int64(c.pageRows),
	}
	if c.Bloom && c.pageNulls < c.pageRows {
		p.min, p.max = c.pageBounds()
	}
	c.pages = append(c.pages, p)
	c.startPage()
}

// appendPage makes a data page of scratch and returns its size.
func (c *column) appendPage(encoding format.Encoding) int32 {
	start := len(c.body)
	h := pageHeader{kind: format.DataPage, encoding: encoding, size: len(c.scratch), values: c.pageRows}
	packed := 0
	if c.storing() && len(c.scratch) <= maxBlock {
		c.packed = appendStoredHead(c.packed[:0], len(c.scratch))
		c.body = h.append(c.body, c.packed, c.scratch)
		packed = len(c.packed) + len(c.scratch)
	} else {
		c.compress()
		c.body = h.append(c.body, c.packed, nil)
		packed = len(c.packed)
	}
	size := len(c.body) - start
	c.raw += int64(size - packed + len(c.scratch))
	return size32(size)
}

// storing reports whether the page is to be stored only, because compression saved
// little of an earlier one. Indexes of few and of many distinct values are stored
// without trying: they are packed already, equal ones in runs, and what is left to
// save takes more time than it is worth.
func (c *column) storing() bool {
	return c.stored || c.coded && (c.entries < fewValues || c.entries > someEntries)
}

// compress makes packed of scratch, and notes whether that saves enough.
func (c *column) compress() {
	if c.storing() {
		c.packed = appendStored(c.packed[:0], c.scratch)
		return
	}
	c.packed = must(c.codec.Encode(c.packed[:0], c.scratch))
	least := len(c.scratch) / worthwhile
	if c.coded {
		least = len(c.scratch) / worthwhileCoded
	}
	c.stored = len(c.packed) > len(c.scratch)-least
}

const (
	worthwhile      = 4   // the part of a page that compression must save
	worthwhileCoded = 2   // the same of a page of indexes
	someEntries     = 256 // of a dictionary whose indexes may repeat in ways that compress
)

// appendLevels appends the definition levels of the page.
func (c *column) appendLevels(dst []byte) []byte {
	if c.pageNulls == 0 {
		return appendPresent(dst, c.pageRows)
	}
	return c.levels.append(dst)
}

// finish ends the last page, and makes the dictionary page, the bounds and the
// bloom filter.
func (c *column) finish() {
	c.flush()
	c.filter = c.filter[:0]
	if c.Bloom && len(c.hashes) > 0 {
		blocks := bloom.NumSplitBlocksOf(int64(len(c.hashes)), bloomBits)
		c.filter = reserve(c.filter, blocks)[:blocks]
		clear(c.filter)
		c.filter.InsertBulk(c.hashes)
	}
	if !c.usedDict {
		return
	}
	c.compressDictionary()
	h := pageHeader{kind: format.DictionaryPage, encoding: format.Plain, size: len(c.dictionary), values: c.entries}
	c.dictionaryPage = h.append(c.dictionaryPage[:0], c.packed, nil)
	c.dictionaryRaw = int64(len(c.dictionaryPage) - len(c.packed) + len(c.dictionary))
}

// compressDictionary makes packed of the dictionary.
func (c *column) compressDictionary() {
	switch {
	case c.Kind == Double && !mostlyShort(c.dictionary):
		c.packed = appendDoubles(c.packed[:0], c.dictionary)
	case len(c.dictionary) < smallDictionary:
		c.packed = appendStored(c.packed[:0], c.dictionary)
	default:
		c.packed = must(c.codec.Encode(c.packed[:0], c.dictionary))
	}
}

// smallDictionary is of how many bytes a dictionary is stored as it is.
const smallDictionary = 1 << 10

// bloomBits are the bits a value: about one in a hundred others passes.
const bloomBits = 10

// bitWidth is how many bits an index below n takes.
func bitWidth(n int) int {
	width := 0
	for 1<<width < n {
		width++
	}
	return width
}

// document is v as a thrift document.
func document(v any) []byte { return must(thrift.Marshal(&thrift.CompactProtocol{}, v)) }

// size32 is a size as Parquet's headers have it. Pages are far smaller.
func size32(n int) int32 {
	if n > math.MaxInt32 {
		panic(fmt.Sprintf("parquet page of %d bytes", n))
	}
	return int32(n)
}

// must is for encoders into memory, whose errors are mistakes in this package.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("parquet encoder: %v", err))
	}
	return v
}
