package local

import (
	"net"
	"net/http"
	"sync"
)

// unused keeps the connections on which no request has come yet, as browsers and clients
// open them in advance: a graceful stop would wait 5 s for them.
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// state is an http.Server.ConnState.
func (u *unused) state(c net.Conn, s http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if s == http.StateNew {
		u.conns[c] = struct{}{}
	} else {
		delete(u.conns, c)
	}
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.conns {
		_ = c.Close()
	}
}
