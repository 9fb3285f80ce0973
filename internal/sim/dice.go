package sim

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"
)

// Dice decides everything that is left to chance in one simulation. What it
// says depends on its seed and on what it is asked, not on what it was asked
// before, so that goroutines do not disturb each other.
type Dice struct{ seed uint64 }

// NewDice returns the dice of a seed.
func NewDice(seed uint64) Dice { return Dice{seed} }

// For returns the random numbers for the n-th occurrence of what name says.
func (d Dice) For(name string, n int) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(strconv.Itoa(n)))
	return rand.New(rand.NewPCG(d.seed, h.Sum64()))
}

// between is a duration in [from, to).
func between(r *rand.Rand, from, to time.Duration) time.Duration {
	if to <= from {
		return from
	}
	return from + time.Duration(r.Int64N(int64(to-from)))
}
