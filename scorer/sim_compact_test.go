package scorer

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// simClose is the CloseAfter of the simulations: longer than a lease, what a
// commit may take, and the workers' clocks are wrong, and shorter than the
// longest flight of a late write.
const simClose = 36 * time.Second

// outsideDo returns what runs a function outside of every bubble, see outside.
func outsideDo(t *testing.T) func(func()) {
	t.Helper()
	in, done := make(chan func()), make(chan struct{})
	go func() {
		for f := range in {
			f()
			done <- struct{}{}
		}
	}()
	t.Cleanup(func() { close(in) })
	return func(f func()) {
		in <- f
		<-done
	}
}

// memo reads result files outside, each once.
func memo(do func(func())) func(data []byte) ([]parquet.Row, error) {
	var mu sync.Mutex
	read := map[string][]parquet.Row{}
	return func(data []byte) (rows []parquet.Row, err error) {
		mu.Lock()
		defer mu.Unlock()
		rows, ok := read[string(data)]
		if !ok {
			do(func() { rows, err = decodeResults(data) })
			read[string(data)] = rows
		}
		return rows, err
	}
}

// simCompactor is a compactor of one process.
func simCompactor(objects Objects, folders Folders, decode func(data []byte) ([]parquet.Row, error)) *Compactor {
	c, err := NewCompactor(CompactorOptions{Objects: objects, Folders: folders, CloseAfter: simClose, Logger: simLogger()})
	if err != nil {
		panic(err)
	}
	c.maxIDs = 4
	c.decode = decode
	c.ids = func(in io.ReaderAt, size int64, add func([]byte) error) error {
		data := make([]byte, size)
		if _, err := in.ReadAt(data, 0); err != nil && err != io.EOF {
			return err
		}
		rows, err := decode(data)
		for _, row := range rows {
			if err == nil {
				err = add(row[idColumn()].ByteArray())
			}
		}
		return err
	}
	return c
}

// simMidnight is a simulation of applications around midnight, while
// compactors try to merge every day as early as they may.
type simMidnight struct {
	t       *testing.T
	dice    sim.Dice
	faults  *sim.Faults
	bucket  *sim.Bucket
	check   *simCheck
	queue   *sim.Queue
	apps    *simApps
	decode  func(data []byte) ([]parquet.Row, error)
	broken  func(*Compactor)     // breaks compactors
	merged  map[string]time.Time // days
	daily   map[string][]byte
	flight  sync.WaitGroup // of slow commits
	commits int            // after the first merge
}

// change watches that nothing is committed to a day that was merged, and that
// a day is merged once.
func (m *simMidnight) change(w sim.Change) {
	if day, ok := strings.CutPrefix(w.Info.Key, status.DailyResultsPrefix+"dt="); ok {
		day = day[:len(firstDay)]
		if _, twice := m.merged[day]; twice || w.Replaced {
			m.check.problem("%s was merged twice", day)
		}
		m.merged[day], m.daily[day] = time.Now(), w.Body
		return
	}
	m.check.change(w)
	if day, ok := strings.CutPrefix(w.Info.Key, status.ApplicationResultsPrefix+"dt="); ok && status.FileOf(w.Info.Metadata) == status.FileResults {
		day = day[:len(firstDay)]
		if at, late := m.merged[day]; late {
			m.check.problem("%s was committed after %s was merged at %s", w.Info.Key, day, at.Format(time.TimeOnly))
		}
		if len(m.merged) > 0 {
			m.commits++
		}
	}
}

// work runs a worker until ctx is done.
func (m *simMidnight) work(ctx context.Context, n int, r *rand.Rand, s *Scorer) {
	skew := time.Duration(r.IntN(8000)-4000) * time.Millisecond
	o := ApplicationsOptions{
		Scorer: s, MaxReceives: 3, Lease: 15 * time.Second, Logger: simLogger(), Parallel: 1 + r.IntN(8),
		Now: func() time.Time { return time.Now().Add(skew) },
	}
	worker := sim.Worker{Name: fmt.Sprintf("w%d", n), Queue: m.queue, Dice: m.dice, Faults: m.faults, Batch: 1 + r.IntN(10)}
	own := rand.New(rand.NewPCG(uint64(n), r.Uint64()))
	worker.Start = func(p *sim.Process) events.Handler {
		o := o
		o.Objects = &slowCommits{Claims: sim.NewClient(m.bucket, p, simResultName), bucket: m.bucket, r: own, wg: &m.flight}
		a, err := NewApplications(o)
		if err != nil {
			panic(err)
		}
		return a
	}
	worker.Run(ctx)
}

// compact runs one compactor after another until ctx is done.
func (m *simMidnight) compact(ctx context.Context, n int) {
	for run := 0; ctx.Err() == nil; run++ {
		p := sim.NewProcess(fmt.Sprintf("c%d-%d", n, run), m.dice, m.faults)
		c := simCompactor(sim.NewClient(m.bucket, p, simResultName), m.bucket, m.decode)
		m.broken(c)
		for !p.Dead() && ctx.Err() == nil {
			_, _ = c.Compact(ctx) // the next run makes up for what went wrong
			<-time.After(time.Duration(1+m.dice.For(fmt.Sprint("pause", n), run).IntN(9000)) * time.Millisecond)
		}
	}
}

