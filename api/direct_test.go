package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/loanscorer/loanscorer/internal/status"
)

// TestDirectIntake asks for an application that the gateway put into the queue.
func TestDirectIntake(t *testing.T) {
	t.Parallel()
	const id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
	on := func(o *Options) { o.DirectIntake, o.DocumentRetention = true, time.Hour }

	w := newWorld(t, at(now), on)
	early := w.do(t, http.MethodGet, "/v1/applications/"+id, "")
	if got := decode[Problem](t, early); early.Code != http.StatusNotFound || got.Code != CodeNotFound {
		t.Errorf("status %d, %+v", early.Code, got)
	}
	if after := early.Header().Get("Retry-After"); after != "5" {
		t.Errorf("Retry-After %q before the document, want 5", after)
	}
	other := w.do(t, http.MethodGet, "/v1/applications/C6AF9AC6-7b61-11e6-9a41-93e8deadbeef", "")
	wantProblem(t, other, CodeNotFound)
	if after := other.Header().Get("Retry-After"); after != "" {
		t.Errorf("Retry-After %q for what is no id of the gateway", after)
	}

	w.bucket.putDoc(t, status.ApplicationKey(id), decidedDoc(id))
	w.bucket.put(resultKey, nil, nil)
	out := w.do(t, http.MethodGet, "/v1/applications/"+id, "")
	if got := decode[ApplicationStatus](t, out); out.Code != http.StatusOK || got.State != status.Decided || !got.SubmittedAt.Equal(now) {
		t.Errorf("status %d, %+v", out.Code, got)
	}

	off := newWorld(t, at(now))
	off.bucket.putDoc(t, status.ApplicationKey(id), decidedDoc(id))
	off.bucket.put(resultKey, nil, nil)
	wantProblem(t, off.do(t, http.MethodGet, "/v1/applications/"+id, ""), CodeNotFound)
}
