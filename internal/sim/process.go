package sim

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Process is one run of one worker. Once dead, everything it calls fails and
// nothing of it has an effect, but for writes that were in flight.
type Process struct {
	name   string
	dice   Dice
	faults *Faults
	dead   atomic.Bool

	mu    sync.Mutex
	calls map[string]int
}

// NewProcess returns a living process. Its name and the seed of the dice
// decide what befalls it.
func NewProcess(name string, dice Dice, faults *Faults) *Process {
	return &Process{name: name, dice: dice, faults: faults, calls: map[string]int{}}
}

// Dead reports whether the process has died.
func (p *Process) Dead() bool { return p.dead.Load() }

func (p *Process) die() error {
	p.dead.Store(true)
	return ErrDead
}

// roll returns the chance of this process's next call of that name.
func (p *Process) roll(name string) *rand.Rand {
	p.mu.Lock()
	n := p.calls[name]
	p.calls[name]++
	p.mu.Unlock()
	return p.dice.For(p.name+" "+name, n)
}

// wait lets d pass, or less when ctx is done.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func numbered(name string, n int) string { return name + "#" + strconv.Itoa(n) }
