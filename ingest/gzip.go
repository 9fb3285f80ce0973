package ingest

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// gzipMembers reads the members of a gzip file one after the other. As with the gzip program, zero bytes may fill up the
// file after the last one (tapes and some copiers do that); anything else there is gzip.ErrHeader.
type gzipMembers struct {
	in *bufio.Reader // not read beyond the member
	z  *gzip.Reader
}

func newGzipMembers(r io.Reader) (io.Reader, error) {
	g := &gzipMembers{in: bufio.NewReaderSize(r, 32<<10)}
	var err error
	if g.z, err = gzip.NewReader(g.in); err != nil {
		return nil, err
	}
	g.z.Multistream(false)
	return g, nil
}

// Read implements io.Reader.
func (g *gzipMembers) Read(p []byte) (int, error) {
	n, err := g.z.Read(p)
	if err == io.EOF { //nolint:errorlint // readers return io.EOF itself; a wrapped one is a failure
		err = g.next()
	}
	return n, err
}

// next goes to the next member; io.EOF if there is none.
func (g *gzipMembers) next() error {
	magic, err := g.in.Peek(2)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case len(magic) == 0:
		return io.EOF
	case magic[0] == 0:
		return g.zeros()
	case !bytes.HasPrefix([]byte("\x1f\x8b"), magic):
		return gzip.ErrHeader
	}
	if err := g.z.Reset(g.in); err != nil {
		return err
	}
	g.z.Multistream(false)
	return nil
}

// zeros reads zero bytes up to the end.
func (g *gzipMembers) zeros() error {
	for {
		c, err := g.in.ReadByte()
		switch {
		case err != nil:
			return err
		case c != 0:
			return gzip.ErrHeader
		}
	}
}
