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
	keys  []int32 // rising, distinct; then padding that no number is above
	count int     // keys without the padding
	// A bucket is the place of its first threshold among keys, below that
	// threshold as an ordered number; the largest number if it has none.
	buckets []uint64
	low     uint32 // ordered key of the first bucket's beginning
	shift   uint8
	span    int // thresholds that a bucket has at most
}

// ordered maps the bits of a float32 to a number whose unsigned order is that
// of the floats: -0 comes right before +0, and no threshold is -0.
func ordered(bits uint32) uint32 { return bits ^ (uint32(int32(bits)>>31) | 1<<31) }

// ofKey is the ordered number of a key.
func ofKey(key int32) uint32 { return uint32(key) ^ 1<<31 }

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
	a := &Axis{count: len(keys), buckets: make([]uint64, 1<<bucketBits)}
	if len(keys) > 0 {
		a.low = ofKey(keys[0])
		a.shift = uint8(max(0, bits.Len32(ofKey(keys[len(keys)-1])-a.low)-bucketBits))
	}
	in := make([]int, len(a.buckets))
	for _, k := range keys {
		in[a.bucket(ofKey(k))]++
	}
	before := 0
	for b, n := range in {
		first := uint32(math.MaxUint32)
		if n > 0 {
			first = ofKey(keys[before])
		}
		a.buckets[b] = uint64(first)<<32 | uint64(before)
		a.span = max(a.span, n)
		before += n
	}
	a.keys = slices.Concat(keys, slices.Repeat([]int32{Key(float32(math.Inf(1)))}, a.span+few))
	return a
}

// bucket is the place of a number's bucket; numbers below the first one and
// above the last are counted to those.
func (a *Axis) bucket(ordered uint32) int {
	return place(ordered, int64(a.low), a.shift, int64(len(a.buckets)-1))
}

// place is (x - low) >> shift, at least 0 and at most last, without a branch:
// who repaid debts and who did not come in no order that could be guessed.
func place(x uint32, low int64, shift uint8, last int64) int {
	d := int64(x) - low
	d = d &^ (d >> 63) >> (shift & 31)
	over := last - d
	return int(d + over&(over>>63))
}

// Cells returns the number of cells: one more than there are thresholds.
func (a *Axis) Cells() int { return a.count + 1 }

// Threshold returns the greatest number of cell i, 0 <= i < Cells()-1. The
// last cell has none.
func (a *Axis) Threshold(i int) float32 { return Float(a.keys[i]) }

// Cell returns how many thresholds are less than the number with this key.
func (a *Axis) Cell(key int32) int {
	if a.count > few {
		x := ofKey(key)
		return a.within(a.buckets[a.bucket(x)], x)
	}
	cell, above := 0, 0 // as in addFew
	if key > a.keys[0] {
		cell = 1
	}
	if key > a.keys[1] {
		above = 1
	}
	return cell + above
}

// within counts the thresholds below x, which is in this bucket. The first
// threshold is compared by the borrow of a subtraction, without a branch.
func (a *Axis) within(bucket uint64, x uint32) int {
	_, above := bits.Sub64(bucket, uint64(x)<<32, 0)
	at := int(uint32(bucket) + uint32(above))
	for n := a.span - 1; n > 0; {
		half := (n + 1) >> 1
		// -1 when the threshold is less than x, else 0: no branch to guess.
		at += half & int((int64(ofKey(a.keys[at+half-1]))-int64(x))>>63)
		n -= half
	}
	return at
}

// AddCells adds stride times the cell of x[i*width], rounded to float32, to
// at[i]. It is Cell for the column of a matrix, without the cost of a call
// each. It reports whether all numbers are finite; at is of no use otherwise.
func (a *Axis) AddCells(at []int, x []float64, width, stride int) bool {
	if a.count <= few {
		return a.addFew(at, x, width, stride)
	}
	buckets, low, last := a.buckets, int64(a.low), int64(len(a.buckets)-1)
	sum := float32(0) // of zeros, unless a number is not finite
	for i := range at {
		v := float32(x[i*width])
		sum += v * 0
		f := ordered(math.Float32bits(v))
		at[i] += stride * a.within(buckets[place(f, low, a.shift, last)], f)
	}
	return sum == 0
}

// few is how many thresholds are compared one by one.
const few = 2

func (a *Axis) addFew(at []int, x []float64, width, stride int) bool {
	first, second := Float(a.keys[0]), Float(a.keys[1])
	sum := float32(0)
	for i := range at {
		v := float32(x[i*width])
		sum += v * 0
		cell := 0
		if v > first {
			cell = 1
		}
		above := 0
		if v > second {
			above = 1
		}
		at[i] += stride * (cell + above)
	}
	return sum == 0
}
