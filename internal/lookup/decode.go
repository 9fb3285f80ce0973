package lookup

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The decoders of values, for what the worker writes and no more:
// https://parquet.apache.org/docs/file-format/data-pages/encodings/
// They never take memory that the bytes only announce.

// Bounds of a page and of a dictionary, decoded. The worker's pages have at most
// 16,384 rows and little more than 1 MiB of text.
const (
	maxRows    = 64 << 10
	maxEntries = 1 << 20
	maxBytes   = 64 << 20
)

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// hybrid decodes n values of that many bits in runs and bit-packed groups.
func hybrid(src []byte, width, n int) ([]uint32, error) {
	if width > 32 || n > maxRows {
		return nil, damaged("%d values of %d bits", n, width)
	}
	values := make([]uint32, 0, n)
	for len(values) < n {
		head, k := binary.Uvarint(src)
		if k <= 0 {
			return nil, damaged("runs end after %d of %d values", len(values), n)
		}
		src = src[k:]
		count, left := head>>1, n-len(values)
		if head&1 == 0 {
			size := (width + 7) / 8
			if len(src) < size {
				return nil, damaged("a run without its value")
			}
			v := uint32(littleEndian(src[:size]))
			for range min(count, uint64(left)) {
				values = append(values, v)
			}
			src = src[size:]
			continue
		}
		size := int(min(count, maxRows)) * width // bytes of groups of 8 values
		if width > 0 && len(src) < size {
			size = len(src)
			left = min(left, size*8/width)
		}
		left = int(min(uint64(left), min(count, maxRows)*8))
		if left == 0 && count > 0 {
			return nil, damaged("groups end after %d of %d values", len(values), n)
		}
		for i := range left {
			values = append(values, uint32(bitsAt(src, i*width, width)))
		}
		src = src[size:]
	}
	return values, nil
}

// littleEndian reads up to 8 bytes.
func littleEndian(b []byte) uint64 {
	var v uint64
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v
}

// bitsAt reads up to 64 bits, the lowest first, from a bit on. The caller knows
// that they are there.
func bitsAt(src []byte, bit, width int) uint64 {
	if width == 0 {
		return 0
	}
	first, last := bit/8, (bit+width-1)/8
	v := littleEndian(src[first:min(last+1, first+8)]) >> (bit % 8)
	if last-first == 8 {
		v |= uint64(src[last]) << (64 - bit%8)
	}
	if width < 64 {
		v &= 1<<width - 1
	}
	return v
}

// deltas decodes differences of whole numbers, packed, and returns what follows
// them. There are at most limit.
func deltas(src []byte, limit int) (values []int64, rest []byte, err error) {
	r := &walker{data: src}
	block, minis, total, first := r.varint(), r.varint(), r.varint(), zigzag(r.varint())
	if r.failed || block == 0 || block%128 != 0 || block > maxRows || minis == 0 || block%minis != 0 || block/minis%32 != 0 {
		return nil, nil, damaged("blocks of %d differences in %d", block, minis)
	}
	if total > uint64(limit) {
		return nil, nil, damaged("%d differences, at most %d", total, limit)
	}
	if total == 0 {
		return nil, src[r.at:], nil
	}
	size := int(block / minis)
	values = append(make([]int64, 0, total), first)
	for len(values) < int(total) {
		least := zigzag(r.varint())
		widths := r.at
		if r.skip(minis); r.failed {
			return nil, nil, damaged("differences end after %d of %d", len(values), total)
		}
		for _, width := range src[widths:r.at] {
			if len(values) == int(total) {
				break // of groups that are not needed only the widths are there
			}
			if values, err = r.group(values, min(size, int(total)-len(values)), size, int(width), least); err != nil {
				return nil, nil, err
			}
		}
	}
	return values, src[r.at:], nil
}

// group adds n of a group of size differences, packed in that many bits each.
func (w *walker) group(values []int64, n, size, width int, least int64) ([]int64, error) {
	from := w.at
	if width > 64 {
		return nil, damaged("differences of %d bits", width)
	}
	if w.skip(uint64(size * width / 8)); w.failed {
		return nil, damaged("differences end after %d", len(values))
	}
	last := values[len(values)-1]
	for i := range n {
		last += least + int64(bitsAt(w.data[from:w.at], i*width, width))
		values = append(values, last)
	}
	return values, nil
}

func zigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// prefixed decodes texts that say how much they share with the one before them.
func prefixed(src []byte, n int) ([]string, error) {
	shared, src, err := deltas(src, n)
	if err != nil {
		return nil, err
	}
	own, src, err := deltas(src, n)
	if err != nil {
		return nil, err
	}
	if len(shared) != n || len(own) != n {
		return nil, damaged("%d and %d lengths of %d texts", len(shared), len(own), n)
	}
	values, last, all := make([]string, n), "", int64(0)
	for i := range values {
		if shared[i] < 0 || shared[i] > int64(len(last)) || own[i] < 0 || own[i] > int64(len(src)) {
			return nil, damaged("text %d shares %d bytes and has %d", i, shared[i], own[i])
		}
		if all += shared[i] + own[i]; all > maxBytes {
			return nil, damaged("more than %d bytes of text", maxBytes)
		}
		last = last[:shared[i]] + string(src[:own[i]])
		values[i], src = last, src[own[i]:]
	}
	return values, nil
}

// plainTexts decodes texts with their lengths before them.
func plainTexts(src []byte, n int) ([]string, error) {
	if n > len(src)/4 {
		return nil, damaged("%d texts in %d bytes", n, len(src))
	}
	values := make([]string, n)
	for i := range values {
		if len(src) < 4 {
			return nil, damaged("%d of %d texts", i, n)
		}
		size := binary.LittleEndian.Uint32(src)
		if src = src[4:]; uint64(size) > uint64(len(src)) {
			return nil, damaged("a text of %d bytes in %d", size, len(src))
		}
		values[i], src = string(src[:size]), src[size:]
	}
	return values, nil
}

func plainDoubles(src []byte, n int) ([]float64, error) {
	return eights(src, n, math.Float64frombits)
}

// plainInts decodes n whole numbers of eight bytes.
func plainInts(src []byte, n int) ([]int64, error) {
	return eights(src, n, func(bits uint64) int64 { return int64(bits) })
}

func eights[T any](src []byte, n int, of func(bits uint64) T) ([]T, error) {
	if n > len(src)/8 {
		return nil, damaged("%d numbers in %d bytes", n, len(src))
	}
	values := make([]T, n)
	for i := range values {
		values[i] = of(binary.LittleEndian.Uint64(src[8*i:]))
	}
	return values, nil
}
