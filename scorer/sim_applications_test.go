package scorer

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

var (
	simSeeds = flag.Int("sim.seeds", 0, "seeds of each simulation; 0 is a number that takes some seconds")
	simSeed  = flag.Uint64("sim.seed", 0, "the one seed to run; 0 is all")
)

// simShards is how many simulations of one kind run at the same time.
const simShards = 4

// simReader reads a result file.
type simReader func(data []byte) ([]simRow, error)

// outside returns a simReader that works outside of every bubble of virtual
// time: the Parquet library shares its decompressors between all files, and
// they cannot pass from one bubble to another.
func outside(t *testing.T) simReader {
	t.Helper()
	type result struct {
		rows []simRow
		err  error
	}
	in, out := make(chan []byte), make(chan result)
	go func() {
		for data := range in {
			rows, err := simRows(data)
			out <- result{rows, err}
		}
	}()
	t.Cleanup(func() { close(in) })
	return func(data []byte) ([]simRow, error) {
		in <- data
		r := <-out
		return r.rows, r.err
	}
}

// simRun runs f for every seed, some at the same time. f returns what is
// wrong; it makes its own bubble of virtual time.
func simRun(t *testing.T, seeds int, f func(t *testing.T, seed uint64, read simReader) []string) {
	t.Helper()
	seeds /= simShare
	if *simSeeds > 0 {
		seeds = *simSeeds
	}
	simModels(t) // made outside of every bubble
	one := func(t *testing.T, seed uint64, read simReader) {
		t.Helper()
		if problems := f(t, seed, read); len(problems) > 0 {
			t.Fatalf("seed %d (go test -run '%s' -sim.seed %d): %d problems:\n%s",
				seed, strings.Split(t.Name(), "/")[0], seed, len(problems), strings.Join(problems, "\n"))
		}
	}
	if *simSeed > 0 {
		one(t, *simSeed, outside(t))
		return
	}
	for shard := range simShards {
		t.Run(fmt.Sprintf("shard%d", shard), func(t *testing.T) {
			t.Parallel()
			read := outside(t)
			for seed := 1 + shard; seed <= seeds; seed += simShards {
				one(t, uint64(seed), read)
			}
		})
	}
}

