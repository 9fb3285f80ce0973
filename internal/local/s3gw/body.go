package s3gw

import (
	"context"
	"io"
	"strings"

	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/s3api/middlewares"
	"github.com/versity/versitygw/s3err"
)

// counter counts the bytes of a body. The server takes a connection that ends early for the
// end of the body, and the store keeps what came, or fills the rest with zeros.
type counter struct {
	io.Reader
	want *int64 // bytes announced; nil: any number
	got  int64
	on   bool
}

// count returns a body that is counted. One in chunks finds a missing end by itself, and
// the store must see its type.
func (c *counter) count(body io.Reader) io.Reader {
	if _, chunked := body.(middlewares.ChecksumReader); chunked || body == nil {
		return body
	}
	c.Reader, c.on = body, true
	return c
}

// Read reads from the body.
func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.got += int64(n)
	return n, err
}

// check says whether everything that was announced has come.
func (c *counter) check() error {
	if !c.on || c.want == nil || c.got == *c.want {
		return nil
	}
	return s3err.GetAPIError(s3err.ErrIncompleteBody)
}

// isForm says whether the request is a browser's form upload.
func isForm(ctx context.Context) bool {
	r, ok := ctx.(*fasthttp.RequestCtx)
	return ok && r.IsPost()
}

// conditions returns the conditions on the destination of a copy; the library does not read
// these headers.
func conditions(ctx context.Context) (ifMatch, ifNoneMatch *string) {
	r, ok := ctx.(*fasthttp.RequestCtx)
	if !ok {
		return nil, nil
	}
	header := func(name string) *string {
		v := strings.Trim(string(r.Request.Header.Peek(name)), `"`)
		if v == "" {
			return nil
		}
		return &v
	}
	return header("If-Match"), header("If-None-Match")
}
