package api

import (
	"context"
	"net/http"
	"time"
)

// readyWithin bounds the check behind /readyz.
const readyWithin = 3 * time.Second

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status  string `json:"status" enum:"ok,ready"`
	Version string `json:"version" doc:"Version of the program"`
}

// healthz answers GET /healthz: the process is alive.
func (s *service) healthz(context.Context, *struct{}) (*reply, error) {
	return newReply(http.StatusOK, Health{Status: "ok", Version: s.o.Version})
}

// readyz answers GET /readyz: the store, the queue and the model can be reached.
func (s *service) readyz(ctx context.Context, _ *struct{}) (*reply, error) {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	if err := s.o.Ready(ctx); err != nil {
		return nil, newProblem(CodeNotReady, "").because(err)
	}
	return newReply(http.StatusOK, Health{Status: "ready", Version: s.o.Version})
}
