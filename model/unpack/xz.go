package unpack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// openLZMA reads the older .lzma format: a header of 13 bytes (properties,
// dictionary size, unpacked size), then one stream. A dictionary larger than
// what may be unpacked is never needed.
func openLZMA(r *bytes.Reader, limit int) (io.Reader, error) {
	var header [13]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	size := max(uint32(limit), lzma.MinDictCap)
	if binary.LittleEndian.Uint32(header[1:]) > size {
		binary.LittleEndian.PutUint32(header[1:], size)
	}
	// One byte reader for both parts: the decoder must not read ahead.
	return lzma.NewReader(&joined{head: header[:], Reader: r})
}

// joined gives head, then the Reader, byte by byte where asked.
type joined struct {
	head []byte
	*bytes.Reader
}

// Read gives what is left of head first.
func (j *joined) Read(p []byte) (int, error) {
	if len(j.head) > 0 {
		n := copy(p, j.head)
		j.head = j.head[n:]
		return n, nil
	}
	return j.Reader.Read(p)
}

// ReadByte gives what is left of head first.
func (j *joined) ReadByte() (byte, error) {
	if len(j.head) > 0 {
		c := j.head[0]
		j.head = j.head[1:]
		return c, nil
	}
	return j.Reader.ReadByte()
}

var (
	errDamaged = errors.New("the file is damaged")
	errFilter  = errors.New("a filter other than LZMA2; pack the file again with plain xz")
	errBlocks  = errors.New("too many blocks with large dictionaries; pack the file again with plain xz")
)

// xzReader reads one .xz stream (tukaani.org/xz/xz-file-format.txt): a header,
// blocks of LZMA2 with a check each, an index and a footer. The library's own
// reader is not used, because it takes the dictionary that a header asks for.
type xzReader struct {
	r     *bytes.Reader
	limit int // of one dictionary
	left  int // of all dictionaries
	check byte
	sum   hash.Hash // of the block; nil without a check
	block io.Reader // nil between blocks
	start int       // bytes left where the block's data begins
	sizes int       // unpacked bytes of all blocks
	count uint64    // blocks
	done  bool
}

func openXZ(r *bytes.Reader, limit int) (io.Reader, error) {
	var h [12]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, err
	}
	if h[6] != 0 || binary.LittleEndian.Uint32(h[8:]) != crc32.ChecksumIEEE(h[6:8]) {
		return nil, errDamaged
	}
	x := &xzReader{r: r, limit: max(limit, lzma.MinDictCap), left: 2 * limit, check: h[7]}
	switch x.check {
	case 0:
	case 1:
		x.sum = crc32.NewIEEE()
	case 4:
		x.sum = crc64.New(crc64.MakeTable(crc64.ECMA))
	case 10:
		x.sum = sha256.New()
	default:
		return nil, errDamaged
	}
	return x, nil
}

// Read gives the blocks' bytes one after the other.
func (x *xzReader) Read(p []byte) (int, error) {
	for !x.done {
		if x.block == nil {
			if err := x.next(); err != nil {
				return 0, noEOF(err)
			}
			continue
		}
		n, err := x.block.Read(p)
		if x.sum != nil {
			_, _ = x.sum.Write(p[:n]) // a hash never fails
		}
		x.sizes += n
		if errors.Is(err, io.EOF) {
			err = x.end()
		}
		if n > 0 || err != nil {
			return n, noEOF(err)
		}
	}
	return 0, io.EOF
}

// noEOF says that the file ends too early, where a decoder says that it ends.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return errDamaged
	}
	return err
}

// next reads a block's header, or the index and the footer.
func (x *xzReader) next() error {
	size, err := x.r.ReadByte()
	if err != nil {
		return err
	}
	if size == 0 {
		x.done = true
		return x.tail()
	}
	h := make([]byte, (int(size)+1)*4)
	h[0] = size
	if _, err := io.ReadFull(x.r, h[1:]); err != nil {
		return err
	}
	n := len(h) - 4
	if binary.LittleEndian.Uint32(h[n:]) != crc32.ChecksumIEEE(h[:n]) {
		return errDamaged
	}
	dict, err := dictionary(h[1:n])
	if err != nil {
		return err
	}
	dict = min(dict, x.limit)
	if x.left -= dict; x.left < 0 {
		return errBlocks
	}
	x.count++
	if x.sum != nil {
		x.sum.Reset()
	}
	x.start = x.r.Len()
	x.block, err = lzma.Reader2Config{DictCap: max(dict, lzma.MinDictCap)}.NewReader2(x.r)
	return err
}

// dictionary reads the rest of a block's header: flags, two optional sizes,
// one filter, zeros.
func dictionary(h []byte) (int, error) {
	flags := h[0]
	if flags&0x3c != 0 || flags&0x03 != 0 {
		return 0, errFilter
	}
	h = h[1:]
	for range (flags>>6)&1 + flags>>7 {
		_, n := binary.Uvarint(h)
		if n <= 0 {
			return 0, errDamaged
		}
		h = h[n:]
	}
	if len(h) < 3 || h[0] != 0x21 || h[1] != 1 {
		return 0, errFilter
	}
	size, err := lzma.DecodeDictCap(h[2])
	return int(size), err
}

// end checks a block's padding and its check.
func (x *xzReader) end() error {
	x.block = nil
	pad := (4 - (x.start-x.r.Len())%4) % 4
	size := 0
	if x.sum != nil {
		size = x.sum.Size()
	}
	tail := make([]byte, pad+size)
	if _, err := io.ReadFull(x.r, tail); err != nil {
		return err
	}
	if x.sum == nil {
		return nil
	}
	want := x.sum.Sum(nil)
	if x.check != 10 { // CRCs are stored little-endian
		for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
			want[i], want[j] = want[j], want[i]
		}
	}
	if !bytes.Equal(want, tail[pad:]) {
		return errDamaged
	}
	return nil
}

// tail checks the index's number of blocks and sizes, and the footer.
func (x *xzReader) tail() error {
	start := x.r.Len() + 1 // with the index indicator
	n, err := binary.ReadUvarint(x.r)
	if err != nil || n != x.count {
		return errDamaged
	}
	total := uint64(0)
	for range n {
		_, err := binary.ReadUvarint(x.r)
		size, err2 := binary.ReadUvarint(x.r)
		if err != nil || err2 != nil {
			return errDamaged
		}
		total += size
	}
	for (start-x.r.Len())%4 != 0 {
		if c, err := x.r.ReadByte(); err != nil || c != 0 {
			return errDamaged
		}
	}
	var rest [16]byte // the index's CRC, then the footer
	if _, err := io.ReadFull(x.r, rest[:]); err != nil || total != uint64(x.sizes) {
		return errDamaged
	}
	footer := rest[4:]
	if string(footer[10:]) != "YZ" || footer[9] != x.check ||
		binary.LittleEndian.Uint32(footer) != crc32.ChecksumIEEE(footer[4:10]) {
		return errDamaged
	}
	return nil
}
