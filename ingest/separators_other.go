//go:build !amd64

package ingest

// separators is findSeparators; the compiler has no vectors for it yet.
func separators(bounds []uint32, lines []uint64, data []byte, delimiter byte) (n int, odd bool) {
	return findSeparators(bounds, lines, data, delimiter)
}

// vectors tells that there is assembly for this processor.
const vectors = false
