package sim_test

import (
	"testing"

	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/store/storetest"
)

// The simulated store keeps the contract of the real one.
func TestBucketConforms(t *testing.T) {
	t.Parallel()
	for name, versions := range map[string]bool{"plain": false, "versions": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) storetest.Empty {
				t.Helper()
				b := sim.NewBucket()
				if versions {
					b.KeepVersions()
				}
				return storetest.Empty{Store: b, Delete: func(_ *testing.T, key string) { b.Delete(key) }}
			})
		})
	}
}
