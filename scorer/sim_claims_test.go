package scorer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

var errSim = errors.New("store does not answer")

// simStore is a bucket whose calls can be told to fail: before has the last
// word on what is not done, after on what is told of what was done.
type simStore struct {
	*sim.Bucket
	before, after func(op, key string) error
	mu            sync.Mutex
	writes        []string // op and key of every write that was tried
}

func newSimStore() *simStore { return &simStore{Bucket: sim.NewBucket()} }

func (s *simStore) fails(f func(op, key string) error, op, key string) error {
	if f == nil {
		return nil
	}
	return f(op, key)
}

func (s *simStore) note(op, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, op+" "+key)
}

func (s *simStore) Head(ctx context.Context, key string) (store.Info, error) {
	if err := s.fails(s.before, "head", key); err != nil {
		return store.Info{}, err
	}
	return s.Bucket.Head(ctx, key)
}

func (s *simStore) Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error) {
	if err := s.fails(s.before, "get", key); err != nil {
		return nil, store.Info{}, err
	}
	return s.Bucket.Get(ctx, key, limit)
}

func (s *simStore) write(op, key string, apply func() (store.Info, error)) (store.Info, error) {
	s.note(op, key)
	if err := s.fails(s.before, op, key); err != nil {
		return store.Info{}, err
	}
	info, err := apply()
	if told := s.fails(s.after, op, key); told != nil {
		return store.Info{}, told
	}
	return info, err
}

func (s *simStore) Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	return s.write("create", key, func() (store.Info, error) { return s.Bucket.Create(ctx, key, body, o) })
}

func (s *simStore) Replace(ctx context.Context, key, etag string, body []byte, o store.PutOptions) (store.Info, error) {
	return s.write("replace", key, func() (store.Info, error) { return s.Bucket.Replace(ctx, key, etag, body, o) })
}

func (s *simStore) Put(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error) {
	return s.write("put", key, func() (store.Info, error) { return s.Bucket.Put(ctx, key, body, o) })
}

func (s *simStore) CreateFrom(ctx context.Context, key string, r io.Reader, o store.PutOptions) (store.Info, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return store.Info{}, err
	}
	return s.Create(ctx, key, body, o)
}

func (s *simStore) ReplaceFrom(ctx context.Context, key, etag string, r io.Reader, o store.PutOptions) (store.Info, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return store.Info{}, err
	}
	return s.Replace(ctx, key, etag, body, o)
}

// tried is how many writes of keys with that prefix were tried.
func (s *simStore) tried(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, w := range s.writes {
		_, key, _ := strings.Cut(w, " ")
		if strings.HasPrefix(key, prefix) {
			n++
		}
	}
	return n
}

func isDocument(key string) bool { return strings.HasPrefix(key, status.ApplicationsPrefix) }
func isResult(key string) bool   { return strings.HasPrefix(key, status.ApplicationResultsPrefix) }

// simClock is a clock that a test moves.
type simClock struct {
	mu  sync.Mutex
	now time.Time
}

