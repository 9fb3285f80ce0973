package ingest

import (
	"errors"
	"math"
)

// Errors of ParseNumber.
var (
	// ErrNumber says that the text does not follow the decimal grammar.
	ErrNumber = errors.New("not a decimal number")
	// ErrOverflow says that the number is too large for a float64.
	ErrOverflow = errors.New("number too large")
)

// ParseNumber reads the one decimal grammar of CSV cells and JSON, the number of RFC 8259 section 6:
//
//	-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
//
// The result is the float64 nearest to the decimal, the same bits as strconv.ParseFloat gives. Spaces, a leading
// plus, leading zeros, thousands separators, decimal commas, hexadecimal, "NaN" and "Infinity" are ErrNumber;
// a number beyond float64 is ErrOverflow; one too small to hold is 0. The caller trims spaces.
func ParseNumber(b []byte) (float64, error) {
	d, ok := scanDecimal(b)
	if !ok {
		return 0, ErrNumber
	}
	v := 0.0
	switch {
	case d.exponent == 0 && d.count <= maxExactDigits:
		v = float64(d.digits)
	case d.count <= maxDigits:
		v = rounded(d.digits, d.exponent)
	case d.negative:
		v = roundedLong(b[1:], d.exponent)
	default:
		v = roundedLong(b, d.exponent)
	}
	if d.negative {
		v = -v
	}
	if math.IsInf(v, 0) {
		return 0, ErrOverflow
	}
	return v, nil
}
