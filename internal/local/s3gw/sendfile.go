package s3gw

import (
	"fmt"
	"io"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// filePart is a part of a file as the body of an answer. On a connection the
// system sends it from the file itself, without a copy in this process.
type filePart struct {
	io.LimitedReader // of file
	file             *os.File
}

// partOf replaces the body of a range by a filePart. The object must be locked.
// Where that does not work, the body stays as it is.
func partOf(in *s3.GetObjectInput, out *s3.GetObjectOutput, file string) {
	var from, to, size int64
	if out.Body == nil || out.ContentRange == nil || aws.ToString(in.VersionId) != "" {
		return
	}
	if _, err := fmt.Sscanf(*out.ContentRange, "bytes %d-%d/%d", &from, &to, &size); err != nil {
		return
	}
	f, err := os.Open(file) //nolint:gosec // the object's own file
	if err != nil {
		return
	}
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		_ = f.Close()
		return
	}
	_ = out.Body.Close()
	out.Body = &filePart{io.LimitedReader{R: f, N: to - from + 1}, f}
}

// WriteTo implements [io.WriterTo]: an empty buffer lets the connection below it
// take the file.
func (p *filePart) WriteTo(w io.Writer) (int64, error) {
	if buffer, ok := w.(interface{ Flush() error }); ok {
		if err := buffer.Flush(); err != nil {
			return 0, err
		}
	}
	return io.Copy(w, &p.LimitedReader)
}

// Close implements [io.Closer].
func (p *filePart) Close() error { return p.file.Close() }
