package ingest

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

const utf8BOM = "\xEF\xBB\xBF"

// detectEncoding tells UTF-8 from Windows-1252 by the start of a text: it is Windows-1252 if more bytes are no UTF-8
// than there are characters of several bytes. So a UTF-8 file with a damaged row stays UTF-8, and text in Windows-1252,
// where letters with accents hardly ever form UTF-8 by chance, does not. What is ASCII as far as it was seen is UTF-8.
func detectEncoding(text []byte, whole bool) string {
	invalid, multibyte := 0, 0
	for len(text) > 0 {
		if text[0] < utf8.RuneSelf {
			text = text[ascii(text):]
			continue
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r != utf8.RuneError || size > 1:
			multibyte++
		case !whole && !utf8.FullRune(text):
			return encodingOf(invalid, multibyte) // cut in a character
		default:
			invalid++
		}
		text = text[size:]
	}
	return encodingOf(invalid, multibyte)
}

func encodingOf(invalid, multibyte int) string {
	if invalid > multibyte {
		return EncodingWindows1252
	}
	return EncodingUTF8
}

// ascii returns how many bytes at the start of b are ASCII.
func ascii(b []byte) int {
	if i := slices.IndexFunc(b, func(c byte) bool { return c >= utf8.RuneSelf }); i >= 0 {
		return i
	}
	return len(b)
}

// windows1252 holds the characters 0x80 to 0x9F; all others are those of Latin-1, whose code points are the bytes.
// Five bytes stand for nothing and become control characters.
// https://encoding.spec.whatwg.org/index-windows-1252.txt
var windows1252 = [32]rune{
	0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x008D, 0x017D, 0x008F,
	0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178,
}

// appendWindows1252 appends text in Windows-1252 as UTF-8: at most three bytes for one.
func appendWindows1252(to, text []byte) []byte {
	for _, c := range text {
		switch {
		case c < 0x80:
			to = append(to, c)
		case c < 0xA0:
			to = utf8.AppendRune(to, windows1252[c-0x80])
		default:
			to = append(to, 0xC0|c>>6, 0x80|c&0x3F)
		}
	}
	return to
}

// decode puts the record into UTF-8. Delimiters, quotes and line endings are ASCII in both encodings, so the bytes were
// cut as they are in the file, and offsets are those of the file.
func (s *Scanner) decode() {
	if ascii(s.rec.Raw) == len(s.rec.Raw) {
		return
	}
	// The cells together are no longer than the row, so nothing moves while they are written one after the other.
	s.decoded = slices.Grow(s.decoded[:0], 6*len(s.rec.Raw))
	decode := func(text []byte) []byte {
		from := len(s.decoded)
		s.decoded = appendWindows1252(s.decoded, text)
		return s.decoded[from:len(s.decoded):len(s.decoded)]
	}
	s.rec.Raw = decode(s.rec.Raw)
	for i, cell := range s.rec.Fields {
		s.rec.Fields[i] = decode(cell)
	}
}

// cutBOM cuts a UTF-8 byte order mark.
func cutBOM(text []byte) (rest []byte, found bool) { return bytes.CutPrefix(text, []byte(utf8BOM)) }
