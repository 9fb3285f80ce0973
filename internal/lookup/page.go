package lookup

import (
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// page is a data page: its rows, and the values of those that have one. Of
// texts, doubles and ints only that of the column's type is filled.
type page struct {
	present []bool // by row; nil: all are
	rows    int
	texts   []string
	doubles []float64
	ints    []int64
}

// value is number i of the values: a string, float64 or int64.
func (p *page) value(kind format.Type, i int) any {
	switch kind {
	case format.ByteArray:
		return p.texts[i]
	case format.Double:
		return p.doubles[i]
	default:
		return p.ints[i]
	}
}

// has reports whether a row has a value.
func (p *page) has(row int) bool { return p.present == nil || p.present[row] }

// cursor goes through a page from its first row on.
type cursor struct {
	page *page
	row  int
	next int // number of the value of row, or of the first one after it
}

// value moves to a row that is not before the last one, and returns its value,
// nil if it has none.
func (c *cursor) value(kind format.Type, row int) any {
	for ; c.row < row; c.row++ {
		if c.page.has(c.row) {
			c.next++
		}
	}
	if !c.page.has(row) {
		return nil
	}
	return c.page.value(kind, c.next)
}

// pageReader decodes pages of one column. The zero value is of a column
// without a dictionary.
type pageReader struct {
	zstd     *zstdDecoder
	codec    format.CompressionCodec
	kind     format.Type
	optional bool
	texts    []string // the dictionary
	doubles  []float64
	ints     []int64
}

// zstdDecoder is made when it is first needed.
type zstdDecoder struct {
	once    sync.Once
	decoder *zstd.Decoder
	err     error
}

func (z *zstdDecoder) decode(data []byte, size int) ([]byte, error) {
	z.once.Do(func() {
		z.decoder, z.err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxBytes))
	})
	if z.err != nil {
		return nil, z.err
	}
	text, err := z.decoder.DecodeAll(data, nil)
	if err != nil || len(text) != size {
		return nil, damaged("page of %d bytes, %d as its header says: %v", len(text), size, err)
	}
	return text, nil
}

func (z *zstdDecoder) close() {
	if z.decoder != nil {
		z.decoder.Close()
	}
}

// open decodes the header of a page and unpacks what follows it.
func (r *pageReader) open(data []byte) (*format.PageHeader, []byte, error) {
	var h format.PageHeader
	n, err := unmarshal(data, &h)
	if err != nil {
		return nil, nil, err
	}
	body := data[n:]
	size, packed := int(h.UncompressedPageSize), int(h.CompressedPageSize)
	if packed < 0 || packed > len(body) || size < 0 || size > maxBytes {
		return nil, nil, damaged("page of %d bytes, packed in %d of %d", size, packed, len(body))
	}
	body = body[:packed]
	if sum := int32(crc32.ChecksumIEEE(body)); h.CRC != 0 && sum != h.CRC {
		return nil, nil, damaged("page with checksum %08x, not %08x", uint32(sum), uint32(h.CRC))
	}
	switch {
	case r.codec == format.Zstd:
		body, err = r.zstd.decode(body, size)
		return &h, body, err
	case r.codec != format.Uncompressed || size != packed:
		return nil, nil, damaged("page of codec %v", r.codec)
	}
	return &h, body, nil
}

// dictionary decodes the dictionary page.
func (r *pageReader) dictionary(data []byte) error {
	h, body, err := r.open(data)
	if err != nil {
		return err
	}
	if h.Type != format.DictionaryPage || !h.DictionaryPageHeader.Valid || h.DictionaryPageHeader.V.NumValues < 0 {
		return damaged("page of type %v where the dictionary is", h.Type)
	}
	n := int(h.DictionaryPageHeader.V.NumValues)
	if n > maxEntries {
		return damaged("dictionary of %d values", n)
	}
	switch r.kind {
	case format.ByteArray:
		r.texts, err = plainTexts(body, n)
	case format.Double:
		r.doubles, err = plainDoubles(body, n)
	case format.Int64:
		r.ints, err = plainInts(body, n)
	default:
		err = damaged("dictionary of type %v", r.kind)
	}
	return err
}

// data decodes a data page.
func (r *pageReader) data(data []byte) (*page, error) {
	h, body, err := r.open(data)
	if err != nil {
		return nil, err
	}
	v1 := h.DataPageHeader.V
	if h.Type != format.DataPage || !h.DataPageHeader.Valid || v1.NumValues < 0 || v1.NumValues > maxRows {
		return nil, damaged("page of type %v, %d rows", h.Type, v1.NumValues)
	}
	p := &page{rows: int(v1.NumValues)}
	n := p.rows
	if r.optional {
		if body, n, err = p.levels(body); err != nil {
			return nil, err
		}
	}
	return p, r.values(p, v1.Encoding, body, n)
}

// levels decodes which rows have a value, and counts them.
func (p *page) levels(body []byte) ([]byte, int, error) {
	if len(body) < 4 {
		return nil, 0, damaged("page without levels")
	}
	size := littleEndian(body[:4])
	if body = body[4:]; size > uint64(len(body)) {
		return nil, 0, damaged("%d bytes of levels in %d", size, len(body))
	}
	levels, err := hybrid(body[:size], 1, p.rows)
	if err != nil {
		return nil, 0, err
	}
	n := 0
	p.present = make([]bool, p.rows)
	for i, level := range levels {
		p.present[i] = level == 1
		n += int(level & 1)
	}
	return body[size:], n, nil
}

// values decodes the n values of a page.
func (r *pageReader) values(p *page, encoding format.Encoding, body []byte, n int) (err error) {
	type of struct {
		encoding format.Encoding
		kind     format.Type
	}
	switch (of{encoding, r.kind}) {
	case of{format.RLEDictionary, format.ByteArray}:
		p.texts, err = chosen(r.texts, body, n)
	case of{format.RLEDictionary, format.Double}:
		p.doubles, err = chosen(r.doubles, body, n)
	case of{format.RLEDictionary, format.Int64}:
		p.ints, err = chosen(r.ints, body, n)
	case of{format.DeltaByteArray, format.ByteArray}:
		p.texts, err = prefixed(body, n)
	case of{format.Plain, format.ByteArray}:
		p.texts, err = plainTexts(body, n)
	case of{format.Plain, format.Double}:
		p.doubles, err = plainDoubles(body, n)
	case of{format.DeltaBinaryPacked, format.Int64}:
		if p.ints, _, err = deltas(body, n); err == nil && len(p.ints) != n {
			err = damaged("%d of %d numbers", len(p.ints), n)
		}
	default:
		err = damaged("encoding %v of type %v", encoding, r.kind)
	}
	return err
}

// chosen decodes values by their number in a dictionary.
func chosen[T any](dictionary []T, body []byte, n int) ([]T, error) {
	if n == 0 {
		return nil, nil
	}
	if len(body) == 0 {
		return nil, damaged("%d indexes in no bytes", n)
	}
	indexes, err := hybrid(body[1:], int(body[0]), n)
	if err != nil {
		return nil, err
	}
	values := make([]T, n)
	for i, index := range indexes {
		if uint64(index) >= uint64(len(dictionary)) {
			return nil, damaged("value %d of a dictionary of %d", index, len(dictionary))
		}
		values[i] = dictionary[index]
	}
	return values, nil
}
