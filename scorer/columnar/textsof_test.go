package columnar

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// Codes of several columns make the bytes that each column's own codes make,
// while they become more, and after Reset.
func TestTextsOfIsTexts(t *testing.T) {
	t.Parallel()
	s, err := NewSchema("row", []Column{{Name: "area", Kind: Text, Optional: true}, {Name: "by", Kind: Text}})
	if err != nil {
		t.Fatal(err)
	}
	codec := &zstd.Codec{Level: zstd.SpeedFastest}
	direct, shared := NewGroup(s, codec), NewGroup(s, codec)
	for round := range 3 {
		rng := rand.New(rand.NewPCG(uint64(round), 1))
		direct.Reset()
		shared.Reset()
		area, by := []uint32{0}, []uint32{1}
		for range 40 {
			for range rng.IntN(4) {
				area, by = append(area, uint32(rng.IntN(len(areas)))), append(by, uint32(1+rng.IntN(len(areas)-1)))
			}
			var codes, areaCodes, byCodes []uint32
			for range 1 + rng.IntN(2000) {
				code := rng.IntN(len(area))
				codes = append(codes, uint32(code))
				areaCodes, byCodes = append(areaCodes, area[code]), append(byCodes, by[code])
			}
			direct.Texts(0, areaCodes, areas)
			direct.Texts(1, byCodes, areas)
			shared.TextsOf(0, codes, area, areas)
			shared.TextsOf(1, codes, by, areas)
		}
		if diff := cmp.Diff(fileOf(t, s, direct), fileOf(t, s, shared)); diff != "" {
			t.Fatalf("round %d (-own codes +shared): %s", round, diff)
		}
	}
}

// fileOf is a file of one row group.
func fileOf(t *testing.T, s *Schema, g *Group) []byte {
	t.Helper()
	var out bytes.Buffer
	f := NewFile(&out, s, "test")
	if err := f.Write(g); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
