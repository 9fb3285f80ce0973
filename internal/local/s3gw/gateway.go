package s3gw

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

const (
	maxConnections = 4096
	maxRequests    = 1024
	maxParts       = 10_000 // of one multipart upload, as S3
	bindAttempts   = 8
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
	srv  *s3api.S3ApiServer
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
	g, err := listen(ctx, d, o)
	if err != nil {
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

// listen serves on o.Addr. The library binds the port itself, so a free one is found by
// binding first; should somebody take it in between, another one is tried.
func listen(ctx context.Context, d *disk, o Options) (*Gateway, error) {
	_, port, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("s3 address %q: %w", o.Addr, err)
	}
	for i := range bindAttempts {
		addr, err := probe(ctx, o.Addr)
		if err != nil {
			return nil, err
		}
		g, err := serve(d, o, addr)
		if err == nil {
			return g, nil
		}
		if port != "0" || i == bindAttempts-1 {
			return nil, fmt.Errorf("s3 address %s: %w", addr, err)
		}
	}
	return nil, fmt.Errorf("s3 address %s: %w", o.Addr, ErrAddrInUse)
}

// probe binds addr and lets go of it again; it returns the address with its real port.
func probe(ctx context.Context, addr string) (string, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		if isAddrInUse(err) {
			return "", fmt.Errorf("s3 address %s: %w: stop the other program or choose another port", addr, ErrAddrInUse)
		}
		return "", fmt.Errorf("s3 address %s: %w", addr, err)
	}
	defer func() { _ = ln.Close() }()
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("s3 address %s: %w", addr, err)
	}
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return "", fmt.Errorf("s3 address %s: %w", addr, err)
	}
	return net.JoinHostPort(host, port), nil
}

// serve starts the HTTP side on addr and returns once it accepts connections.
func serve(d *disk, o Options, addr string) (*Gateway, error) {
	root := auth.Account{Access: o.AccessKeyID, Secret: o.SecretAccessKey, Role: auth.RoleAdmin}
	ready := make(chan struct{})
	srv, err := s3api.New(d, middlewares.RootUserConfig{Access: root.Access, Secret: root.Secret},
		o.Region, auth.NewIAMServiceSingle(root), nil, nil, nil, nil,
		s3api.WithQuiet(), s3api.WithKeepAlive(), s3api.WithDisableACL(),
		s3api.WithConcurrencyLimiter(maxConnections, maxRequests), s3api.WithMpMaxParts(maxParts),
		s3api.WithOnListen(func() { close(ready) }))
	if err != nil {
		return nil, err
	}
	g := &Gateway{disk: d, srv: srv, addr: addr, done: make(chan struct{})}
	go func() {
		g.err = srv.ServeMultiPort([]string{addr})
		close(g.done)
	}()
	select {
	case <-ready:
		return g, nil
	case <-g.done:
		return nil, g.err
	}
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

// Close stops listening, waits for the requests in flight until ctx ends (10 s at most)
// and closes the store.
func (g *Gateway) Close(ctx context.Context) error {
	stopped := make(chan error, 1)
	go func() {
		err := g.srv.ShutDown()
		<-g.done
		g.disk.Shutdown()
		stopped <- err
	}()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		return fmt.Errorf("s3 requests still in flight: %w", ctx.Err())
	}
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
