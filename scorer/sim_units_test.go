package scorer

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

// failure 21
func TestSimPoisonMessages(t *testing.T) {
	t.Parallel()
	id := simAppID(0)
	message := func(text string) string { return strings.ReplaceAll(text, "ID", id) }
	tests := map[string]struct {
		body string
		code string // of the rejection; "" when the message names no application
	}{
		"empty":        {body: ""},
		"not json":     {body: "{"},
		"two values":   {body: message(`{"id":"ID"} {}`), code: "bad_message"},
		"no id":        {body: `{"v":1,"kind":"application","submitted_at":"2026-03-01T11:00:00Z","application":{}}`},
		"foreign id":   {body: `{"v":1,"kind":"application","id":"../../x","submitted_at":"2026-03-01T11:00:00Z","application":{}}`},
		"other kind":   {body: message(`{"v":1,"kind":"chunk","id":"ID"}`), code: "bad_message"},
		"no document":  {body: message(`{"v":1,"kind":"application","id":"ID","submitted_at":"2026-03-01T11:00:00Z"}`), code: "bad_message"},
		"wrong schema": {body: message(`{"v":1,"kind":"application","id":"ID","submitted_at":"2026-03-01T11:00:00Z","application":{"LoanAmount":1}}`), code: "missing_value"},
		"not an object": {
			body: message(`{"v":1,"kind":"application","id":"ID","submitted_at":"2026-03-01T11:00:00Z","application":[]}`), code: "invalid",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, clock := newSimStore(), newSimClock()
			batch := []events.Message{{ID: "m", Body: []byte(tt.body), Receives: 1}, simMessage(t, 1, 1, simGood)}
			errs := simWorker(t, s, clock).Handle(t.Context(), batch)
			if diff := cmp.Diff([]bool{true, true}, simOutcomes(errs)); diff != "" {
				t.Errorf("consumed: %s", diff)
			}
			if tt.code == "" {
				if !events.IsPermanent(errs[0]) {
					t.Errorf("error %v is not permanent", errs[0])
				}
				simCheckStates(t, s.Bucket, clock.Now(), status.Queued, status.Decided)
				return
			}
			simCheckStates(t, s.Bucket, clock.Now(), status.Rejected, status.Decided)
			_, doc := simState(t, s.Bucket, 0, clock.Now())
			if doc.Error == nil || doc.Error.Code != tt.code {
				t.Errorf("rejected for %+v, want code %s", doc.Error, tt.code)
			}
		})
	}
}

// failure 18, 22: what breaks the scorer is not the application's fault, and
// comes again; the last time its document says so.
func TestSimPanicOnOneApplication(t *testing.T) {
	t.Parallel()
	s, clock := newSimStore(), newSimClock()
	a := simWorker(t, s, clock)
	broken := *a.o.Scorer
	broken.features = make([]feature, maxFeatures+1) // New refuses this: scoring runs out of its buffer
	sound := a.o.Scorer
	a.o.Scorer = &broken
	bad := strings.Replace(simGood, `"Urban"`, `7`, 1) // refused before it is scored
	errs := a.Handle(t.Context(), []events.Message{simMessage(t, 0, 1, simGood), simMessage(t, 1, 1, bad)})
	if diff := cmp.Diff([]bool{false, true}, simOutcomes(errs)); diff != "" || events.IsPermanent(errs[0]) {
		t.Errorf("consumed: %s, %v", diff, errs)
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Queued, status.Rejected)
	if errs := a.Handle(t.Context(), []events.Message{simMessage(t, 0, 5, simGood)}); errs[0] == nil {
		t.Error("acknowledged")
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Failed, status.Rejected)
	a.o.Scorer = sound
	a.Handle(t.Context(), []events.Message{simMessage(t, 0, 1, simGood)})
	simCheckStates(t, s.Bucket, clock.Now(), status.Decided, status.Rejected)
}

// failure 57, 58: a message too new for this worker is left to a newer one.
func TestSimNewerMessage(t *testing.T) {
	t.Parallel()
	s, clock := newSimStore(), newSimClock()
	m := simMessage(t, 0, 1, simGood)
	m.Body = []byte(strings.Replace(string(m.Body), `"v":1`, `"v":9`, 1))
	errs := simWorker(t, s, clock).Handle(t.Context(), []events.Message{m})
	if !errors.Is(errs[0], events.ErrNewer) || events.IsPermanent(errs[0]) {
		t.Errorf("error %v", errs[0])
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Queued)
}

