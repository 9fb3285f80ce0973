//go:build !race

package scorer

import (
	"context"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

// noCompactFence is a compactor that does not give claims up.
type noCompactFence struct{ Objects }

func (n noCompactFence) Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	if isTombstone(o) {
		return store.Info{}, nil
	}
	return n.Objects.Create(ctx, key, body, o)
}

// The simulation finds compactors that take a day for closed too easily.
func TestSimCompactionMutants(t *testing.T) {
	t.Parallel()
	do, read := outsideDo(t), outside(t)
	model.Default()
	for name, broken := range map[string]func(*Compactor){
		"no fence":  func(c *Compactor) { c.o.Objects = noCompactFence{c.o.Objects} },
		"too early": func(c *Compactor) { c.o.CloseAfter = time.Millisecond },
		"no rows":   func(c *Compactor) { c.decode = func([]byte) ([]parquet.Row, error) { return nil, nil } },
	} {
		found := 0
		for seed := uint64(1); seed <= 200 && found == 0; seed++ {
			if len(simCompaction(t, seed, read, do, broken).check.problems) > 0 {
				found = int(seed)
			}
		}
		t.Logf("%s: found by seed %d", name, found)
		if found == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}
