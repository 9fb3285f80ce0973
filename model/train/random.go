package train

// RandomState is NumPy's legacy generator, MT19937 (numpy/random/mtrand.pyx):
// the same seed gives the same numbers as numpy.random.RandomState(seed). It
// is not safe for concurrent use.
type RandomState struct {
	key [624]uint32
	pos int
}

// NewRandomState returns the generator that numpy.random.RandomState(seed) is.
func NewRandomState(seed uint32) *RandomState {
	r := &RandomState{pos: len(RandomState{}.key)}
	for i := range r.key {
		r.key[i] = seed
		seed = 1812433253*(seed^seed>>30) + uint32(i) + 1
	}
	return r
}

// next returns 32 random bits (numpy/random/src/mt19937/mt19937.h).
func (r *RandomState) next() uint32 {
	if r.pos == len(r.key) {
		r.generate()
	}
	y := r.key[r.pos]
	r.pos++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (r *RandomState) generate() {
	const n, m = 624, 397
	for i := range r.key {
		y := r.key[i]&0x80000000 | r.key[(i+1)%n]&0x7fffffff
		r.key[i] = r.key[(i+m)%n] ^ y>>1 ^ -(y&1)&0x9908b0df
	}
	r.pos = 0
}

// Below returns what randint(0, n) returns: a number from 0 to n-1, n >= 1,
// by masks and rejection.
func (r *RandomState) Below(n uint32) uint32 {
	high := n - 1
	if high == 0 {
		return 0
	}
	mask := high
	for _, shift := range []int{1, 2, 4, 8, 16} {
		mask |= mask >> shift
	}
	for {
		if v := r.next() & mask; v <= high {
			return v
		}
	}
}

// Shuffle permutes n things as shuffle does.
func (r *RandomState) Shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, int(r.Below(uint32(i)+1)))
	}
}

// xorshift is the generator that draws features at nodes: our_rand_r of
// sklearn/utils/_random.pxd.
type xorshift uint32

// between returns a number from low to high-1.
func (x *xorshift) between(low, high int) int {
	s := uint32(*x)
	if s == 0 {
		s = 1
	}
	s ^= s << 13
	s ^= s >> 17
	s ^= s << 5
	*x = xorshift(s)
	return low + int(s%(1<<31))%(high-low)
}