// failure 19: nothing is claimed with a model that is not kept.
func TestSimModelCannotBeKept(t *testing.T) {
	t.Parallel()
	s, clock := newSimStore(), newSimClock()
	s.before = func(_, key string) error {
		if strings.HasPrefix(key, status.ModelsPrefix) {
			return errSim
		}
		return nil
	}
	a := simWorker(t, s, clock)
	batch := []events.Message{simMessage(t, 0, 1, simGood), simMessage(t, 1, 1, simGood)}
	for _, err := range a.Handle(t.Context(), batch) {
		if !errors.Is(err, errSim) || events.IsPermanent(err) {
			t.Errorf("error %v", err)
		}
	}
	if n := s.tried(status.ApplicationsPrefix); n != 0 {
		t.Errorf("%d documents written", n)
	}
	s.before = nil
	a.Handle(t.Context(), batch)
	simCheckStates(t, s.Bucket, clock.Now(), status.Decided, status.Decided)
}

// Whatever goes wrong with the last delivery, the application reads as failed
// in the end, not as scoring for ever, and a redrive decides it.
//
// failure 27
func TestSimLastDelivery(t *testing.T) {
	t.Parallel()
	once := func(broken func(op, key string) bool) func(op, key string) error {
		return func(op, key string) error {
			if broken(op, key) {
				return errSim
			}
			return nil
		}
	}
	n := 0
	tests := map[string]func(t *testing.T, s *simStore, clock *simClock){
		"commit fails": func(_ *testing.T, s *simStore, _ *simClock) {
			s.before = once(func(_, key string) bool { return isResult(key) })
		},
		"tombstoned": func(_ *testing.T, s *simStore, _ *simClock) {
			s.before = once(func(op, key string) bool {
				if isResult(key) && op == "create" {
					n++
				}
				return isResult(key) && op == "create" && n == 1
			})
		},
		"no look at the claim of the delivery before": func(t *testing.T, s *simStore, clock *simClock) {
			t.Helper()
			simHold(t, s, clock)
			clock.pass(20 * time.Second)
			s.before = once(func(op, key string) bool { return isResult(key) && op == "head" })
		},
		"held by a worker that is dead": func(t *testing.T, s *simStore, clock *simClock) {
			t.Helper()
			simHold(t, s, clock)
			clock.pass(5 * time.Second)
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, clock := newSimStore(), newSimClock()
			prepare(t, s, clock)
			if errs := simWorker(t, s, clock).Handle(t.Context(), []events.Message{simMessage(t, 0, 5, simGood)}); errs[0] == nil {
				t.Error("acknowledged")
			}
			s.before = nil
			simCheckStates(t, s.Bucket, clock.Now(), status.Retrying)
			clock.pass(time.Minute)
			simCheckStates(t, s.Bucket, clock.Now(), status.Failed)
			if errs := simWorker(t, s, clock).Handle(t.Context(), []events.Message{simMessage(t, 0, 1, simGood)}); errs[0] != nil {
				t.Error(errs[0])
			}
			simCheckStates(t, s.Bucket, clock.Now(), status.Decided)
		})
	}
}

// failure 5, 27: an application whose worker dies on the last delivery reads
// as failed when the lease is over, and a redrive decides it.
func TestSimFailingIsTakenOver(t *testing.T) {
	t.Parallel()
	s, clock := newSimStore(), newSimClock()
	dead := false
	s.before = func(string, string) error {
		if dead {
			return sim.ErrDead
		}
		return nil
	}
	s.after = func(_, key string) error {
		dead = dead || isDocument(key)
		return nil
	}
	batch := []events.Message{simMessage(t, 0, 5, simGood)}
	if errs := simWorker(t, s, clock).Handle(t.Context(), batch); errs[0] == nil {
		t.Error("acknowledged by a dead worker")
	}
	s.before, s.after = nil, nil
	simCheckStates(t, s.Bucket, clock.Now(), status.Retrying)
	redriven := []events.Message{simMessage(t, 0, 1, simGood)}
	clock.pass(14 * time.Second)
	if errs := simWorker(t, s, clock).Handle(t.Context(), redriven); !errors.Is(errs[0], errHeld) {
		t.Errorf("error %v, want the lease", errs[0])
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Retrying)
	clock.pass(2*time.Second + status.CommitGrace)
	simCheckStates(t, s.Bucket, clock.Now(), status.Failed)
	if errs := simWorker(t, s, clock).Handle(t.Context(), redriven); errs[0] != nil {
		t.Error(errs[0])
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Decided)
}

// simHold makes another worker's claim of application 0 that never commits.
func simHold(t *testing.T, s *simStore, clock *simClock) {
	t.Helper()
	s.before = func(_, key string) error {
		if isResult(key) {
			return errSim
		}
		return nil
	}
	simWorker(t, s, clock).Handle(t.Context(), []events.Message{simMessage(t, 0, 1, simGood)})
	s.before = nil
	simCheckStates(t, s.Bucket, clock.Now(), status.Scoring)
}