func newSimClock() *simClock {
	return &simClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *simClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *simClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func simWorker(t *testing.T, s Claims, clock *simClock) *Applications {
	t.Helper()
	a, err := NewApplications(ApplicationsOptions{
		Scorer: simModels(t)[0], Objects: s, Lease: 15 * time.Second, MaxReceives: 5, Now: clock.Now, Logger: simLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func simAppID(n int) string {
	return simID(status.KindApplication, n, time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC))
}

const simGood = `{"Loan_ID":"LP1","ApplicantIncome":5000,"CoapplicantIncome":0,"LoanAmount":100,"Credit_History":1,"Property_Area":"Urban"}`

func simMessage(t *testing.T, n, receives int, application string) events.Message {
	t.Helper()
	m := events.NewApplication(simAppID(n), "caller", status.Time(simAppID(n)), json.RawMessage(application))
	body, err := events.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return events.Message{ID: fmt.Sprintf("m%d-%d", n, receives), Body: []byte(body), Receives: receives}
}

// simState is what a poller is told of application n, and its document.
func simState(t *testing.T, s *sim.Bucket, n int, now time.Time) (status.State, *status.Application) {
	t.Helper()
	facts := status.Facts{SubmittedAt: status.Time(simAppID(n)), Now: now, Retention: 96 * time.Hour, File: status.FileMissing}
	data, _, err := s.Get(t.Context(), status.ApplicationKey(simAppID(n)), maxDocument)
	if errors.Is(err, store.ErrNotFound) {
		return status.Derive(facts), nil
	}
	var doc status.Application
	if err := errors.Join(err, status.Decode(data, &doc)); err != nil {
		t.Fatal(err)
	}
	facts.Document = &doc
	if info, err := s.Head(t.Context(), doc.Result); err == nil {
		facts.File = status.FileOf(info.Metadata)
	}
	return status.Derive(facts), &doc
}

// simAllRows counts the rows of every application in all result files.
func simAllRows(t *testing.T, s *sim.Bucket) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for key, body := range s.Bodies(status.ApplicationResultsPrefix) {
		found, err := simRows(body)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		for _, r := range found {
			rows[r.id]++
		}
	}
	return rows
}

func simCheckStates(t *testing.T, s *sim.Bucket, now time.Time, want ...status.State) {
	t.Helper()
	rows := simAllRows(t, s)
	for n, w := range want {
		got, doc := simState(t, s, n, now)
		wantRows := 0
		if w == status.Decided {
			wantRows = 1
		}
		if got != w || rows[simAppID(n)] != wantRows {
			t.Errorf("application %d: %s in %d rows, want %s in %d; document %+v", n, got, rows[simAppID(n)], w, wantRows, doc)
		}
	}
}

func simOutcomes(errs []error) []bool {
	out := make([]bool, len(errs))
	for i, err := range errs {
		out[i] = err == nil || events.IsPermanent(err)
	}
	return out
}

// failure 1
func TestSimTwinsInOneBatch(t *testing.T) {
	t.Parallel()
	s, clock := newSimStore(), newSimClock()
	a := simWorker(t, s, clock)
	errs := a.Handle(t.Context(), []events.Message{
		simMessage(t, 0, 1, simGood), simMessage(t, 1, 1, simGood), simMessage(t, 0, 2, simGood),
	})
	if diff := cmp.Diff([]error{nil, nil, nil}, errs); diff != "" {
		t.Error(diff)
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Decided, status.Decided)
}

// failure 8
func TestSimRedeliveryWritesNothing(t *testing.T) {
	t.Parallel()
	s, clock := newSimStore(), newSimClock()
	a := simWorker(t, s, clock)
	batch := []events.Message{simMessage(t, 0, 1, simGood), simMessage(t, 1, 1, `{"LoanAmount":1}`)}
	a.Handle(t.Context(), batch)
	before := s.Bodies("")
	clock.pass(time.Hour)
	for _, err := range simWorker(t, s, clock).Handle(t.Context(), batch) {
		if err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(before, s.Bodies("")); diff != "" {
		t.Errorf("a redelivery changed objects: %s", diff)
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Decided, status.Rejected)
}

// failure 9: the store is told of our own first try, and then does not answer
// what is there. The application must not be left out of the commit.
func TestSimRefusedByOwnWrite(t *testing.T) {
	t.Parallel()
	s, clock := newSimStore(), newSimClock()
	key := status.ApplicationKey(simAppID(0))
	s.after = func(op, k string) error {
		if op == "create" && k == key {
			return fmt.Errorf("%q: %w", k, store.ErrExists)
		}
		return nil
	}
	s.before = func(op, k string) error {
		if op == "get" && k == key {
			return errSim
		}
		return nil
	}
	a := simWorker(t, s, clock)
	batch := []events.Message{simMessage(t, 0, 1, simGood), simMessage(t, 1, 1, simGood)}
	if diff := cmp.Diff([]bool{false, false}, simOutcomes(a.Handle(t.Context(), batch))); diff != "" {
		t.Errorf("acknowledged: %s", diff)
	}
	s.before, s.after = nil, nil
	simCheckStates(t, s.Bucket, clock.Now(), status.Scoring, status.Scoring)
	if diff := cmp.Diff([]bool{true, true}, simOutcomes(a.Handle(t.Context(), batch))); diff != "" {
		t.Errorf("acknowledged: %s", diff)
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Decided, status.Decided)
}

// failure 9: a lost answer is resolved by reading back.
func TestSimLostAnswers(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{status.ApplicationsPrefix, status.ApplicationResultsPrefix, status.ModelsPrefix} {
		t.Run(lost, func(t *testing.T) {
			t.Parallel()
			s, clock := newSimStore(), newSimClock()
			s.after = func(_, k string) error {
				if strings.HasPrefix(k, lost) {
					return errSim
				}
				return nil
			}
			a := simWorker(t, s, clock)
			batch := []events.Message{simMessage(t, 0, 1, simGood), simMessage(t, 1, 1, simGood)}
			a.Handle(t.Context(), batch)
			s.after = nil
			for _, err := range a.Handle(t.Context(), batch) {
				if err != nil {
					t.Error(err)
				}
			}
			simCheckStates(t, s.Bucket, clock.Now(), status.Decided, status.Decided)
		})
	}
}
