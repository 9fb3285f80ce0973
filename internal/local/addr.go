package local

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

func listenError(name, addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s address %s: %w: stop the other program or choose another port", name, addr, ErrAddrInUse)
	}
	return fmt.Errorf("%s address %s: %w", name, addr, err)
}

// clientAddr is the address for clients: the host that was asked for, the port that was bound.
func clientAddr(asked string, bound net.Addr) string {
	host, _, err := net.SplitHostPort(asked)
	if err != nil {
		return bound.String()
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	_, port, err := net.SplitHostPort(bound.String())
	if err != nil {
		return bound.String()
	}
	return net.JoinHostPort(host, port)
}
