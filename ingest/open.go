package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Text is the text of a file, unpacked and with its head read. It reads from the first record on.
type Text struct {
	Head *Head
	io.Reader
	close func() error
}

// Close frees what was opened.
func (t *Text) Close() error { return t.close() }

// Open reads the head of a file, decides how it is written, and gives its text from Head.DataStart on: unpacked, and in
// UTF-8 or (see Dialect) Windows-1252. given goes before what would be detected. A file that is not read is a *FileError;
// so is a packed file that turns out to be damaged while its text is read. Errors of the source are returned as they are.
func Open(src Source, given Given) (*Text, error) { return open(src, given, false) }

// open is Open. With lenient, a packed file that turns out to be damaged after its head is read up to there.
func open(src Source, given Given, lenient bool) (*Text, error) {
	d, err := given.dialect()
	if err != nil {
		return nil, err
	}
	t, err := openAll(src, d, true)
	if err != nil {
		return nil, err
	}
	sample := make([]byte, MaxSample)
	if !t.Head.Dialect.Streamed() && src.Size >= 0 {
		sample = sample[:min(MaxSample, src.Size+1)]
	}
	n, whole, err := fill(t, sample)
	var damaged *FileError
	if lenient && errors.As(err, &damaged) && n > 0 {
		t.Reader, err = &failing{err}, nil
	}
	if err == nil {
		err = t.parse(sample[:n], whole)
	}
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	t.Reader = io.MultiReader(bytes.NewReader(sample[t.Head.DataStart:n]), t.Reader)
	return t, nil
}

// failing is a reader that has failed.
type failing struct{ err error }

// Read implements io.Reader.
func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// parse reads the head from the start of the text. What was found out about the file so far stays.
func (t *Text) parse(sample []byte, whole bool) error {
	if packing(sample) != "" {
		return refuse(CodePacked, "the file is packed twice", "unpack it once")
	}
	if err := refuseKind(sample); err != nil {
		return err
	}
	found := t.Head.Dialect
	utf16 := found.utf16()
	if utf16 {
		found.Encoding = EncodingUTF8
	}
	head, err := parseHead(sample, whole, found)
	var refused *FileError
	if errors.As(err, &refused) && found.Packing == PackingXLSX && (refused.Code == CodeMissingColumns || refused.Code == CodeEmpty) {
		refused.Reason = "sheet " + shown(found.Member) + ": " + refused.Reason
		if refused.Code == CodeEmpty {
			refused.Reason, refused.Hint = "sheet "+shown(found.Member)+" is empty", "fill it"
		}
		refused.Hint += ", or name another sheet with the sheet option"
	}
	if err != nil {
		return err
	}
	if utf16 {
		head.Dialect.Encoding = t.Head.Dialect.Encoding
	}
	t.Head = head
	return nil
}

// Open gives the text of the file again, from DataStart on, in the dialect that was decided. Files whose text is not the
// stored bytes (Dialect.Streamed) can only be read so.
func (h *Head) Open(src Source) (io.ReadCloser, error) {
	t, err := openAll(src, h.Dialect, false)
	if err != nil {
		return nil, err
	}
	if n, err := io.CopyN(io.Discard, t, h.DataStart); err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the text ends at byte %d, before the first row: %w", n, io.ErrUnexpectedEOF)
		}
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// openAll opens the whole text of a file. With detect it finds out whether the file is packed, and whether it is UTF-16
// if no encoding is given.
func openAll(src Source, d Dialect, detect bool) (*Text, error) {
	stream, err := src.Open(0)
	if err != nil {
		return nil, err
	}
	t := &Text{Head: &Head{Dialect: d}, close: stream.Close}
	raw := bufio.NewReaderSize(stream, 32<<10)
	t.Reader = raw
	if detect {
		magic, err := raw.Peek(4)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, errors.Join(err, t.close())
		}
		t.Head.Dialect.Packing = packing(magic)
	}
	if err := t.unpack(src); err != nil {
		return nil, errors.Join(err, t.close())
	}
	if err := t.decode(detect && t.Head.Dialect.Encoding == ""); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// unpack undoes the packing.
func (t *Text) unpack(src Source) error {
	switch kind := t.Head.Dialect.Packing; kind {
	case "":
	case PackingGzip, PackingZstd:
		text, err := unpack(t.Reader, kind)
		if err != nil {
			return err
		}
		t.over(text)
	case PackingZip, PackingXLSX:
		text, err := unzip(src, &t.Head.Dialect)
		if err != nil {
			return err
		}
		t.over(text)
	default:
		return refuse(CodeCorrupt, fmt.Sprintf("packing %q is not known", kind), "upload the file again")
	}
	return nil
}

// over makes text, which was made of what is there, the text.
func (t *Text) over(text io.ReadCloser) {
	below := t.close
	t.Reader, t.close = text, func() error { return errors.Join(text.Close(), below()) }
}

// decode undoes UTF-16.
func (t *Text) decode(detect bool) error {
	d := &t.Head.Dialect
	if detect {
		text := bufio.NewReaderSize(t.Reader, 32<<10)
		mark, err := text.Peek(4)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		t.Reader = text
		switch {
		case bytes.HasPrefix(mark, []byte("\xff\xfe\x00\x00")): // UTF-32; refused
		case bytes.HasPrefix(mark, []byte("\xff\xfe")):
			d.Encoding = EncodingUTF16LE
		case bytes.HasPrefix(mark, []byte("\xfe\xff")):
			d.Encoding = EncodingUTF16BE
		}
	}
	if d.utf16() {
		t.Reader = newUTF16Reader(t.Reader, d.Encoding)
	}
	return nil
}

// fill reads until buf is full or r has ended. Unlike io.ReadFull it tells a source that broke off with
// io.ErrUnexpectedEOF from one that ended.
func fill(r io.Reader, buf []byte) (n int, ended bool, err error) {
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		switch {
		case err == io.EOF: // readers return io.EOF itself; a wrapped one is a failure
			return n, true, nil
		case err != nil:
			return n, false, err
		}
	}
	return n, false, nil
}
