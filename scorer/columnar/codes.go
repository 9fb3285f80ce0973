package columnar

import (
	"encoding/binary"
	"math"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// Texts adds values to a Text column by their codes: a row's text is
// names[code], and code 0 is a null. A code must mean the same text in all
// calls until Reset.
func (g *Group) Texts(column int, codes []uint32, names []string) {
	c := &g.columns[column]
	g.coded(c, codes, len(names), func(code uint32) { c.enterText(names[code]) })
}

// Numbers adds values to a Double column by their codes: a row's value is
// values[code], and code 0 is a null. A code must mean the same value in all
// calls until Reset.
func (g *Group) Numbers(column int, codes []uint32, values []float64) {
	c := &g.columns[column]
	g.coded(c, codes, len(values), func(code uint32) { c.enterDouble(values[code]) })
}

// Dense is Numbers for codes that are numbered from 1 on by their first
// appearance, as far as they appear at all: they become the dictionary as they
// are. All calls of a column until Reset must be of this kind, or Doubles.
func (g *Group) Dense(column int, codes []uint32, values []float64) {
	c := &g.columns[column]
	c.enterDense(codes, values)
	for len(codes) > 0 {
		if len(c.plain) > 0 {
			c.flush()
		}
		n := c.room(len(codes))
		c.addNumbered(codes[:n])
		codes = codes[n:]
	}
}

// enterDense adds the values that are new to the dictionary. Bounds are of values
// that rows have: where a new one is outside, the rows are looked at, and so in
// all calls after it if no row has it.
func (c *column) enterDense(codes []uint32, values []float64) {
	before, held := c.entries, c.holdEntered()
	if added := values[min(before+1, len(values)):]; len(added) > 0 {
		at := len(c.dictionary)
		c.dictionary = reserve(c.dictionary, 8*len(added))[:at+8*len(added)]
		for i, v := range added {
			binary.LittleEndian.PutUint64(c.dictionary[at+8*i:], math.Float64bits(v))
			if !c.bounds.hold(v) {
				c.entered.double(v)
			}
		}
		c.entries += len(added)
	}
	if c.holdEntered() {
		return
	}
	if !held {
		before = 0
	}
	for _, code := range codes {
		if int(code) > before {
			c.bounds.double(values[code])
		}
	}
}

// holdEntered reports whether no value of the dictionary is outside the bounds.
func (c *column) holdEntered() bool {
	return !c.entered.some || c.bounds.hold(c.entered.minDouble) && c.bounds.hold(c.entered.maxDouble)
}

// addNumbered adds indexes into the dictionary, counted from 1 on, to the page;
// 0 is a null. Indexes of a page have one width: it ends here if there are more
// entries by now than that is for.
func (c *column) addNumbered(codes []uint32) {
	width, few := bitWidth(c.entries), c.entries < fewValues
	if width != c.width || few != c.few {
		c.flush()
	}
	c.coded, c.width, c.few = true, width, few
	if few {
		before := c.bits.values
		c.packFew(codes, c.dense)
		c.advance(len(codes), len(codes)-(c.bits.values-before))
		return
	}
	c.indexes = reserve(c.indexes, len(codes))
	there := c.squeeze(c.indexes[len(c.indexes):][:len(codes)], codes)
	c.indexes = c.indexes[:len(c.indexes)+there]
	c.advance(len(codes), len(codes)-there)
	c.packEights()
}

// coded adds codes below limit.
func (g *Group) coded(c *column, codes []uint32, limit int, enter func(code uint32)) {
	c.know(limit)
	for len(codes) > 0 {
		if len(c.texts.prefixes) > 0 || len(c.plain) > 0 {
			c.flush()
		}
		n := c.room(len(codes))
		if limit > fewCodes || c.entries >= fewValues || !c.addFew(codes[:n], enter) {
			c.addCodes(codes[:n], enter)
		}
		codes = codes[n:]
	}
}

// Indexes into the dictionary by the caller's codes; those below zero are none.
const (
	null    = -1
	unknown = -2
)

// know makes known as long as there are codes.
func (c *column) know(codes int) {
	if len(c.known) == 0 {
		c.known = append(c.known, null)
	}
	for n := len(c.known); n < codes; n++ {
		c.known = append(c.known, unknown)
	}
}

// addCodes adds codes to the page. Values enter the dictionary in the order of
// their first appearance. How they are packed depends on the rows alone: how
// many codes the caller knows may depend on what it saw before.
func (c *column) addCodes(codes []uint32, enter func(code uint32)) {
	c.numbered = reserve(c.numbered[:0], len(codes))[:len(codes)]
	numbered, known := c.numbered, c.known
	for i, code := range codes {
		at := known[code]
		if at == unknown {
			at = c.enter(code, enter)
		}
		numbered[i] = uint32(at + 1)
	}
	c.addNumbered(numbered)
}

// enter enters the value of a code that is unknown, and returns its index.
func (c *column) enter(code uint32, enter func(code uint32)) int32 {
	at := int32(c.entries)
	c.known[code] = at
	enter(code)
	c.entries++
	return at
}

// packEights packs all indexes but the last seven or fewer: what waits for the
// page to fill is small.
func (c *column) packEights() {
	whole := len(c.indexes) &^ 7
	if whole == 0 {
		return
	}
	c.packed = must((&rle.Encoding{BitWidth: c.width}).EncodeInt32(c.packed[:0], c.indexes[:whole]))
	c.runs = append(reserve(c.runs, len(c.packed)), c.packed...)
	c.indexes = c.indexes[:copy(c.indexes, c.indexes[whole:])]
}

// appendIndexes appends the dictionary indexes of the page: their width in bits,
// then runs.
func (c *column) appendIndexes(dst []byte) []byte {
	if c.few {
		c.bits.end(c.width)
		return appendRuns(append(dst, byte(c.width)), c.bits.bytes, c.bits.values, c.width)
	}
	c.packed = must((&rle.Encoding{BitWidth: c.width}).EncodeInt32(c.packed[:0], c.indexes))
	return append(append(append(dst, byte(c.width)), c.runs...), c.packed...)
}

func (c *column) enterText(text string) {
	c.dictionary = binary.LittleEndian.AppendUint32(c.dictionary, uint32(len(text)))
	c.dictionary = append(c.dictionary, text...)
	c.bounds.text([]byte(text))
	if c.Bloom {
		c.hashes = append(c.hashes, xxhash.Sum64String(text))
	}
}

func (c *column) enterDouble(v float64) {
	c.dictionary = binary.LittleEndian.AppendUint64(c.dictionary, math.Float64bits(v))
	c.bounds.double(v)
}

// Doubles adds values to a Double column as they are: one a row. NaN is a null
// if the column is optional.
func (g *Group) Doubles(column int, values []float64) {
	c := &g.columns[column]
	for len(values) > 0 {
		if c.coded {
			c.flush()
		}
		n := c.room(len(values))
		c.addDoubles(values[:n])
		values = values[n:]
	}
}

func (c *column) addDoubles(values []float64) {
	c.packed = reserve(c.packed[:0], len(values))[:len(values)]
	levels, nulls := c.packed, 0
	for i, v := range values {
		if c.Optional && math.IsNaN(v) {
			nulls++
			levels[i] = 0
			continue
		}
		levels[i] = 1
		c.plain = binary.LittleEndian.AppendUint64(c.plain, math.Float64bits(v))
		c.bounds.double(v)
	}
	if nulls == 0 {
		levels = nil
	}
	if c.Optional {
		c.addLevels(levels, len(values))
	}
	c.advance(len(values), nulls)
}

// reserve makes room for n more, and for four times as many soon: memory that is
// left behind costs more than room that is never touched.
func reserve[T any](s []T, n int) []T {
	if len(s)+n <= cap(s) {
		return s
	}
	grown := make([]T, len(s), len(s)+max(n, 3*cap(s))) // what is not used yet stays untouched
	copy(grown, s)
	return grown
}
