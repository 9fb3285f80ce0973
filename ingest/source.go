package ingest

import (
	"errors"
	"fmt"
	"io"
)

// Source is a stored file. Its reads must give the same bytes every time.
type Source struct {
	Size int64                                     // bytes, or -1 if it is a stream that can be read once
	Open func(offset int64) (io.ReadCloser, error) // the bytes from there to the end

	// At reads the same bytes, at several places at a time; nil if they are not at hand like that.
	At io.ReaderAt
}

// FileSource is a file that is at hand, such as an *os.File or a *bytes.Reader. Closing what was opened does not close it.
func FileSource(file io.ReaderAt, size int64) Source {
	return Source{Size: size, At: file, Open: func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(file, offset, max(size-offset, 0))), nil
	}}
}

// StreamSource is what can only be read once from its start, such as a pipe. Closing what was opened does not close it.
// Archives cannot be read from it: they have their directory at the end.
func StreamSource(r io.Reader) Source {
	return Source{Size: -1, Open: func(offset int64) (io.ReadCloser, error) {
		if offset != 0 {
			return nil, fmt.Errorf("a stream cannot be read from byte %d", offset)
		}
		return io.NopCloser(r), nil
	}}
}

// sourceAt reads a source at any place, for archives, which have their directory at the end. It keeps one stream open
// and goes on with it as long as reads follow each other. It is not safe for concurrent use.
type sourceAt struct {
	src    Source
	stream io.ReadCloser
	at     int64 // of the stream
	err    error // of the source, as against what is wrong with the archive
	most   int64 // bytes that may still be read; 0: any number
}

// errMost says that more was read than sourceAt.most allows.
var errMost = errors.New("too much to read")

// maxSkip is how far ahead a read can be for the open stream to be read up to there.
const maxSkip = 64 << 10

// ReadAt implements io.ReaderAt.
func (s *sourceAt) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 || offset > s.src.Size {
		return 0, fmt.Errorf("read at byte %d of %d: %w", offset, s.src.Size, io.EOF)
	}
	if offset == s.src.Size {
		return 0, io.EOF
	}
	if err := s.seek(offset); err != nil {
		s.err = err
		return 0, err
	}
	want := p[:min(int64(len(p)), s.src.Size-offset)]
	if s.most > 0 {
		if s.most -= int64(len(want)); s.most <= 0 {
			s.most = 1 // none of the next reads either
			return 0, errMost
		}
	}
	n, err := io.ReadFull(s.stream, want)
	s.at += int64(n)
	if err != nil { // the source gives less than it said
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		s.err = err
		return n, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (s *sourceAt) seek(offset int64) error {
	if skip := offset - s.at; s.stream != nil && skip >= 0 && skip <= maxSkip {
		n, err := io.CopyN(io.Discard, s.stream, skip)
		s.at += n
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	stream, err := s.src.Open(offset)
	if err != nil {
		return err
	}
	s.stream, s.at = stream, offset
	return nil
}

// Close implements io.Closer.
func (s *sourceAt) Close() error {
	if s.stream == nil {
		return nil
	}
	stream := s.stream
	s.stream = nil
	return stream.Close()
}
