package columnar

// take is takeGo by assembly, which has registers for all of it in one loop.
func (p *shortPlaces) take(r *textRun, before uint32) shortDone {
	n := len(r.ends)
	_, _, _ = p.prefixes[n-1], p.suffixes[n-1], p.data[short*(n+1)-1]
	run := shortRun{
		data: &r.data[0], limit: len(r.data) - ahead, ends: &r.ends[0], n: n,
		before: int(before), start: int(r.start),
		prefixes: &p.prefixes[0], suffixes: &p.suffixes[0], to: &p.data[0],
	}
	if r.hashes != nil {
		run.hashes = &r.hashes[:n][0]
	}
	takeShort(&run)
	return shortDone{run.rows, run.bytes, run.falls == 0}
}

// shortRun is what takeShort needs and, from rows on, what comes out.
type shortRun struct {
	data          *byte
	limit         int // where a text may begin at most
	ends          *uint32
	n             int // of ends, at least 1
	before, start int
	prefixes      *int32
	suffixes      *int32
	hashes        *uint64 // nil: not wanted
	to            *byte

	rows, bytes int
	falls       int // not 0: a text is not known to be greater than the one before it
}

// takeShort writes up to 16 bytes beyond what it tells.
//
//go:noescape
func takeShort(run *shortRun)
