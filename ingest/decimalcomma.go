package ingest

import "bytes"

// parseComma reads a number of a file with decimal commas: the grammar of ParseNumber with a comma for the point, and
// points that group the digits before it in threes, as in 1.234,56. A single group without a comma, as 5.849, could be
// meant either way and is ErrNumber unless grouped is set.
func parseComma(cell []byte, grouped bool) (float64, error) {
	var room [64]byte
	text, ok := withPoint(room[:0], cell, grouped)
	if !ok {
		return 0, ErrNumber
	}
	return ParseNumber(text)
}

// withPoint appends the cell with a decimal point and without groups.
func withPoint(to, cell []byte, grouped bool) ([]byte, bool) {
	whole, fraction, comma := bytes.Cut(cell, []byte{','})
	if bytes.IndexByte(fraction, '.') >= 0 || comma && len(fraction) == 0 {
		return nil, false
	}
	groups := bytes.Count(whole, []byte{'.'})
	if groups == 1 && !comma && !grouped || groups > 0 && !inThrees(whole) {
		return nil, false
	}
	for part := range bytes.SplitSeq(whole, []byte{'.'}) {
		to = append(to, part...)
	}
	if comma {
		to = append(append(to, '.'), fraction...)
	}
	return to, true
}

// inThrees reports whether points group the digits of a whole number correctly.
func inThrees(b []byte) bool {
	b = bytes.TrimPrefix(b, []byte{'-'})
	for first := true; ; first = false {
		group, rest, more := bytes.Cut(b, []byte{'.'})
		if _, n := digits(group, 0); n != len(group) || n == 0 || n > 3 || !first && n != 3 {
			return false
		}
		if !more {
			return true
		}
		b = rest
	}
}