// failure 3: only the application that another worker holds waits.
func TestSimHeldClaim(t *testing.T) {
	t.Parallel()
	s, clock := newSimStore(), newSimClock()
	simHold(t, s, clock)
	clock.pass(5 * time.Second)
	batch := []events.Message{simMessage(t, 0, 2, simGood), simMessage(t, 1, 1, simGood), simMessage(t, 2, 1, `{}`)}
	errs := simWorker(t, s, clock).Handle(t.Context(), batch)
	if diff := cmp.Diff([]bool{false, true, true}, simOutcomes(errs)); diff != "" {
		t.Errorf("consumed: %s", diff)
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Scoring, status.Decided, status.Rejected)
	clock.pass(11 * time.Second)
	if errs := simWorker(t, s, clock).Handle(t.Context(), batch[:1]); errs[0] != nil {
		t.Error(errs[0])
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Decided, status.Decided, status.Rejected)
}

// failure 9: a claim of unknown outcome gives the attempt up, which frees its
// other claims at once.
func TestSimUnknownClaimGivesUp(t *testing.T) {
	t.Parallel()
	s, clock := newSimStore(), newSimClock()
	key := status.ApplicationKey(simAppID(0))
	s.before = func(op, k string) error {
		if op == "create" && k == key {
			return errSim // and it may still be applied
		}
		return nil
	}
	batch := []events.Message{simMessage(t, 0, 1, simGood), simMessage(t, 1, 1, simGood)}
	errs := simWorker(t, s, clock).Handle(t.Context(), batch)
	if diff := cmp.Diff([]bool{false, false}, simOutcomes(errs)); diff != "" {
		t.Errorf("consumed: %s", diff)
	}
	if !errors.Is(errs[1], errAborted) {
		t.Errorf("error %v", errs[1])
	}
	s.before = nil
	if errs := simWorker(t, s, clock).Handle(t.Context(), batch[1:]); errs[0] != nil {
		t.Errorf("not free at once: %v", errs[0])
	}
	simCheckStates(t, s.Bucket, clock.Now(), status.Queued, status.Decided)
}

// A document that cannot be read holds up its own application alone.
func TestSimUnreadableDocument(t *testing.T) {
	t.Parallel()
	s, clock := newSimStore(), newSimClock()
	if _, err := s.Bucket.Put(t.Context(), status.ApplicationKey(simAppID(0)), []byte("{"), store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	errs := simWorker(t, s, clock).Handle(t.Context(), []events.Message{simMessage(t, 0, 1, simGood), simMessage(t, 1, 1, simGood)})
	if diff := cmp.Diff([]bool{false, true}, simOutcomes(errs)); diff != "" {
		t.Errorf("consumed: %s", diff)
	}
	if n := simAllRows(t, s.Bucket)[simAppID(1)]; n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
}

// simSQS gives out one batch and notes what becomes of it.
type simSQS struct {
	mu      sync.Mutex
	batch   []types.Message
	deleted []string
	waits   map[string]int32 // visibility by receipt handle
}

func (q *simSQS) ReceiveMessage(ctx context.Context, _ *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	q.mu.Lock()
	batch := q.batch
	q.batch = nil
	q.mu.Unlock()
	if batch == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &sqs.ReceiveMessageOutput{Messages: batch}, nil
}

func (q *simSQS) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range in.Entries {
		q.deleted = append(q.deleted, *e.ReceiptHandle)
	}
	return &sqs.DeleteMessageBatchOutput{}, nil
}

func (q *simSQS) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput,
	_ ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range in.Entries {
		q.waits[*e.ReceiptHandle] = e.VisibilityTimeout
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// failure 3: the message of a held claim comes again when the lease ends, the
// others of its batch are acknowledged.
func TestSimHeldClaimComesAgainAfterLease(t *testing.T) {
	t.Parallel()
	model.Default()
	synctest.Test(t, func(t *testing.T) {
		s, clock := newSimStore(), newSimClock()
		simHold(t, s, clock)
		clock.pass(5 * time.Second)
		q := &simSQS{waits: map[string]int32{}}
		for n := range 2 {
			m := simMessage(t, n, 1, simGood)
			id, body := strconv.Itoa(n), string(m.Body)
			q.batch = append(q.batch, types.Message{MessageId: &id, ReceiptHandle: &id, Body: &body})
		}
		p, err := events.NewPoller(q, simWorker(t, s, clock), events.PollerOptions{Queue: "url", Logger: simLogger()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { p.Run(ctx) })
		synctest.Wait()
		cancel()
		wg.Wait()
		if diff := cmp.Diff(map[string]int32{"0": 10}, q.waits); diff != "" {
			t.Errorf("visibility: %s", diff)
		}
		if diff := cmp.Diff([]string{"1"}, q.deleted); diff != "" {
			t.Errorf("acknowledged: %s", diff)
		}
	})
}