// simModels are two models whose decisions differ, and the words for them, as
// during a deployment; the second has the first as its shadow.
func simModels(t *testing.T) [2]*Scorer {
	t.Helper()
	pair, err := simPair()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// simPair is made once: tables of reasons take time.
var simPair = sync.OnceValues(func() (pair [2]*Scorer, err error) {
	if pair[0], err = New(model.Default()); err != nil {
		return pair, err
	}
	spec := model.Default().Spec()
	spec.Version, spec.Trees = "2", spec.Trees[:3]
	spec.Policy = model.Policy{ApproveAbove: 0.9, DeclineAt: 0.2}
	body, err := model.Encode(spec)
	if err != nil {
		return pair, err
	}
	m, err := model.Parse(body)
	if err != nil {
		return pair, err
	}
	table, err := explain.ParseTable([]byte(`{"format":"loanscorer/reasons","v":1,"reasons":[
		{"code":"R01","feature":"Credit_History","text":{"en":"Credit history"}}]}`))
	if err != nil {
		return pair, err
	}
	pair[1], err = NewWith(m, Options{Reasons: table, Shadow: pair[0]})
	return pair, err
})

// simFaults chooses how bad the world of a seed is: from perfect to hostile.
func simFaults(r *rand.Rand, until time.Duration) *sim.Faults {
	level := []float64{0, 0.3, 1, 1, 1, 2}[r.IntN(6)]
	f := &sim.Faults{
		Refused: 0.04 * level, Lost: 0.04 * level, Late: 0.03 * level, Repeated: 0.04 * level,
		Echo: 0.03 * level, Stalled: 0.02 * level, Crash: 0.01 * level,
		Long: 45 * time.Second, Latency: 50 * time.Millisecond,
		Start: time.Now(), Until: time.Now().Add(until),
	}
	if level > 0 && r.IntN(4) == 0 {
		f.BurstEvery, f.BurstFor = 40*time.Second, 10*time.Second
	}
	return f
}

func simLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

// simApps are the applications of one simulation.
type simApps struct {
	ids   []string
	body  map[string]string // of the message
	valid map[string]bool   // can be decided
}

func simID(kind status.Kind, n int, at time.Time) string {
	ids, err := status.NewIDs([]byte("a secret of the simulation, 32 bytes long"))
	if err != nil {
		panic(err)
	}
	return ids.Derive(kind, at, [10]byte{byte(n >> 8), byte(n)}, "caller")
}

// newSimApps makes applications of which some can never be scored.
func newSimApps(r *rand.Rand, n int) *simApps {
	apps := &simApps{body: map[string]string{}, valid: map[string]bool{}}
	for i := range n {
		id := simID(status.KindApplication, i, time.Now())
		app := map[string]any{
			"Loan_ID": fmt.Sprintf("LP%04d", i), "ApplicantIncome": 500 + r.IntN(9000), "CoapplicantIncome": r.IntN(4000),
			"LoanAmount": 20 + r.IntN(400), "Credit_History": r.IntN(2),
			"Property_Area": []string{"Rural", "Semiurban", "Urban"}[r.IntN(3)],
		}
		m := events.NewApplication(id, "caller", time.Now(), nil)
		apps.ids, apps.valid[id] = append(apps.ids, id), false
		switch r.IntN(12) {
		case 0:
			app["Property_Area"] = "Moon"
		case 1:
			m.Kind = "unknown"
		case 2:
			delete(app, "Credit_History")
			apps.valid[id] = true
		default:
			apps.valid[id] = true
		}
		m.Application, _ = json.Marshal(app)
		apps.body[id], _ = events.Encode(m)
	}
	return apps
}

// simResultName hides what differs between two runs of one seed.
func simResultName(key string) string {
	if strings.HasPrefix(key, status.ApplicationResultsPrefix) {
		return status.ApplicationResultsPrefix
	}
	return key
}

// simDrain waits until the queue is empty and stays so, redriving what is
// dead, and reports whether it came to that.
func simDrain(ctx context.Context, q *sim.Queue, faults *sim.Faults) bool {
	for range 4 * 3600 {
		<-time.After(time.Second)
		live, dead := q.Len()
		switch {
		case time.Now().Before(faults.Until):
		case live > 0:
		case dead > 0:
			q.Redrive()
		default:
			return true
		}
	}
	return ctx.Err() != nil
}

// simApplications runs the applications protocol under one seed. broken may
// break a worker's store; nil breaks nothing.
func simApplications(t *testing.T, seed uint64, read simReader, broken func(*sim.Client) Claims) *simCheck {
	t.Helper()
	var check *simCheck
	synctest.Test(t, func(t *testing.T) {
		check = simApplicationsBubble(t, seed, broken, read)
	})
	return check
}

func simApplicationsBubble(t *testing.T, seed uint64, broken func(*sim.Client) Claims, read simReader) *simCheck {
	t.Helper()
	dice := sim.NewDice(seed)
	r := dice.For("world", 0)
	faults := simFaults(r, 4*time.Minute)
	apps := newSimApps(r, 1+r.IntN(14))
	bucket := sim.NewBucket()
	check := newSimCheck(apps, read)
	bucket.Watch(check.change)
	queue := sim.NewQueue(dice, sim.QueueOptions{
		Visibility: 20 * time.Second, MaxReceives: 3 + r.IntN(4), Twice: 0.1, Deaf: 0.1, Until: faults.Until,
	})
	models := simModels(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan struct{})
	workers := 1 + r.IntN(4)
	for w := range workers {
		o := ApplicationsOptions{
			Scorer: models[w%2], MaxReceives: 3, Lease: 15 * time.Second, Logger: simLogger(), Parallel: 1 + r.IntN(8),
		}
		skew := time.Duration(r.IntN(8000)-4000) * time.Millisecond
		o.Now = func() time.Time { return time.Now().Add(skew) }
		worker := sim.Worker{Name: fmt.Sprintf("w%d", w), Queue: queue, Dice: dice, Faults: faults, Batch: 1 + r.IntN(10)}
		if r.IntN(3) == 0 {
			worker.Deadline = 25 * time.Second
		}
		worker.Start = func(p *sim.Process) events.Handler {
			o := o
			client := sim.NewClient(bucket, p, simResultName)
			o.Objects = client
			if broken != nil {
				o.Objects = broken(client)
			}
			a, err := NewApplications(o)
			if err != nil {
				panic(err)
			}
			return a
		}
		go func() {
			worker.Run(ctx)
			done <- struct{}{}
		}()
	}
	for _, id := range apps.ids {
		<-time.After(time.Duration(r.Int64N(int64(3 * time.Second))))
		for range 1 + r.IntN(6)/4 { // the api's own retries send twice
			queue.Send(apps.body[id])
		}
	}
	if !simDrain(ctx, queue, faults) {
		check.problem("the queue does not drain")
	}
	cancel()
	for range workers {
		<-done
	}
	bucket.Wait()
	check.end(bucket)
	return check
}

// failure 1, 2, 3, 5, 6, 7, 8, 9, 11, 21, 27, 57, 76
func TestSimApplications(t *testing.T) {
	t.Parallel()
	simRun(t, 400, func(t *testing.T, seed uint64, read simReader) []string {
		t.Helper()
		return simApplications(t, seed, read, nil).problems
	})
}

// The same seed gives the same run: the same writes at the same time.
func TestSimReproducible(t *testing.T) {
	t.Parallel()
	read := outside(t)
	for seed := range uint64(20 / simShare) {
		a, b := simApplications(t, seed, read, nil), simApplications(t, seed, read, nil)
		if diff := cmp.Diff(a.trace, b.trace); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}
