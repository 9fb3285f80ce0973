package pickle

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

const longInteger = Unread("an integer beyond 64 bits")

func (d *decoder) pushUint(size int) error {
	v, err := d.uint(size)
	if err != nil {
		return err
	}
	return d.push(int64(v))
}

func (d *decoder) binInt() error {
	v, err := d.uint(4)
	if err != nil {
		return err
	}
	return d.push(int64(int32(v)))
}

// pushLong reads a two's complement number of any length.
func (d *decoder) pushLong(size int) error {
	b, err := d.counted(size)
	if err != nil {
		return err
	}
	if len(b) > 8 {
		return d.push(longInteger)
	}
	var wide [8]byte
	if len(b) > 0 && b[len(b)-1] >= 0x80 {
		wide = [8]byte(bytes.Repeat([]byte{0xff}, 8))
	}
	copy(wide[:], b)
	return d.push(int64(binary.LittleEndian.Uint64(wide[:])))
}

func (d *decoder) binFloat() error {
	b, err := d.take(8)
	if err != nil {
		return err
	}
	return d.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
}

// line reads up to a newline, which it drops.
func (d *decoder) line() ([]byte, error) {
	n := bytes.IndexByte(d.data[d.pos:], '\n')
	if n < 0 {
		return nil, d.malformed("a line without an end")
	}
	b := d.data[d.pos : d.pos+n]
	d.pos += n + 1
	return b, nil
}

func (d *decoder) intText() error {
	b, err := d.line()
	if err != nil {
		return err
	}
	if s := string(b[:min(len(b), 3)]); s == "00" || s == "01" { // protocol 0's bool
		return d.push(s == "01")
	}
	return d.pushDecimal(b)
}

func (d *decoder) longText() error {
	b, err := d.line()
	if err != nil {
		return err
	}
	return d.pushDecimal(bytes.TrimSuffix(b, []byte("L")))
}

func (d *decoder) pushDecimal(b []byte) error {
	digits := bytes.TrimLeft(b, "-")
	if len(digits) == 0 || len(b)-len(digits) > 1 || len(bytes.Trim(digits, "0123456789")) > 0 {
		return d.malformed("a bad integer")
	}
	if len(digits) > 19 {
		return d.push(longInteger)
	}
	v, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return d.push(longInteger) // only the range is left to be wrong
	}
	return d.push(v)
}

func (d *decoder) floatText() error {
	b, err := d.line()
	if err != nil {
		return err
	}
	v, err := strconv.ParseFloat(string(b[:min(len(b), 400)]), 64)
	if err != nil {
		return d.malformed("a bad float")
	}
	return d.push(v)
}

// pushText pushes UTF-8 text.
func (d *decoder) pushText(size int) error {
	b, err := d.counted(size)
	if err != nil {
		return err
	}
	if !utf8.Valid(b) {
		return d.malformed("text that is not UTF-8")
	}
	return d.pushString(b)
}

// pushRaw pushes a Python 2 str: bytes that may be text.
func (d *decoder) pushRaw(size int) error {
	b, err := d.counted(size)
	if err != nil {
		return err
	}
	return d.pushString(b)
}

func (d *decoder) pushString(b []byte) error {
	if err := d.charge(32 + len(b)); err != nil {
		return err
	}
	return d.push(string(b))
}

func (d *decoder) pushBytes(size int) error {
	b, err := d.counted(size)
	if err != nil {
		return err
	}
	if err := d.charge(48); err != nil {
		return err
	}
	return d.push(b)
}

// stringText reads protocol 0's quoted Python 2 str.
func (d *decoder) stringText() error {
	b, err := d.line()
	if err != nil {
		return err
	}
	n := len(b)
	if n < 2 || b[0] != b[n-1] || (b[0] != '\'' && b[0] != '"') {
		return d.malformed("a string without quotes")
	}
	if err := d.charge(32 + n); err != nil {
		return err
	}
	out := make([]byte, 0, n)
	for rest := b[1 : n-1]; len(rest) > 0; {
		c, used, ok := unescape(rest)
		if !ok {
			return d.malformed("a bad escape in a string")
		}
		out, rest = append(out, c), rest[used:]
	}
	return d.push(string(out))
}

// unescape reads one byte of Python's string repr and how many bytes it took.
func unescape(b []byte) (c byte, used int, ok bool) {
	if b[0] != '\\' {
		return b[0], 1, true
	}
	if len(b) < 2 {
		return 0, 0, false
	}
	if i := strings.IndexByte(`\'"nrtbafv`, b[1]); i >= 0 {
		return "\\'\"\n\r\t\b\a\f\v"[i], 2, true
	}
	if b[1] == 'x' && len(b) >= 4 {
		v, err := strconv.ParseUint(string(b[2:4]), 16, 8)
		return byte(v), 4, err == nil
	}
	return 0, 0, false
}

// unicodeText reads protocol 0's text: Latin-1 with \uXXXX and \UXXXXXXXX.
func (d *decoder) unicodeText() error {
	b, err := d.line()
	if err != nil {
		return err
	}
	if err := d.charge(32 + 2*len(b)); err != nil {
		return err
	}
	var out strings.Builder
	for len(b) > 0 {
		size := 0
		if len(b) >= 2 && b[0] == '\\' {
			size = map[byte]int{'u': 4, 'U': 8}[b[1]]
		}
		if size == 0 {
			out.WriteRune(rune(b[0]))
			b = b[1:]
			continue
		}
		if len(b) < 2+size {
			return d.malformed("a short escape in text")
		}
		r, err := strconv.ParseUint(string(b[2:2+size]), 16, 32)
		if err != nil || !utf8.ValidRune(rune(r)) {
			return d.malformed("a bad escape in text")
		}
		out.WriteRune(rune(r))
		b = b[2+size:]
	}
	return d.push(out.String())
}
