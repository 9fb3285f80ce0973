package sim

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Errors of a Client. Neither says whether a write was applied.
var (
	// ErrFault is what a call gets that went wrong on purpose.
	ErrFault = errors.New("simulated fault")
	// ErrDead is what every call of a process gets after its death.
	ErrDead = errors.New("simulated death of the process")
)

// Faults are the chances, from 0 to 1 for each call, of what can go wrong. The
// zero value is a perfect world.
type Faults struct {
	Refused  float64 // an error, and a write is not applied
	Lost     float64 // a write is applied and its answer lost
	Late     float64 // an error, and the write is applied some time later
	Repeated float64 // a write is applied, its answer lost, its repetition told of the first try
	Echo     float64 // a write is applied, and its first try once more some time later
	Stalled  float64 // the call takes long
	Crash    float64 // the process dies: before the call, after it, or with the write in flight

	Latency time.Duration // longest normal call; 20 ms when 0
	Long    time.Duration // longest stall and longest flight of a late write

	BurstEvery time.Duration // a burst of refusals begins this often; 0 is never
	BurstFor   time.Duration // how long every call is refused

	Start time.Time // bursts are counted from here
	Until time.Time // no fault begins after this; zero is no end
}

type outcome int

const (
	fine outcome = iota
	refused
	lost
	late
	repeated
	echo
	stalled
	crashBefore
	crashAfter
	crashLate
)

// pick chooses the outcome of a call that begins now.
func (f *Faults) pick(r *rand.Rand, write bool) outcome {
	now := time.Now()
	if !f.Until.IsZero() && now.After(f.Until) {
		return fine
	}
	if f.BurstEvery > 0 && now.Sub(f.Start)%f.BurstEvery < f.BurstFor {
		return refused
	}
	x := r.Float64()
	chance := func(p float64) bool {
		x -= p
		return x < 0
	}
	switch {
	case chance(f.Refused):
		return refused
	case chance(f.Stalled):
		return stalled
	case chance(f.Crash):
		if !write {
			return crashBefore
		}
		return []outcome{crashBefore, crashAfter, crashLate}[r.IntN(3)]
	case !write:
		return fine
	case chance(f.Lost):
		return lost
	case chance(f.Late):
		return late
	case chance(f.Repeated):
		return repeated
	case chance(f.Echo):
		return echo
	default:
		return fine
	}
}

func (f *Faults) latency(r *rand.Rand) time.Duration {
	limit := f.Latency
	if limit == 0 {
		limit = 20 * time.Millisecond
	}
	return between(r, time.Millisecond, limit)
}

func (f *Faults) long(r *rand.Rand) time.Duration { return between(r, f.Long/20, f.Long) }