// run lives through midnight and checks what is left.
func (m *simMidnight) run(r *rand.Rand) {
	<-time.After(24*time.Hour - 90*time.Second)
	m.faults.Start, m.faults.Until = time.Now(), time.Now().Add(6*time.Minute)
	m.apps = newSimApps(r, 4+r.IntN(14))
	m.check.track(m.apps)
	ctx, cancel := context.WithCancel(m.t.Context())
	defer cancel()
	models := simModels(m.t)
	done := make(chan struct{})
	workers := 1 + r.IntN(3)
	for n := range workers {
		own := rand.New(rand.NewPCG(uint64(n), r.Uint64()))
		go func() {
			m.work(ctx, n, own, models[n%2])
			done <- struct{}{}
		}()
	}
	for n := range 2 {
		go func() {
			m.compact(ctx, n)
			done <- struct{}{}
		}()
	}
	for _, id := range m.apps.ids {
		<-time.After(time.Duration(r.Int64N(int64(15 * time.Second))))
		for range 1 + r.IntN(6)/4 {
			m.queue.Send(m.apps.body[id])
		}
	}
	if !simDrain(ctx, m.queue, m.faults) {
		m.check.problem("the queue does not drain")
	}
	cancel()
	for range workers + 2 {
		<-done
	}
	m.flight.Wait()
	m.bucket.Wait()
	m.end()
}

// end merges what is left, a day later, and compares the days with their files.
func (m *simMidnight) end() {
	<-time.After(48 * time.Hour)
	c := simCompactor(m.bucket, m.bucket, m.decode)
	days, err := c.Compact(m.t.Context())
	if err != nil {
		m.check.problem("the last compactor: %v", err)
	}
	for _, d := range days {
		if d.State != DayMerged {
			m.check.problem("%s is %s", d.Day, d.State)
		}
	}
	m.check.end(m.bucket)
	rows := map[string][]string{}
	for key, body := range m.bucket.Bodies(status.ApplicationResultsPrefix) {
		day := strings.TrimPrefix(key, status.ApplicationResultsPrefix+"dt=")[:len(firstDay)]
		rows[day] = append(rows[day], m.ids(body)...)
	}
	for day, want := range rows {
		got := m.ids(m.daily[day])
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			m.check.problem("%s: merged %q, want %q", day, got, want)
		}
	}
}

func (m *simMidnight) ids(body []byte) []string {
	rows, err := m.check.read(body)
	if err != nil {
		m.check.problem("a file of %d bytes: %v", len(body), err)
	}
	var ids []string
	for _, row := range rows {
		ids = append(ids, row.id)
	}
	return ids
}

// simCompaction runs one seed.
func simCompaction(t *testing.T, seed uint64, read simReader, do func(func()), broken func(*Compactor)) *simMidnight {
	t.Helper()
	var m *simMidnight
	synctest.Test(t, func(t *testing.T) {
		dice := sim.NewDice(seed)
		r := dice.For("midnight", 0)
		m = &simMidnight{
			t: t, dice: dice, faults: simFaults(r, time.Hour), bucket: sim.NewBucket(), decode: memo(do), broken: broken,
			check: newSimCheck(&simApps{}, read), merged: map[string]time.Time{}, daily: map[string][]byte{},
		}
		m.queue = sim.NewQueue(dice, sim.QueueOptions{
			Visibility: time.Duration(20+r.IntN(2)*280) * time.Second, MaxReceives: 3 + r.IntN(4), Twice: 0.1, Deaf: 0.1, Until: time.Now().Add(25 * time.Hour),
		})
		m.bucket.Watch(m.change)
		m.run(r)
	})
	return m
}

// slowCommits is a worker's view of the store whose commits are now and then
// on their way for minutes, while the worker hears nothing more of the store.
type slowCommits struct {
	Claims
	bucket *sim.Bucket
	wg     *sync.WaitGroup
	mu     sync.Mutex
	r      *rand.Rand
	deaf   time.Time // until then
}

func (s *slowCommits) Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	slow, flight := s.choose(isResult(key) && status.FileOf(o.Metadata) == status.FileResults)
	switch {
	case !slow:
		return s.Claims.Create(ctx, key, body, o)
	case flight > 0:
		s.wg.Go(func() {
			<-time.After(flight)
			_, _ = s.bucket.Create(context.WithoutCancel(ctx), key, body, o)
		})
	}
	return store.Info{}, errSim
}

// choose tells whether a call goes wrong, and how long a commit that does is
// on its way.
func (s *slowCommits) choose(commit bool) (bool, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case time.Now().Before(s.deaf):
		return true, 0
	case !commit || s.r.IntN(3) > 0:
		return false, 0
	}
	s.deaf = time.Now().Add(30 * time.Second)
	return true, time.Second + time.Duration(s.r.Int64N(int64(3*time.Minute)))
}

// track makes the check watch these applications.
func (c *simCheck) track(apps *simApps) {
	c.apps = apps
	for _, id := range apps.ids {
		c.keys[status.ApplicationKey(id)] = id
	}
}

// Whatever goes wrong around midnight, a merged day holds each of its rows
// once, and nothing is ever committed to it again.
//
// failure 1, 2, 3, 5, 6, 7, 8, 9
func TestSimCompaction(t *testing.T) {
	t.Parallel()
	do := outsideDo(t)
	simRun(t, 60, func(t *testing.T, seed uint64, read simReader) []string {
		t.Helper()
		return simCompaction(t, seed, read, do, func(*Compactor) {}).check.problems
	})
}
