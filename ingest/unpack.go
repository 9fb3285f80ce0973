package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Packings that are undone.
const (
	PackingGzip = "gzip" // RFC 1952, any number of members
	PackingZstd = "zstd" // RFC 8878, any number of frames
	PackingZip  = "zip"  // with one CSV file inside
	PackingXLSX = "xlsx" // an Excel workbook, of which one sheet is read
)

// Limits of packed files.
const (
	MaxRatio    = 200       // text is at most so many times as long as the packed bytes that it came from ...
	FreeRatio   = 256 << 20 // ... beyond so many bytes
	MaxUnpacked = 256 << 30 // bytes of text that one packed file can hold
	maxZstdSize = 32 << 20  // bytes of a zstd window
)

// packing tells by the first bytes how a file is packed, "" if it is not.
func packing(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return PackingGzip
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")), // a frame, or one to be skipped
		len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte("\x2a\x4d\x18")):
		return PackingZstd
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")):
		return PackingZip
	}
	return ""
}

// unpacked is the text of a packed stream. What is wrong with the packing is a *FileError, what is wrong with reading is
// the error of the source.
type unpacked struct {
	packing string
	in      *counted
	text    io.Reader
	n       int64 // bytes of text
	close   func()
}

// counted counts what is read and remembers the error of reading.
type counted struct {
	r   io.Reader
	n   int64
	err error
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// unpack undoes gzip or zstd. Close frees memory; it does not close r.
func unpack(r io.Reader, packing string) (io.ReadCloser, error) {
	u := &unpacked{packing: packing, in: &counted{r: r}, close: func() {}}
	var err error
	switch packing {
	case PackingGzip:
		u.text, err = newGzipMembers(u.in)
	case PackingZstd:
		var d *zstd.Decoder
		d, err = zstd.NewReader(u.in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdSize))
		if err == nil {
			u.text, u.close = d, d.Close
		}
	}
	if err != nil {
		return nil, u.fault(err)
	}
	return u, nil
}

// Read implements io.Reader.
func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.text.Read(p)
	u.n += int64(n)
	if u.n > MaxUnpacked || u.n > FreeRatio && u.n/MaxRatio > u.in.n {
		return 0, tooMuch(u.packing, u.in.n, u.n)
	}
	if err == nil || err == io.EOF { // a wrapped io.EOF is a failure
		return n, err
	}
	return n, u.fault(err)
}

// Close implements io.Closer.
func (u *unpacked) Close() error {
	u.close()
	return nil
}

// fault tells what is wrong with the packed bytes.
func (u *unpacked) fault(err error) error {
	if u.in.err != nil {
		return u.in.err
	}
	return packedFault(u.packing, err, u.in.n, u.n)
}

// packedFault is what an error of an unpacking library means, after in bytes of the file and out bytes of text.
func packedFault(packing string, err error, in, out int64) error {
	where := fmt.Sprintf("near byte %d, after %d bytes of text", in, out)
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return refuseAt(in, CodeTruncated, fmt.Sprintf("the %s file ends too early, at byte %d, after %d bytes of text", packing, in, out), "it was cut off: copy or export it again")
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return refuseAt(in, CodeUnpacksTooLarge, fmt.Sprintf("unpacking needs more than %d MiB of memory", maxZstdSize>>20),
			"pack it without --long or --ultra")
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return refuseAt(in, CodeCorrupt, "the "+packing+" file is damaged, "+where, "copy or export it again")
	case errors.Is(err, gzip.ErrHeader):
		return refuseAt(in, CodeCorrupt, "something that is not gzip follows, "+where, "copy or export it again")
	}
	return refuseAt(in, CodeCorrupt, "the "+packing+" file cannot be unpacked, "+where, "copy or export it again")
}

func tooMuch(packing string, in, out int64) error {
	reason := fmt.Sprintf("the %s file unpacks to more than %d times its size: %d bytes of text from %d", packing, MaxRatio, out, in)
	if out > MaxUnpacked {
		reason = fmt.Sprintf("the %s file unpacks to more than %d bytes", packing, int64(MaxUnpacked))
	}
	return refuseAt(in, CodeUnpacksTooLarge, reason, "upload the text itself, in several files if it is that long")
}
