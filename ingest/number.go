package ingest

import (
	"errors"
	"strconv"
)

// Errors of ParseNumber.
var (
	// ErrNumber says that the text does not follow the decimal grammar.
	ErrNumber = errors.New("not a decimal number")
	// ErrOverflow says that the number is too large for a float64.
	ErrOverflow = errors.New("number too large")
)

// maxExactDigits is the number of decimal digits that always fit a float64 exactly (10^15 < 2^53).
const maxExactDigits = 15

// pow10 holds the powers of ten that a float64 holds exactly, as far as ParseNumber needs them.
var pow10 = [maxExactDigits + 1]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
}

// ParseNumber reads the one decimal grammar of CSV cells and JSON, the number of RFC 8259 section 6:
//
//	-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
//
// The result is the float64 nearest to the decimal, the same bits as strconv.ParseFloat gives. Spaces, a leading
// plus, leading zeros, thousands separators, decimal commas, hexadecimal, "NaN" and "Infinity" are ErrNumber;
// a number beyond float64 is ErrOverflow; one too small to hold is 0. The caller trims spaces.
func ParseNumber(b []byte) (float64, error) {
	value, exact, ok := scanDecimal(b)
	if !ok {
		return 0, ErrNumber
	}
	if exact {
		return value, nil
	}
	value, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return 0, ErrOverflow
	}
	return value, nil
}

// scanDecimal checks the grammar. Short numbers without an exponent are converted on the way: digits and divisor
// are both exact in a float64, so one division rounds once, as the correctly rounded conversion does
// (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990).
func scanDecimal(b []byte) (value float64, exact, ok bool) {
	i := 0
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		i++
	}
	mantissa, whole := digits(b[i:], 0)
	if whole == 0 || (whole > 1 && b[i] == '0') {
		return 0, false, false
	}
	i += whole
	fraction := 0
	if i < len(b) && b[i] == '.' {
		mantissa, fraction = digits(b[i+1:], mantissa)
		if fraction == 0 {
			return 0, false, false
		}
		i += 1 + fraction
	}
	if i < len(b) {
		return 0, false, isExponent(b[i:])
	}
	if whole+fraction > maxExactDigits {
		return 0, false, true
	}
	value = float64(mantissa) / pow10[fraction]
	if negative {
		value = -value
	}
	return value, true, true
}

// digits reads decimal digits onto mantissa, which wraps around when there are too many of them.
func digits(b []byte, mantissa uint64) (uint64, int) {
	for i, c := range b {
		if c < '0' || c > '9' {
			return mantissa, i
		}
		mantissa = mantissa*10 + uint64(c-'0')
	}
	return mantissa, len(b)
}

func isExponent(b []byte) bool {
	if b[0] != 'e' && b[0] != 'E' {
		return false
	}
	b = b[1:]
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	_, n := digits(b, 0)
	return n > 0 && n == len(b)
}
