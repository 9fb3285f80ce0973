package columnar

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A short text, as most ids are, is read as two words, without a loop over its
// bytes.
const (
	short = 16
	ahead = 2 * short // so many bytes there must be from its beginning on
)

// isShort tells whether a text is short.
func isShort(data []byte, start, end uint32) bool {
	return end-start <= short && int(start)+ahead <= len(data)
}

// addShort adds the next texts as far as they are short. They come after
// data[before:start], which was added last.
func (t *pageTexts) addShort(r *textRun, before uint32) {
	n, m := len(t.prefixes), len(t.data)
	t.data = reserve(t.data, short*(len(r.ends)+1))
	to := shortPlaces{t.prefixes[n:cap(t.prefixes)], t.suffixes[n:cap(t.suffixes)], t.data[m:cap(t.data)]}
	done := to.take(r, before)
	added := r.first(done.rows)
	t.prefixes, t.suffixes, t.data = t.prefixes[:n+done.rows], t.suffixes[:n+done.rows], t.data[:m+done.bytes]
	r.skip(done.rows)
	t.last = r.data[added.last():r.start]
	switch {
	case r.hashes == nil:
	case done.rising:
		if bytes.Compare(t.last, t.most) > 0 {
			t.most = t.last
		}
	default:
		t.boundShort(&added)
	}
}

// last is where the last text begins.
func (r *textRun) last() uint32 {
	if n := len(r.ends); n > 1 {
		return r.ends[n-2]
	}
	return r.start
}

// shortPlaces is where to put what short texts share with the one before them,
// and what comes after that: lengths and bytes.
type shortPlaces struct {
	prefixes, suffixes []int32 // as many as there are texts
	data               []byte  // short bytes a text, and as many more
}

// shortDone is what was put there.
type shortDone struct {
	rows   int
	bytes  int
	rising bool // each text is known to be greater than the one before it
}

// takeGo takes texts as far as they are short, at least one, and hashes them. The
// first comes after data[before:start].
func (p *shortPlaces) takeGo(r *textRun, before uint32) (done shortDone) {
	done.rows, done.rising = r.sharedPrefixes(p.prefixes, before)
	added := r.first(done.rows)
	done.bytes = added.cut(p.data, p.prefixes, p.suffixes)
	if r.hashes != nil {
		hashShort(r.hashes, r.data, r.start, added.ends)
	}
	return done
}

// sharedPrefixes finds what texts share with the one before them as far as they
// are short. The first comes after data[before:start]. It returns how many are,
// and whether each is known to be greater than the one before it.
func (r *textRun) sharedPrefixes(prefixes []int32, before uint32) (rows int, rising bool) {
	data, start, ends := r.data[:len(r.data):len(r.data)], r.start, r.ends
	prefixes = prefixes[:len(ends)]
	was, size, falls := data[before:int(before)+ahead:int(before)+ahead], start-before, uint32(0)
	for i, end := range ends {
		length := end - start
		if !isShort(data, start, end) {
			return i, falls == 0
		}
		is := data[start : int(start)+ahead : int(start)+ahead]
		most, shared := min(size, length), uint32(0)
		if v, w := le64(is), le64(was); v != w {
			shared = uint32(bits.TrailingZeros64(v^w)) / 8
			falls |= flag(bits.ReverseBytes64(v) < bits.ReverseBytes64(w))
		} else {
			v, w := le64(is[8:]), le64(was[8:])
			shared = 8 + uint32(bits.TrailingZeros64(v^w))/8
			falls |= flag(bits.ReverseBytes64(v) < bits.ReverseBytes64(w))
		}
		falls |= flag(shared >= most) // the words differ only where one text has ended
		prefixes[i] = int32(min(shared, most))
		was, size, start = is, length, end
	}
	return len(ends), falls == 0
}

// flag is 1 for true.
func flag(b bool) uint32 {
	n := uint32(0)
	if b {
		n = 1
	}
	return n
}

// cut writes what comes after the prefixes of short texts, and the lengths of
// that. It returns how many bytes it wrote.
func (r *textRun) cut(to []byte, prefixes, suffixes []int32) int {
	prefixes, suffixes = prefixes[:len(r.ends)], suffixes[:len(r.ends)]
	to, data := to[:len(to):len(to)], r.data[:len(r.data):len(r.data)]
	start, at := r.start, uint32(0)
	for i, end := range r.ends {
		from := start + uint32(prefixes[i])
		size := end - from
		suffixes[i] = int32(size)
		// All that it can be, some of it for nothing, takes less than a call.
		*(*[short]byte)(to[at : int(at)+short]) = *(*[short]byte)(data[from : int(from)+short])
		at += size
		start = end
	}
	return int(at)
}

// boundShort widens the bounds of the page, which has some, to short texts.
func (t *pageTexts) boundShort(r *textRun) {
	low, high := bigWords(t.least)
	low2, high2 := bigWords(t.most)
	size, size2, start := uint32(len(t.least)), uint32(len(t.most)), r.start
	for _, end := range r.ends {
		length, mask := end-start, &textMasks[min(end-start, short)]
		is := r.data[start : int(start)+short : int(start)+short]
		h, l := bits.ReverseBytes64(le64(is)&mask.first), bits.ReverseBytes64(le64(is[8:])&mask.second)
		switch {
		case h > high2 || h == high2 && (l > low2 || l == low2 && length > size2):
			high2, low2, size2, t.most = h, l, length, r.data[start:end]
		case h < high || h == high && (l < low || l == low && length < size):
			high, low, size, t.least = h, l, length, r.data[start:end]
		}
		start = end
	}
}

// bigWords are the first bytes of a text as two words in the order of bytes,
// with zeros after its end.
func bigWords(v []byte) (low, high uint64) {
	var few [short]byte
	copy(few[:], v)
	return binary.BigEndian.Uint64(few[8:]), binary.BigEndian.Uint64(few[:])
}

// textMasks keep the first bytes of two words.
var textMasks = func() (masks [short + 1]struct{ first, second uint64 }) {
	for n := range masks {
		masks[n].first = 1<<min(8*n, 64) - 1
		masks[n].second = 1<<max(8*(n-8), 0) - 1
	}
	return masks
}()
