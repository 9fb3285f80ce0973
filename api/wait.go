package api

import (
	"context"
	"time"
)

// How often a waiting request looks, from the first look to the last.
const (
	firstLook = 15 * time.Millisecond
	lastLook  = 500 * time.Millisecond
)

// await looks at an application until it is done or the time is over, and
// returns what was seen last. It ends early when the client is gone or the
// server stops.
func (s *service) await(ctx context.Context, id string, wait time.Duration) (*ApplicationStatus, error) {
	st, err := s.lookApplication(ctx, id)
	if err != nil || st.Done || wait <= 0 {
		return st, err
	}
	// The deadline for reading the request must not cut the wait short.
	_ = requestOf(ctx).conn.SetReadDeadline(time.Time{}) // not every connection has one
	end := time.NewTimer(wait)
	defer end.Stop()
	for every := firstLook; ; every = min(every*3/2, lastLook) {
		next := time.NewTimer(every)
		select {
		case <-next.C:
		case <-end.C:
			next.Stop()
			if last, err := s.lookApplication(ctx, id); err == nil {
				st = last
			}
			return st, nil
		case <-stopping(ctx):
			next.Stop()
			return st, nil
		case <-ctx.Done():
			next.Stop()
			return st, nil
		}
		// A look that fails is no news; the next one may not.
		if seen, err := s.lookApplication(ctx, id); err == nil {
			if st = seen; st.Done {
				return st, nil
			}
		}
	}
}
