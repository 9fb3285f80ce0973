package ingest

import (
	"math"
	"math/bits"
	"strconv"
)

// maxExactDigits is the number of decimal digits that always fit a float64 exactly (10^15 < 2^53), and maxDigits a
// uint64.
const (
	maxExactDigits = 15
	maxDigits      = 19
)

// pow10 holds the powers of ten that a float64 holds exactly.
var pow10 = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// decimal is a text that follows the grammar: digits times 10 to the power of exponent, but for its sign.
type decimal struct {
	digits   uint64 // wrapped around when there are more than maxDigits of them
	count    int    // digits, with leading zeros
	exponent int
	negative bool
}

// scanDecimal reads the grammar of ParseNumber; false when b does not follow it.
func scanDecimal(b []byte) (d decimal, ok bool) {
	at := 0
	if len(b) > 0 && b[0] == '-' {
		d.negative, at = true, 1
	}
	first := at
	for ; at < len(b) && b[at]-'0' <= 9; at++ {
		d.digits = d.digits*10 + uint64(b[at]-'0')
	}
	d.count = at - first
	if d.count == 0 || d.count > 1 && b[first] == '0' {
		return d, false
	}
	if at < len(b) && b[at] == '.' {
		point := at
		for at++; at < len(b) && b[at]-'0' <= 9; at++ {
			d.digits = d.digits*10 + uint64(b[at]-'0')
		}
		d.exponent = point + 1 - at
		d.count -= d.exponent
		if d.exponent == 0 {
			return d, false
		}
	}
	if at == len(b) {
		return d, true
	}
	exponent, ok := scanExponent(b[at:])
	d.exponent += exponent
	return d, ok
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

// farExponent is an exponent that no text's digits make up for.
const farExponent = 1 << 40

// scanExponent reads an exponent with its letter, all of b.
func scanExponent(b []byte) (int, bool) {
	if b[0] != 'e' && b[0] != 'E' {
		return 0, false
	}
	b = b[1:]
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	exponent := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		exponent = min(exponent*10+int(c-'0'), farExponent)
	}
	if negative {
		exponent = -exponent
	}
	return exponent, len(b) > 0
}

// rounded returns the float64 nearest to m times 10 to the power of e; infinity when that is too large.
//
// Where m and the power are both exact in a float64, one operation on them rounds once, as the correctly rounded
// conversion does (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990).
func rounded(m uint64, e int) float64 {
	switch {
	case m < 1<<53 && e <= 0 && -e < len(pow10):
		return float64(m) / pow10[-e]
	case m < 1<<53 && e > 0 && e < len(pow10):
		return float64(m) * pow10[e]
	case e <= 0 && -e <= maxDigits:
		return quotient(m, uint64(pow10[-e]))
	case m == 0 || e < -344: // less than half of the smallest number, 4.9e-324
		return 0
	case e > 308:
		return math.Inf(1)
	}
	// At most 25 characters, which ParseFloat takes without memory of its own. Its only error is the range.
	var buf [32]byte
	text := append(strconv.AppendUint(buf[:0], m, 10), 'e')
	text = strconv.AppendInt(text, int64(e), 10)
	v, _ := strconv.ParseFloat(string(text), 64)
	return v
}

// quotient returns the float64 nearest to m / d; m is not 0, and d at least 1. Both are shifted to 64 bits, so that
// one division gives at least 63 bits and says whether anything is left over: enough to round once.
func quotient(m, d uint64) float64 {
	up, down := bits.LeadingZeros64(m), bits.LeadingZeros64(d)
	m, d = m<<up, d<<down
	q, rest := bits.Div64(m>>1, m<<63, d)
	if rest != 0 {
		q |= 1
	}
	return float64(q) * math.Float64frombits(uint64(1023-63-up+down)<<52)
}

// roundedLong is the float64 nearest to a number of more than maxDigits digits, without its sign, where exponent
// counts from the last of them. The first digits bound it from both sides, nearly always to one float64.
func roundedLong(b []byte, exponent int) float64 {
	m, kept, dropped := uint64(0), 0, false
	for _, c := range b {
		if c == 'e' || c == 'E' {
			break
		}
		switch {
		case c == '.':
		case kept == maxDigits:
			exponent++
			dropped = dropped || c != '0'
		default:
			m = m*10 + uint64(c-'0')
			if m > 0 {
				kept++
			}
		}
	}
	v := rounded(m, exponent)
	if dropped && v != rounded(m+1, exponent) {
		v, _ = strconv.ParseFloat(string(b), 64) // its only error is the range
	}
	return v
}
