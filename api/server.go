package api

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Server returns an http.Server for the handler that New returned, with limits
// that a slow or hostile client cannot stretch: 5 s for the headers (16 KiB),
// 30 s for the body, 60 s for everything including a wait of 20 s, and 2
// minutes for an idle connection. Its Shutdown ends waits at once with what is
// known by then. The caller sets Addr and BaseContext.
func Server(h http.Handler) *http.Server {
	stopping := make(chan struct{})
	srv := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), stoppingKey{}, stopping)))
		}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	srv.RegisterOnShutdown(sync.OnceFunc(func() { close(stopping) }))
	return srv
}

type stoppingKey struct{}

// stopping is closed when the server shuts down; nil, which never is, when the
// handler runs in a server of another make.
func stopping(ctx context.Context) <-chan struct{} {
	ch, _ := ctx.Value(stoppingKey{}).(chan struct{})
	return ch
}
