package columnar

import (
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

// hash finds the XXH64 hashes of texts of any length.
func (r *textRun) hash(hashes []uint64) {
	start := r.start
	for i, end := range r.ends {
		hashes[i] = xxhash.Sum64(r.data[start:end])
		start = end
	}
}

const (
	prime1 = 11400714785074694791
	prime2 = 14029467366897019727
	prime3 = 1609587929392839161
	prime4 = 9650029242287828579
	prime5 = 2870177450012600261
)

// hashShort hashes texts as far as they are short, and returns how many are. It is
// XXH64 of at most 16 bytes, with seed 0.
// (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md#xxh64-algorithm-description)
func hashShort(hashes []uint64, data []byte, start uint32, ends []uint32) int {
	data, hashes = data[:len(data):len(data)], hashes[:len(ends)]
	for i := 0; i < len(ends); {
		size := ends[i] - start
		if !isShort(data, start, ends[i]) {
			return i
		}
		// Ids that follow each other are mostly as long and begin alike.
		made, first, mask, from := prime5+uint64(size), uint64(0), uint64(0), 0
		if size >= 8 {
			first, mask, from = le64(data[start:int(start)+ahead:int(start)+ahead]), 1<<64-1, 8
			made = hashWord(made, first)
		}
		for ; i < len(ends); i++ {
			end := ends[i]
			if end-start != size || int(start)+ahead > len(data) {
				break
			}
			is := data[start : int(start)+ahead : int(start)+ahead]
			if le64(is)&mask != first {
				break
			}
			start = end
			h, rest := made, le64(is[from:])
			if size == 16 {
				h = hashWord(h, rest)
			}
			if size&4 != 0 {
				h = bits.RotateLeft64(h^uint64(uint32(rest))*prime1, 23)*prime2 + prime3
				rest >>= 32
			}
			if size&3 != 0 {
				h = hashByte(h, rest)
				if size&2 != 0 {
					h = hashByte(h, rest>>8)
					if size&1 != 0 {
						h = hashByte(h, rest>>16)
					}
				}
			}
			h = (h ^ h>>33) * prime2
			h = (h ^ h>>29) * prime3
			hashes[i] = h ^ h>>32
		}
	}
	return len(ends)
}

func hashByte(h, b uint64) uint64 {
	return bits.RotateLeft64(h^uint64(byte(b))*prime5, 11) * prime1
}

func hashWord(h, w uint64) uint64 {
	return bits.RotateLeft64(h^bits.RotateLeft64(w*prime2, 31)*prime1, 27)*prime1 + prime4
}
