package columnar

import "golang.org/x/sys/cpu"

// vectors tells that the processor has what the assembly needs.
var vectors = cpu.X86.HasAVX2 && cpu.X86.HasBMI2 && cpu.X86.HasPOPCNT

// packVectors packs codes 32 at a time, and stops before 32 with one that is
// unknown. The levels of the page end in a whole byte.
func (c *column) packVectors(codes []uint32, table *fewTable) int {
	n := len(codes) &^ 31
	if n == 0 || !vectors {
		return 0
	}
	p, l := &c.bits, &c.levels
	p.bytes, l.bits = reserve(p.bytes, n*c.width/8+8), reserve(l.bits, n/8)
	run := fewRun{
		codes: &codes[0], n: n, table: &table.indexes[0], tables: (table.codes + 15) / 16, places: c.places,
		levels: &l.bits[:len(l.bits)+1][len(l.bits)], to: &p.bytes[:len(p.bytes)+1][len(p.bytes)],
		width: c.width, pairs: 1 | 1<<(8+c.width), fours: 1 | 1<<(16+2*c.width), shift: 32 - 4*c.width,
		rest: p.rest, nRest: p.nRest,
	}
	rows := packFewAVX2(&run)
	l.bits, l.rows = l.bits[:len(l.bits)+rows/8], l.rows+rows
	p.bytes = p.bytes[:len(p.bytes)+run.bytes]
	p.rest, p.nRest, p.values = run.rest, run.nRest, p.values+run.there
	return rows
}

// fewRun is what packFewAVX2 needs and, from rest on, also what comes out.
type fewRun struct {
	codes  *uint32
	n      int // of codes, a multiple of 32
	table  *uint8
	tables int // of 16 indexes
	places *[256]uint64
	levels *byte // room for n/8
	to     *byte // room for n*width/8+8
	width  int
	pairs  uint32 // bytes 1 and 1<<width
	fours  uint32 // words 1 and 1<<(2*width)
	shift  int    // of four values beside four others

	rest  uint64
	nRest int
	there int // values
	bytes int // of to that are filled
}

// packFewAVX2 returns how many codes it packed.
//
//go:noescape
func packFewAVX2(run *fewRun) int

// squeezeVectors is squeeze eight at a time, as far as there are eight; the levels
// of the page end in a whole byte. It returns how many codes that was and how
// many are there.
func (c *column) squeezeVectors(to []int32, codes []uint32) (rows, there int) {
	n := len(codes) &^ 7
	if n == 0 || !vectors {
		return 0, 0
	}
	l := &c.levels
	l.bits = reserve(l.bits, n/8)
	_ = to[n-1]
	there = squeezeAVX2(&squeezeRun{
		codes: &codes[0], n: n, places: c.places, levels: &l.bits[:len(l.bits)+1][len(l.bits)], to: &to[0],
	})
	l.bits, l.rows = l.bits[:len(l.bits)+n/8], l.rows+n
	return n, there
}

// squeezeRun is what squeezeAVX2 needs.
type squeezeRun struct {
	codes  *uint32
	n      int // of codes, a multiple of 8, and room in to
	places *[256]uint64
	levels *byte // room for n/8
	to     *int32
}

// squeezeAVX2 returns how many values there are.
//
//go:noescape
func squeezeAVX2(run *squeezeRun) int
