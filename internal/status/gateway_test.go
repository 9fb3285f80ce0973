package status_test

import (
	"testing"

	"github.com/loanscorer/loanscorer/internal/status"
)

func TestGatewayID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"c6af9ac6-7b61-11e6-9a41-93e8deadbeef":  true,
		"C6AF9AC6-7B61-11E6-9A41-93E8DEADBEEF":  false,
		"c6af9ac6-7b61-11e6-9a41-93e8deadbee":   false,
		"c6af9ac6-7b61-11e6-9a41-93e8deadbeef0": false,
		"c6af9ac607b61-11e6-9a41-93e8deadbeef":  false,
		"c6af9ac6-7b61-11e6-9a41-93e8deadbe/f":  false,
		"c6af9ac6-7b61-11e6-9a41-93e8deadb-ef":  false,
		"":                                      false,
	} {
		if got := status.GatewayID(id); got != want {
			t.Errorf("GatewayID(%q) = %v, want %v", id, got, want)
		}
	}
}
