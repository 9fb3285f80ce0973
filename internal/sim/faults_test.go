package sim_test

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/store"
)

// Every fault leaves behind and tells what its name says.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		faults     sim.Faults
		told       error
		now, later bool // the object is there after the call, and in the end
		dead       bool
	}{
		"none":     {now: true, later: true},
		"refused":  {faults: sim.Faults{Refused: 1}, told: sim.ErrFault},
		"lost":     {faults: sim.Faults{Lost: 1}, told: sim.ErrFault, now: true, later: true},
		"late":     {faults: sim.Faults{Late: 1}, told: sim.ErrFault, later: true},
		"repeated": {faults: sim.Faults{Repeated: 1}, told: store.ErrExists, now: true, later: true},
		"echo":     {faults: sim.Faults{Echo: 1}, now: true, later: true},
		"stalled":  {faults: sim.Faults{Stalled: 1}, now: true, later: true},
		"burst":    {faults: sim.Faults{BurstEvery: time.Hour, BurstFor: time.Hour}, told: sim.ErrFault},
		"over":     {faults: sim.Faults{Refused: 1, Until: time.Unix(1, 0)}, now: true, later: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := sim.NewBucket()
				tt.faults.Long, tt.faults.Start = 30*time.Second, time.Now()
				p := sim.NewProcess("p", sim.NewDice(1), &tt.faults)
				_, err := sim.NewClient(b, p, nil).Create(t.Context(), "key", []byte("body"), store.PutOptions{})
				_, nowErr := b.Head(t.Context(), "key")
				b.Wait()
				_, laterErr := b.Head(t.Context(), "key")
				if !errors.Is(err, tt.told) || (nowErr == nil) != tt.now || (laterErr == nil) != tt.later || p.Dead() != tt.dead {
					t.Errorf("told %v, there %t, in the end %t, dead %t; want %+v", err, nowErr == nil, laterErr == nil, p.Dead(), tt)
				}
			})
		})
	}
}

// A process that died never has an effect again, but for what was in flight.
func TestCrash(t *testing.T) {
	t.Parallel()
	ends := map[string]int{} // how often the write of a crash was applied at once, later, never
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			b := sim.NewBucket()
			p := sim.NewProcess("p", sim.NewDice(seed), &sim.Faults{Crash: 1, Long: time.Minute})
			c := sim.NewClient(b, p, nil)
			if _, err := c.Put(t.Context(), "a", nil, store.PutOptions{}); !errors.Is(err, sim.ErrDead) || !p.Dead() {
				t.Fatalf("seed %d: error %v", seed, err)
			}
			before := len(b.Bodies("a"))
			for _, err := range []error{
				second(c.Put(t.Context(), "b", nil, store.PutOptions{})), second(c.Head(t.Context(), "a")),
			} {
				if !errors.Is(err, sim.ErrDead) {
					t.Errorf("seed %d: the dead say %v", seed, err)
				}
			}
			b.Wait()
			ends[fmt.Sprint(before, len(b.Bodies("a")))]++
			if n := len(b.Bodies("b")); n != 0 {
				t.Errorf("seed %d: the dead write", seed)
			}
		})
	}
	for _, end := range []string{"0 0", "0 1", "1 1"} {
		if ends[end] == 0 {
			t.Errorf("no crash ended as %s: %v", end, ends)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := sim.NewQueue(sim.NewDice(1), sim.QueueOptions{Visibility: 10 * time.Second, MaxReceives: 2})
		for i := range 5 {
			q.Send(strconv.Itoa(i))
		}
		first := q.Receive(10)
		bodies := map[string]int{}
		for _, d := range first {
			bodies[string(d.Body)] = d.Receives
		}
		if diff := cmp.Diff(map[string]int{"0": 1, "1": 1, "2": 1, "3": 1, "4": 1}, bodies); diff != "" {
			t.Errorf("received: %s", diff)
		}
		if again := q.Receive(10); len(again) != 0 {
			t.Errorf("%d invisible messages received", len(again))
		}
		q.Delete(first[0])
		q.Return(first[1], time.Second)
		<-time.After(2 * time.Second)
		if again := q.Receive(10); len(again) != 1 || again[0].ID != first[1].ID || again[0].Receives != 2 {
			t.Errorf("received %+v, want what was returned", again)
		}
		<-time.After(20 * time.Second)
		if again := q.Receive(10); len(again) != 3 {
			t.Errorf("%d messages received after their visibility, want 3", len(again))
		}
		if live, dead := q.Len(); live != 3 || dead != 1 {
			t.Errorf("%d live, %d dead, want 3 and 1", live, dead)
		}
		if n := q.Redrive(); n != 1 {
			t.Errorf("%d redriven, want 1", n)
		}
		if again := q.Receive(10); len(again) != 1 || again[0].Receives != 1 {
			t.Errorf("received %+v, want the redriven message as new", again)
		}
	})
}

// The same message can be in two hands, and a deletion can have no effect.
func TestQueueFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := sim.NewQueue(sim.NewDice(1), sim.QueueOptions{Visibility: time.Hour, Twice: 1, Deaf: 1, Until: time.Now().Add(time.Minute)})
		q.Send("x")
		for range 3 {
			d := q.Receive(1)
			if len(d) != 1 {
				t.Fatal("not delivered twice")
			}
			q.Delete(d[0])
		}
		<-time.After(2 * time.Minute)
		d := q.Receive(1)
		if len(d) != 1 || len(q.Receive(1)) != 0 {
			t.Fatal("delivered twice after the faults")
		}
		q.Delete(d[0])
		if live, dead := q.Len(); live+dead != 0 {
			t.Errorf("%d live, %d dead after a deletion", live, dead)
		}
	})
}
