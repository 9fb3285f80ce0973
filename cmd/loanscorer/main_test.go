package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program, in scripts and in tests that
// start it as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"loanscorer": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
			stop()
			os.Exit(code)
		},
	})
}

// Systems choose ports of 32768 and up for outgoing connections and for port 0.
// A server that ends and starts again needs an address that nobody takes in the
// meantime, so tests choose below that, every process of tests from a place of its own.
const (
	firstPort = 10_000
	ports     = 22_000
)

var nextPort atomic.Uint32 //nolint:gochecknoglobals // shared by all tests of the process

// freeAddr is a loopback address that nobody listens on and that no other test is given.
func freeAddr(t *testing.T) string {
	t.Helper()
	const perProcess = 257 // a prime, so that many processes come before two meet
	for range ports {
		port := firstPort + (uint32(os.Getpid())*perProcess+nextPort.Add(1))%ports
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l.Addr().String()
	}
	t.Fatal("no free port")
	return ""
}
