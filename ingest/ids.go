package ingest

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// IDs counts rows whose Loan_ID was there before, in bounded memory. Up to a number of different ids the count is exact.
// Beyond it, half of the ids are forgotten, chosen by a bit of their hash, then half of the rest, and so on: what is then
// counted is a fair sample, and the count an estimate (P. Flajolet, On Adaptive Sampling, Computing 34, 1990).
// The hash is that of the bytes alone, so counts of the parts of a file can be merged. It is not safe for concurrent use.
type IDs struct {
	most  int    // ids that are kept
	shift uint   // ids are kept whose hash begins with so many zero bits
	slots []slot // open addressing; a power of two, at most half full
	spare []slot // as long as slots, or of no use
	kept  int
	total int64 // rows with an id
	loose bool  // there were more, of samples

	// Of the places of slots, at random, so that no file can be made whose ids all
	// fall into one. What is counted does not depend on it.
	seed, factor uint64
}

// slot is an id by its hash, and how many rows had it; 0 rows is an empty slot.
type slot struct {
	hash uint64
	rows uint32
}

// MaxIDs is how many different ids are counted exactly by default, in about 32 MiB.
const MaxIDs = 1 << 20

// Duplicates is how many rows of a file have a Loan_ID that an earlier row has.
type Duplicates struct {
	Rows  int64 `json:"rows" doc:"Rows whose Loan_ID an earlier row has"`
	Exact bool  `json:"exact" doc:"False if it is estimated from a sample of the ids, because there are too many of them"`
}

// NewIDs returns a counter that is exact up to so many different ids, at least 16; 0 means MaxIDs.
func NewIDs(most int) *IDs {
	if most == 0 {
		most = MaxIDs
	}
	return &IDs{most: max(most, 16), slots: make([]slot, 32), seed: rand.Uint64(), factor: rand.Uint64() | 1}
}

// Reset forgets everything and keeps the memory.
func (d *IDs) Reset() {
	clear(d.slots)
	d.kept, d.shift, d.total, d.loose = 0, 0, 0, false
}

// Add counts a row. A missing id, which is empty, is no duplicate of another one.
func (d *IDs) Add(id []byte) {
	if len(id) > 0 {
		d.total++
		d.add(xxhash.Sum64(id), 1)
	}
}

// AddHashes counts rows by the XXH64 hashes of their ids.
func (d *IDs) AddHashes(hashes []uint64) {
	before := d.total
	defer func() { d.total = before + int64(len(hashes)) }()
	// Nearly all of many ids will be forgotten. To begin as if those were already
	// leaves the same ids, provided that more are forgotten in the end.
	if guess := uint(bits.Len(uint(len(hashes) / (d.most + d.most/2)))); guess > 1 && d.kept == 0 && d.shift == 0 && !d.loose {
		d.shift = guess - 1
		if d.addHashes(hashes); d.shift >= guess {
			return
		}
		d.Reset()
	}
	d.addHashes(hashes)
}

func (d *IDs) addHashes(hashes []uint64) {
	greatest := uint64(1<<64-1) >> d.shift
	for _, h := range hashes {
		if h <= greatest {
			d.add(h, 1)
			greatest = uint64(1<<64-1) >> d.shift
		}
	}
}

// Merge counts the rows that o has counted.
func (d *IDs) Merge(o *IDs) {
	d.total, d.loose = d.total+o.total, d.loose || o.loose
	d.thin(o.shift)
	for _, s := range o.slots {
		if s.rows > 0 {
			d.add(s.hash, s.rows)
		}
	}
}

// Duplicates returns the count so far. An estimate is the share of duplicates in the sample, of all rows.
func (d *IDs) Duplicates() Duplicates {
	var rows, again int64
	for _, s := range d.slots {
		if s.rows > 0 {
			rows += int64(s.rows)
			again += int64(s.rows - 1)
		}
	}
	switch {
	case d.shift == 0:
		return Duplicates{Rows: again, Exact: true}
	case d.loose || rows == 0:
		return Duplicates{Rows: again << d.shift}
	}
	return Duplicates{Rows: int64(math.Round(float64(again) / float64(rows) * float64(d.total)))}
}

// sampled is the size of one id in a sample.
const sampled = 8 + 4

// Sample returns what is known of at most so many ids, in 12 bytes each in the order of their hashes, for MergeSample.
func (d *IDs) Sample(most int) []byte {
	small := NewIDs(most)
	small.Merge(d)
	slices.SortFunc(small.slots, func(a, b slot) int { return cmp.Compare(a.hash, b.hash) })
	out := append(make([]byte, 0, 1+sampled*small.kept), byte(small.shift))
	for _, s := range small.slots {
		if s.rows > 0 {
			out = binary.LittleEndian.AppendUint64(out, s.hash)
			out = binary.LittleEndian.AppendUint32(out, s.rows)
		}
	}
	return out
}

// ErrSample says that bytes are not what Sample returned.
var ErrSample = errors.New("not a sample of ids")

// MergeSample counts the rows behind a sample. It does not say how many there are in all; estimates are rougher without.
func (d *IDs) MergeSample(sample []byte) error {
	if len(sample)%sampled != 1 || sample[0] > 64 {
		return ErrSample
	}
	d.loose = true
	d.thin(uint(sample[0]))
	for b := sample[1:]; len(b) > 0; b = b[sampled:] {
		if rows := binary.LittleEndian.Uint32(b[8:]); rows > 0 {
			d.add(binary.LittleEndian.Uint64(b), rows)
		}
	}
	return nil
}

func (d *IDs) add(hash uint64, rows uint32) {
	if hash>>(64-d.shift) != 0 { // a shift by 64 is 0
		return
	}
	mask := uint64(len(d.slots) - 1)
	high, low := bits.Mul64(hash^d.seed, d.factor)
	for i := (high ^ low) & mask; ; i = (i + 1) & mask {
		s := &d.slots[i]
		switch {
		case s.rows == 0:
			*s = slot{hash, rows}
			d.kept++
			d.grow()
			return
		case s.hash == hash:
			s.rows += min(rows, 1<<32-1-s.rows)
			return
		}
	}
}

// grow makes room for the next id: more slots, or fewer ids.
func (d *IDs) grow() {
	switch {
	case d.kept > d.most:
		d.thin(d.shift + 1)
	case 2*d.kept > len(d.slots):
		d.rebuild(2 * len(d.slots))
	}
}

// thin keeps the ids whose hash begins with so many zero bits.
func (d *IDs) thin(shift uint) {
	if shift > d.shift {
		d.shift = shift
		d.rebuild(len(d.slots))
	}
}

func (d *IDs) rebuild(slots int) {
	before := d.slots
	if len(d.spare) == slots {
		clear(d.spare)
	} else {
		d.spare = make([]slot, slots)
	}
	d.slots, d.spare, d.kept = d.spare, before, 0
	for _, s := range before {
		if s.rows > 0 {
			d.add(s.hash, s.rows)
		}
	}
}
