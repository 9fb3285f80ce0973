// Package axis tells where a number lies among the thresholds of a feature.
//
//	thresholds   0.5   7   7.5
//	cells       0   1    2    3      x <= 0.5 is in cell 0, x = 7.2 in cell 2
//
// Trees compare x, rounded to float32, with float64 thresholds: left when
// float64(x32) <= threshold. That is the same as x32 <= the largest float32
// that is not above the threshold, so an axis keeps float32 thresholds, and
// those that no float32 can tell apart are one. Numbers are compared through
// int32 keys of the same order, because integers compare without branches.
//
// What it does not promise: NaN has no key and no cell.
package axis

import (
	"math"
	"math/bits"
	"slices"
)

// Key returns an integer that orders like x: Key(a) < Key(b) exactly when
// a < b. Both zeros have the same key. x must not be NaN.
func Key(x float32) int32 {
	b := int32(math.Float32bits(x + 0)) // -0 + 0 is +0
	return b ^ int32(uint32(b>>31)>>1)
}

// Float returns the number whose key is k.
func Float(k int32) float32 {
	return math.Float32frombits(uint32(k ^ int32(uint32(k>>31)>>1)))
}

// Below returns the largest float32 that is at most t; minus infinity when
// every finite one is greater.
func Below(t float64) float32 {
	f := float32(t)
	if float64(f) > t {
		return math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f
}

// maxBucketBits bounds the equal ranges of keys that an axis is divided into,
// about 16 a threshold, so that hardly any holds more than one.
const maxBucketBits = 12

// Axis holds the thresholds of one feature. It never changes and is safe for
// concurrent use.
type Axis struct {
	keys  []int32 // rising, distinct; then span times the largest key
	count int     // keys without the padding
	// Thresholds below a key are found from its bucket: at least start of it,
	// and at most span more.
	start []uint32
	low   int32 // key of the first bucket's beginning
	shift uint8
	span  int
}

// New makes an axis of thresholds, which need not be sorted or distinct but
// must be finite.
func New(thresholds []float64) *Axis {
	keys := make([]int32, len(thresholds))
	for i, t := range thresholds {
		keys[i] = Key(Below(t))
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	bucketBits := min(maxBucketBits, bits.Len(uint(len(keys)))+4)
	a := &Axis{count: len(keys), start: make([]uint32, 1<<bucketBits)}
	if len(keys) > 0 {
		a.low = keys[0]
		width := uint32(keys[len(keys)-1]) - uint32(a.low)
		a.shift = uint8(max(0, bits.Len32(width)-bucketBits))
	}
	in := make([]int, len(a.start))
	for _, k := range keys {
		in[a.bucket(k)]++
	}
	before := 0
	for b, n := range in {
		a.start[b] = uint32(before)
		a.span = max(a.span, n)
		before += n
	}
	a.keys = slices.Concat(keys, slices.Repeat([]int32{math.MaxInt32}, a.span))
	return a
}

// bucket is the number of a key's bucket; keys below the first one and above
// the last are counted to those.
func (a *Axis) bucket(key int32) int {
	d := int64(key) - int64(a.low)
	return min(int(d&^(d>>63)>>(a.shift&31)), len(a.start)-1)
}

// Cells returns the number of cells: one more than there are thresholds.
func (a *Axis) Cells() int { return a.count + 1 }

// Threshold returns the greatest number of cell i, 0 <= i < Cells()-1. The
// last cell has none.
func (a *Axis) Threshold(i int) float32 { return Float(a.keys[i]) }

// Cell returns how many thresholds are less than the number with this key.
func (a *Axis) Cell(key int32) int {
	at := int(a.start[a.bucket(key)])
	keys := a.keys
	for n := a.span; n > 0; {
		half := (n + 1) >> 1
		// -1 when the threshold is less than key, else 0: no branch to guess.
		at += half & int((int64(keys[at+half-1])-int64(key))>>63)
		n -= half
	}
	return at
}

// AddCells adds stride times the cell of keys[i] to at[i]. It is Cell for many
// rows, without the cost of a call each; len(at) must be len(keys).
func (a *Axis) AddCells(at []int, keys []int32, stride int) {
	thresholds, start, low, last := a.keys, a.start, int64(a.low), len(a.start)-1
	for i, key := range keys {
		d := int64(key) - low
		cell := int(start[min(int(d&^(d>>63)>>(a.shift&31)), last)])
		for n := a.span; n > 0; {
			half := (n + 1) >> 1
			cell += half & int((int64(thresholds[cell+half-1])-int64(key))>>63)
			n -= half
		}
		at[i] += cell * stride
	}
}
