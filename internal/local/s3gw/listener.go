package s3gw

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
)

// listener hands out connections and remembers those on which no request has come yet: a
// graceful stop would wait for them for ever, so Close closes them too.
type listener struct {
	*net.TCPListener
	mu     sync.Mutex
	closed bool
	fresh  map[*conn]struct{}

	once   sync.Once
	served chan struct{} // closed when the server has come for its first connection
}

// bind listens on addr, "host:port".
func bind(ctx context.Context, addr string) (*listener, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		if isAddrInUse(err) {
			return nil, fmt.Errorf("s3 address %s: %w: stop the other program or choose another port", addr, ErrAddrInUse)
		}
		return nil, fmt.Errorf("s3 address %s: %w", addr, err)
	}
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("s3 address %s: not a TCP address", addr), ln.Close())
	}
	return &listener{TCPListener: tcp, fresh: map[*conn]struct{}{}, served: make(chan struct{})}, nil
}

// endpoint is the address for clients: the host that was asked for, the port that was bound.
func (l *listener) endpoint(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return l.Addr().String()
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return l.Addr().String()
	}
	return net.JoinHostPort(host, port)
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	l.once.Do(func() { close(l.served) })
	tcp, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	c := &conn{TCPConn: tcp, ln: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.Join(net.ErrClosed, tcp.Close())
	}
	l.fresh[c] = struct{}{}
	return c, nil
}

// Close stops listening. The second call does nothing.
func (l *listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	err := l.TCPListener.Close()
	for c := range l.fresh {
		_ = c.TCPConn.Close()
	}
	clear(l.fresh)
	return err
}

func (l *listener) used(c *conn) {
	l.mu.Lock()
	delete(l.fresh, c)
	l.mu.Unlock()
}

// conn tells its listener about the first byte that it receives.
type conn struct {
	*net.TCPConn
	ln   *listener
	once sync.Once
}

// Read reads from the client.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if n > 0 {
		c.once.Do(func() { c.ln.used(c) })
	}
	return n, err
}

// Close ends the connection.
func (c *conn) Close() error {
	c.once.Do(func() { c.ln.used(c) })
	return c.TCPConn.Close()
}
