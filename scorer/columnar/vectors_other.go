//go:build !amd64

package columnar

// packVectors packs none: the compiler has no vectors for it yet.
func (c *column) packVectors([]uint32, *fewTable) int { return 0 }

// squeezeVectors is for none, see packVectors.
func (c *column) squeezeVectors([]int32, []uint32) (rows, there int) { return 0, 0 }
