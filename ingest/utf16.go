package ingest

import (
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Reader turns UTF-16 into UTF-8. Half of a surrogate pair, and half of a unit at the end, become bytes that are no
// UTF-8, so that the row they are in is rejected.
type utf16Reader struct {
	r      io.Reader
	big    bool
	in     [4096]byte
	n      int    // bytes of in that are read and not decoded
	out    []byte // decoded and not delivered
	buffer [8192]byte
	err    error
}

// maxEmptyReads is how often in a row a reader may give nothing decodable.
const maxEmptyReads = 100

func newUTF16Reader(r io.Reader, encoding string) io.Reader {
	return &utf16Reader{r: r, big: encoding == EncodingUTF16BE}
}

// Read implements io.Reader.
func (u *utf16Reader) Read(p []byte) (int, error) {
	for tries := 0; len(u.out) == 0; tries++ {
		if u.err == nil && tries == maxEmptyReads {
			u.err = io.ErrNoProgress
		}
		if u.err != nil {
			return 0, u.err
		}
		n, err := u.r.Read(u.in[u.n:])
		u.n += n
		u.err = err
		u.decode()
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

// decode puts as much of in into out as can be decoded.
func (u *utf16Reader) decode() {
	out := u.buffer[:0]
	last := u.err == io.EOF //nolint:errorlint // readers return io.EOF itself; a wrapped one is a failure
	i := 0
	for i+1 < u.n {
		unit := u.unit(i)
		switch {
		case !utf16.IsSurrogate(unit):
			out = utf8.AppendRune(out, unit)
		case i+3 >= u.n && !last:
			u.keep(i, out)
			return
		default:
			pair := utf8.RuneError
			if i+3 < u.n {
				pair = utf16.DecodeRune(unit, u.unit(i+2))
			}
			if pair == utf8.RuneError {
				out = append(out, 0xED, 0x80|byte(unit>>6&0x3F), 0x80|byte(unit&0x3F))
			} else {
				out = utf8.AppendRune(out, pair)
				i += 2
			}
		}
		i += 2
	}
	if last && i < u.n {
		out = append(out, 0xFF)
		i++
	}
	u.keep(i, out)
}

// keep keeps what follows the first i bytes of in for the next time.
func (u *utf16Reader) keep(i int, out []byte) {
	u.n = copy(u.in[:], u.in[i:u.n])
	u.out = out
}

func (u *utf16Reader) unit(i int) rune {
	if u.big {
		return rune(u.in[i])<<8 | rune(u.in[i+1])
	}
	return rune(u.in[i+1])<<8 | rune(u.in[i])
}
