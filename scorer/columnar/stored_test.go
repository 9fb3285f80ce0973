package columnar

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// Pages of what does not compress are stored: in one block, or in several where
// they are longer than a block can be.
func TestStoredPagesAreReadBack(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(8, 1))
	s, err := NewSchema("row", []Column{{Name: "note", Kind: Text}, {Name: "amount", Kind: Double}})
	if err != nil {
		t.Fatal(err)
	}
	g := NewGroup(s, &zstd.Codec{})
	var want []string
	for range 3*pageRows/1000 + 1 {
		var texts strings.Builder
		var ends []uint32
		var amounts []float64
		for range 1000 {
			start, amount := texts.Len(), random.Float64()
			for range 5 {
				fmt.Fprintf(&texts, "%c", rune(random.IntN(1<<15))+' ')
			}
			ends, amounts = append(ends, uint32(texts.Len())), append(amounts, amount)
			want = append(want, texts.String()[start:]+" "+fmt.Sprint(amount))
		}
		g.Bytes(0, []byte(texts.String()), ends)
		g.Doubles(1, amounts)
	}
	if diff := cmp.Diff(want, read(t, fileOf(t, s, g))); diff != "" {
		t.Errorf("(-want +got):\n%.500s", diff)
	}
	for i := range g.columns {
		c := &g.columns[i]
		if last := c.pages[len(c.pages)-2]; !c.stored || last.size <= maxBlock {
			t.Errorf("column %s: stored %t, a page of %d bytes: there is nothing to see here", c.Name, c.stored, last.size)
		}
	}
}
