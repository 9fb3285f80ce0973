package workbook

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// Errors of reading a workbook.
var (
	// ErrFormat says that a part of the workbook is not what it should be.
	ErrFormat = errors.New("not a workbook that can be read")
	// ErrTooLarge says that a tag, a cell or the shared strings are too large.
	ErrTooLarge = errors.New("too large")
)

// Limits.
const (
	MaxStrings = 64 << 20 // bytes of all shared strings together
	maxToken   = 1 << 20  // bytes of a tag or of the text of a cell
)

// tokens reads XML tag by tag.
type tokens struct {
	r *bufio.Reader

	name  []byte // of the last tag, without its namespace's prefix
	end   bool   // the last tag is an end tag
	empty bool   // the last tag is start and end in one
	attrs []byte // the attributes of the last tag, as they are written
	keep  bool   // keep the text between tags
	text  []byte // the text since keep was set, decoded
	tag   []byte
}

func newTokens(r io.Reader) *tokens { return &tokens{r: bufio.NewReaderSize(r, 64<<10)} }

// next goes to the next tag. The error at the end of the part is io.EOF.
func (x *tokens) next() error {
	for {
		if err := x.chars(); err != nil {
			return err
		}
		c, err := x.r.ReadByte()
		if err != nil {
			return unexpected(err)
		}
		switch c {
		case '?':
			err = x.skip("?>", nil)
		case '!':
			err = x.special()
		default:
			if err := x.r.UnreadByte(); err != nil {
				return err
			}
			return x.read()
		}
		if err != nil {
			return err
		}
	}
}

// chars reads up to the next tag.
func (x *tokens) chars() error {
	for {
		part, err := x.r.ReadSlice('<')
		if err == nil {
			part = part[:len(part)-1]
		}
		if x.keep {
			x.text = append(x.text, part...)
			if len(x.text) > maxToken {
				return fmt.Errorf("a cell of more than %d bytes: %w", maxToken, ErrTooLarge)
			}
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// special takes a comment or a CDATA section, after its exclamation mark.
func (x *tokens) special() error {
	if start, _ := x.r.Peek(2); string(start) == "--" {
		return x.skip("-->", nil)
	}
	if start, _ := x.r.Peek(7); string(start) == "[CDATA[" {
		if _, err := x.r.Discard(7); err != nil {
			return err
		}
		return x.skip("]]>", func(c byte) error {
			if !x.keep {
				return nil
			}
			if len(x.text) > maxToken {
				return fmt.Errorf("a cell of more than %d bytes: %w", maxToken, ErrTooLarge)
			}
			if c == '&' {
				x.text = append(x.text, "&amp;"...) // text is unescaped later
				return nil
			}
			x.text = append(x.text, c)
			return nil
		})
	}
	return fmt.Errorf("a document type: %w", ErrFormat)
}

// skip takes everything up to and with end; each, if it is there, is told what comes before it.
func (x *tokens) skip(end string, each func(byte) error) error {
	var held []byte
	for {
		c, err := x.r.ReadByte()
		if err != nil {
			return unexpected(err)
		}
		held = append(held, c)
		if string(held) == end {
			return nil
		}
		for !bytes.HasPrefix([]byte(end), held) {
			if each != nil {
				if err := each(held[0]); err != nil {
					return err
				}
			}
			held = held[1:]
		}
	}
}

// read takes a tag after its opening bracket.
func (x *tokens) read() error {
	x.tag = x.tag[:0]
	quote := byte(0)
	for {
		part, err := x.r.ReadSlice('>')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return unexpected(err)
		}
		for _, c := range part {
			switch {
			case c == quote:
				quote = 0
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			}
		}
		if x.tag = append(x.tag, part...); len(x.tag) > maxToken {
			return fmt.Errorf("a tag of more than %d bytes: %w", maxToken, ErrTooLarge)
		}
		if err == nil && quote == 0 {
			x.tag = x.tag[:len(x.tag)-1]
			x.split()
			return nil
		}
	}
}

// split takes the tag apart.
func (x *tokens) split() {
	tag, end := bytes.CutPrefix(x.tag, []byte{'/'})
	tag, empty := bytes.CutSuffix(tag, []byte{'/'})
	x.end, x.empty = end, empty
	i := bytes.IndexAny(tag, " \t\r\n")
	if i < 0 {
		i = len(tag)
	}
	x.name, x.attrs = tag[:i], tag[i:]
	if colon := bytes.IndexByte(x.name, ':'); colon > 0 && colon+1 < len(x.name) {
		x.name = x.name[colon+1:]
	}
}

// starts reports whether the last tag starts an element of that name.
func (x *tokens) starts(name string) bool { return !x.end && string(x.name) == name }

// ends reports whether the last tag ends an element of that name.
func (x *tokens) ends(name string) bool { return (x.end || x.empty) && string(x.name) == name }

// attr returns an attribute of the last tag, by its name without prefix, "" if there is none. It is valid until the
// next tag.
func (x *tokens) attr(name string) []byte {
	rest := x.attrs
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		key, after, ok := bytes.Cut(rest, []byte{'='})
		after = bytes.TrimLeft(after, " \t\r\n")
		if !ok || len(after) == 0 || after[0] != '"' && after[0] != '\'' {
			return nil
		}
		value, next, ok := bytes.Cut(after[1:], after[:1])
		if !ok {
			return nil
		}
		key = bytes.TrimRight(key, " \t\r\n")
		if colon := bytes.IndexByte(key, ':'); colon >= 0 {
			key = key[colon+1:]
		}
		if string(key) == name {
			return value
		}
		rest = next
	}
}

// begin starts to keep text.
func (x *tokens) begin() { x.keep, x.text = true, x.text[:0] }

// take returns the text that was kept, decoded, and keeps no more. It is valid until the next tag.
func (x *tokens) take() []byte {
	x.keep = false
	x.text = unescape(x.text)
	return x.text
}

// unescape undoes references to characters, in place.
func unescape(b []byte) []byte {
	i := bytes.IndexByte(b, '&')
	if i < 0 {
		return b
	}
	out := b[:i] // never longer than what was read
	for i < len(b) {
		if b[i] != '&' {
			out = append(out, b[i])
			i++
			continue
		}
		n := bytes.IndexByte(b[i:min(len(b), i+12)], ';')
		r := rune(-1)
		if n > 0 {
			r = reference(b[i+1 : i+n])
		}
		if r < 0 {
			out = append(out, '&')
			i++
			continue
		}
		i += n + 1
		out = utf8.AppendRune(out, r)
	}
	return out
}

// reference is the character that is meant between & and ;, or -1.
func reference(name []byte) rune {
	switch string(name) {
	case "amp":
		return '&'
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	digits, ok := bytes.CutPrefix(name, []byte{'#'})
	if !ok {
		return -1
	}
	base := 10
	if hex, ok := bytes.CutPrefix(digits, []byte{'x'}); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(string(digits), base, 21)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return -1
	}
	return rune(n)
}

// unexpected makes an end within something an error.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("a part ends within a tag: %w", ErrFormat)
	}
	return err
}
