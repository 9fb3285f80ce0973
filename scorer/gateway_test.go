package scorer

import (
	"testing"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
)

// An application that API Gateway put into the queue is called by the
// gateway's request id.
func TestGatewayIDIsScored(t *testing.T) {
	t.Parallel()
	const id = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
	s, clock := newSimStore(), newSimClock()
	body := `{"v":1,"kind":"application","id":"` + id + `","caller":"direct","submitted_at":"2026-03-01T11:00:00Z",` +
		`"application":{"TotalIncome":5849,"Property_Area":"Urban"}}`
	errs := simWorker(t, s, clock).Handle(t.Context(), []events.Message{{ID: "m", Body: []byte(body), Receives: 1}})
	if errs[0] != nil {
		t.Fatal(errs[0])
	}
	data, _, err := s.Get(t.Context(), status.ApplicationKey(id), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var doc status.Application
	if err := status.Decode(data, &doc); err != nil || doc.ID != id || doc.State != status.DocClaimed || doc.Decision == "" {
		t.Errorf("document %+v, %v", doc, err)
	}
}
