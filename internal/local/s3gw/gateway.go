package s3gw

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

const (
	maxConnections = 4096
	maxRequests    = 1024
	maxParts       = 10_000 // of one multipart upload, as S3
	idleTimeout    = 2 * time.Minute
)

// ErrAddrInUse is wrapped by Start when another program listens on Options.Addr.
var ErrAddrInUse = errors.New("address already in use")

// Options configures a Gateway. Dir, AccessKeyID and SecretAccessKey are required.
type Options struct {
	// Dir is the directory of the store. It is made when missing.
	Dir string
	// Addr is the host:port to listen on; default "127.0.0.1:0", any free port.
	Addr string
	// Region that requests must be signed for; default "us-east-1".
	Region string
	// AccessKeyID and SecretAccessKey are the one account.
	AccessKeyID, SecretAccessKey string
	// OnCreated, when set, is called after an object is on disk and before the client is told.
	// Its error becomes 503 SlowDown: the client may try again, the object is there already.
	// It is called from many goroutines, and again when a client repeats a request.
	OnCreated func(ctx context.Context, e Event) error
	// Logger for faults of the store; default: discard.
	Logger *slog.Logger
}

// Gateway is a running S3 endpoint.
type Gateway struct {
	disk *disk
	app  *fiber.App
	addr string
	done chan struct{} // closed when serving has ended
	err  error         // why it ended; read after done
}

// Start opens the store and listens. Everything that can fail (the directory, extended
// attributes, the address) has failed or succeeded when it returns.
//
// While it runs, it points os.Stdout at the null device for a moment, because the library
// prints there: call it before other goroutines print.
func Start(ctx context.Context, o Options) (*Gateway, error) {
	o = o.withDefaults()
	if o.AccessKeyID == "" || o.SecretAccessKey == "" {
		return nil, errors.New("s3gw: AccessKeyID and SecretAccessKey are required")
	}
	d, err := openDisk(o)
	if err != nil {
		return nil, err
	}
	ln, err := bind(ctx, o.Addr)
	if err != nil {
		d.Shutdown()
		return nil, err
	}
	g, err := serve(d, o, ln)
	if err != nil {
		_ = ln.Close()
		d.Shutdown()
		return nil, err
	}
	return g, nil
}

func (o Options) withDefaults() Options {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// serve starts the HTTP side on ln.
func serve(d *disk, o Options, ln *listener) (*Gateway, error) {
	root := auth.Account{Access: o.AccessKeyID, Secret: o.SecretAccessKey, Role: auth.RoleAdmin}
	srv, err := s3api.New(d, middlewares.RootUserConfig{Access: root.Access, Secret: root.Secret},
		o.Region, auth.NewIAMServiceSingle(root), nil, nil, nil, nil,
		s3api.WithQuiet(), s3api.WithKeepAlive(), s3api.WithDisableACL(),
		s3api.WithConcurrencyLimiter(maxConnections, maxRequests), s3api.WithMpMaxParts(maxParts))
	if err != nil {
		return nil, err
	}
	app, err := appOf(srv)
	if err != nil {
		return nil, err
	}
	app.Handler() // makes it ready to serve
	server := app.Server()
	server.IdleTimeout = idleTimeout
	faults := server.ErrorHandler
	server.ErrorHandler = func(c *fasthttp.RequestCtx, err error) {
		op := new(net.OpError)
		if errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			c.SetStatusCode(fasthttp.StatusBadRequest) // the client went away; the library would print that
			return
		}
		faults(c, err)
	}
	g := &Gateway{disk: d, app: app, addr: ln.endpoint(o.Addr), done: make(chan struct{})}
	go func() {
		g.err = server.Serve(ln)
		close(g.done)
	}()
	select {
	case <-ln.served: // from here on the server can be shut down: it overlooks that before
		return g, nil
	case <-g.done:
		return nil, g.err
	}
}

// appOf returns the HTTP application inside the library's server. The library can only
// listen by itself, on an address that may be taken meanwhile, and waits for unused
// connections when it stops; the application can be given a listener.
func appOf(srv *s3api.S3ApiServer) (*fiber.App, error) {
	v := reflect.ValueOf(srv).Elem()
	for _, f := range v.Fields() {
		if f.Type() == reflect.TypeFor[*fiber.App]() && !f.IsNil() {
			return (*fiber.App)(f.UnsafePointer()), nil
		}
	}
	return nil, errors.New("s3gw: this version of versitygw is not supported: no application in its server")
}

// Addr is the host:port that the gateway listens on.
func (g *Gateway) Addr() string { return g.addr }

// Done is closed when the gateway has stopped serving, by Close or by a fault; see Err.
func (g *Gateway) Done() <-chan struct{} { return g.done }

// Err is the fault that ended serving; nil while it serves and after Close.
func (g *Gateway) Err() error {
	select {
	case <-g.done:
		return g.err
	default:
		return nil
	}
}

// Close stops listening, waits for the requests in flight until ctx ends, and closes the
// store.
func (g *Gateway) Close(ctx context.Context) error {
	if err := g.app.ShutdownWithContext(ctx); err != nil {
		return fmt.Errorf("s3 requests still in flight: %w", err)
	}
	select {
	case <-g.done:
	case <-ctx.Done():
		return fmt.Errorf("s3 server still running: %w", ctx.Err())
	}
	g.disk.Shutdown()
	return nil
}

// CreateBucket makes a bucket that belongs to the account; one that exists is kept.
func (g *Gateway) CreateBucket(ctx context.Context, name string) error {
	return g.disk.ensureBucket(ctx, name)
}

// layout makes the directories of the store and returns their absolute paths.
func layout(dir string) (objects, versions string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", "", fmt.Errorf("s3 directory: %w", err)
	}
	objects, versions = filepath.Join(dir, "objects"), filepath.Join(dir, "versions")
	for _, p := range []string{objects, versions} {
		if err := os.MkdirAll(p, 0o700); err != nil {
			return "", "", fmt.Errorf("s3 directory %s: %w", dir, err)
		}
	}
	return objects, versions, nil
}
