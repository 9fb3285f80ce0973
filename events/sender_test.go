package events

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// fakeSendAPI takes messages as SQS does, failing what fail says.
type fakeSendAPI struct {
	t      *testing.T
	mu     sync.Mutex
	taken  []string
	groups []string
	calls  [][]string                         // bodies of each batch call
	fail   func(call int, body string) string // error code of an entry, or ""
	broken func(call int) error               // error of a whole call
}

func (q *fakeSendAPI) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if q.broken != nil {
		if err := q.broken(len(q.calls)); err != nil {
			return nil, err
		}
	}
	q.taken = append(q.taken, *in.MessageBody)
	q.groups = append(q.groups, aws.ToString(in.MessageGroupId))
	return &sqs.SendMessageOutput{}, nil
}

func (q *fakeSendAPI) SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	call, size := len(q.calls), 0
	var bodies []string
	ids := map[string]bool{}
	out := &sqs.SendMessageBatchOutput{}
	for i := range in.Entries {
		e := &in.Entries[i]
		bodies = append(bodies, *e.MessageBody)
		size += len(*e.MessageBody)
		if ids[*e.Id] {
			q.t.Errorf("id %q twice in one call", *e.Id)
		}
		ids[*e.Id] = true
		code := ""
		if q.fail != nil {
			code = q.fail(call, *e.MessageBody)
		}
		if code != "" {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: &code})
			continue
		}
		q.taken = append(q.taken, *e.MessageBody)
		q.groups = append(q.groups, aws.ToString(e.MessageGroupId))
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
	}
	q.calls = append(q.calls, bodies)
	if len(bodies) == 0 || len(bodies) > MaxBatch || size > MaxBytes {
		q.t.Errorf("call of %d messages, %d bytes", len(bodies), size)
	}
	if q.broken != nil {
		if err := q.broken(call); err != nil {
			return nil, err // taken, but the answer is lost
		}
	}
	return out, nil
}

func numbered(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = "m" + strconv.Itoa(i)
	}
	return bodies
}

// Whatever fails, every message without an error was taken, only what failed
// is sent again, and what was taken is taken once. // failure 23
func TestSendAllResendsOnlyWhatFailed(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rng := rand.New(rand.NewPCG(seed, 23))
				rate := []float64{0, 0.1, 0.5, 0.9, 1}[seed%5]
				q := &fakeSendAPI{t: t, fail: func(int, string) string {
					if rng.Float64() < rate {
						return "InternalError"
					}
					return ""
				}}
				bodies := numbered(rng.IntN(45))
				errs := NewSender(q, "u").SendAll(t.Context(), bodies, "tenant")
				if errs != nil && len(errs) != len(bodies) {
					t.Fatalf("%d errors for %d messages", len(errs), len(bodies))
				}
				if errs != nil && !slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
					t.Error("errors without an error")
				}
				for i, body := range bodies {
					taken := 0
					for _, b := range q.taken {
						if b == body {
							taken++
						}
					}
					failed := errs != nil && errs[i] != nil
					if (failed && taken != 0) || (!failed && taken != 1) {
						t.Errorf("%s: taken %d times, error %v", body, taken, failed)
					}
				}
				for i, g := range q.groups {
					if g != "tenant" {
						t.Errorf("message %d in group %q", i, g)
					}
				}
			})
		})
	}
}

func TestSendAllGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &fakeSendAPI{t: t, fail: func(_ int, body string) string {
			if body == "m3" {
				return "KMS.ThrottlingException"
			}
			return ""
		}}
		begun := time.Now()
		errs := NewSender(q, "u").SendAll(t.Context(), numbered(12), "")
		if len(q.calls) != 7 || len(q.calls[0]) != 10 || len(q.calls[5]) != 1 || len(q.calls[6]) != 2 {
			t.Errorf("calls: %q", q.calls)
		}
		for i, err := range errs {
			if (err != nil) != (i == 3) {
				t.Errorf("message %d: %v", i, err)
			}
		}
		if errs == nil || !strings.Contains(errs[3].Error(), "KMS.ThrottlingException") {
			t.Errorf("the refusal does not say why: %v", errs)
		}
		if took := time.Since(begun); took <= 0 || took > 10*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}

// A call whose answer is lost may have been taken: it is sent again, so that
// nothing is missing.
func TestSendAllAfterALostAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &fakeSendAPI{t: t, broken: func(call int) error {
			if call < 2 {
				return errBoom
			}
			return nil
		}}
		if errs := NewSender(q, "u").SendAll(t.Context(), numbered(3), ""); errs != nil || len(q.taken) != 9 {
			t.Errorf("%v, taken %q", errs, q.taken)
		}
	})
}

// Entries that the answer does not mention were not confirmed.
func TestSendAllTrustsOnlyConfirmations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := &silentAPI{}
		errs := NewSender(q, "u").SendAll(t.Context(), numbered(2), "")
		if len(errs) != 2 || errs[0] == nil || errs[1] == nil {
			t.Errorf("unconfirmed messages pass as sent: %v", errs)
		}
	})
}

// silentAPI answers 200 with ids that nobody asked about.
type silentAPI struct{ SendAPI }

func (silentAPI) SendMessageBatch(context.Context, *sqs.SendMessageBatchInput, ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	return &sqs.SendMessageBatchOutput{
		Successful: []types.SendMessageBatchResultEntry{{Id: aws.String("7")}, {Id: aws.String("x")}, {Id: aws.String("-1")}, {}},
		Failed:     []types.BatchResultErrorEntry{{Id: aws.String("9")}, {}},
	}, nil
}

// Messages are refused before SQS does, and packed up to its limits. // failure 24
func TestSizeLimits(t *testing.T) {
	t.Parallel()
	body := func(n int) string { return strings.Repeat("x", n) }
	for _, tc := range []struct {
		name  string
		sizes []int
		calls []int // messages in each
		bad   []int // refused
	}{
		{"none", nil, nil, nil},
		{"the largest", []int{MaxBytes}, []int{1}, nil},
		{"one byte more", []int{MaxBytes + 1}, nil, []int{0}},
		{"among others", []int{5, MaxBytes + 1, 5}, []int{1, 1}, []int{1}},
		{"two halves", []int{MaxBytes / 2, MaxBytes / 2}, []int{2}, nil},
		{"halves and a byte", []int{MaxBytes / 2, MaxBytes/2 + 1, 1}, []int{1, 2}, nil},
		{"tens", make([]int, 25), []int{10, 10, 5}, nil},
		{"large and small", []int{1, 1, MaxBytes - 2, 1, MaxBytes}, []int{3, 1, 1}, nil},
	} {
		q := &fakeSendAPI{t: t}
		bodies := make([]string, len(tc.sizes))
		for i, n := range tc.sizes {
			bodies[i] = body(max(n, 1))
		}
		errs := NewSender(q, "u").SendAll(t.Context(), bodies, "")
		var calls, bad []int
		for _, c := range q.calls {
			calls = append(calls, len(c))
		}
		for i, err := range errs {
			if errors.Is(err, ErrTooLarge) {
				bad = append(bad, i)
			} else if err != nil {
				t.Errorf("%s: message %d: %v", tc.name, i, err)
			}
		}
		if !slices.Equal(calls, tc.calls) || !slices.Equal(bad, tc.bad) || len(q.taken) != len(bodies)-len(bad) {
			t.Errorf("%s: calls of %v, refused %v; want %v, %v", tc.name, calls, bad, tc.calls, tc.bad)
		}
	}

	q := &fakeSendAPI{t: t}
	s := NewSender(q, "u")
	if err := s.Send(t.Context(), body(MaxBytes), "g"); err != nil {
		t.Errorf("largest message: %v", err)
	}
	if err := s.Send(t.Context(), body(MaxBytes+1), "g"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
	if len(q.taken) != 1 || q.groups[0] != "g" {
		t.Errorf("%d messages sent in groups %q", len(q.taken), q.groups)
	}
}

func TestSendReportsFaults(t *testing.T) {
	t.Parallel()
	q := &fakeSendAPI{t: t, broken: func(int) error { return errBoom }}
	if err := NewSender(q, "u").Send(t.Context(), "x", ""); !errors.Is(err, errBoom) {
		t.Errorf("error %v does not wrap the client's", err)
	}
}

// Cancelled, every message that is not in the queue has an error, at once.
func TestSendAllCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		q := &fakeSendAPI{t: t}
		q.fail = func(call int, body string) string {
			if call == 1 && body == "m15" {
				cancel()
				return "Throttled"
			}
			return ""
		}
		begun := time.Now()
		errs := NewSender(q, "u").SendAll(ctx, numbered(35), "")
		if took := time.Since(begun); took > 0 {
			t.Errorf("went on for %v", took)
		}
		for i, err := range errs {
			if want := i == 15 || i >= 20; (err != nil) != want {
				t.Errorf("message %d: %v", i, err)
			}
		}
	})
}

// Senders that were refused together do not come back together. // failure 76
func TestBackoffIsJittered(t *testing.T) {
	t.Parallel()
	for n, limit := range map[int]time.Duration{1: 100 * time.Millisecond, 3: 400 * time.Millisecond, 10: 5 * time.Second, 1 << 40: 5 * time.Second} {
		distinct := map[time.Duration]bool{}
		for range 300 {
			d := backoff(n)
			if d <= 0 || d > limit+time.Millisecond {
				t.Fatalf("backoff(%d) = %v, limit %v", n, d, limit)
			}
			distinct[d] = true
		}
		if len(distinct) < 250 {
			t.Errorf("backoff(%d): %d different waits of 300", n, len(distinct))
		}
	}
}

func ExampleSender_SendAll() {
	s := NewSender(printer{}, "http://127.0.0.1:9324/applications")
	body, err := Encode(NewChunk("01J...", 0, 0, 1024))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.SendAll(context.Background(), []string{body}, "") == nil)
	// Output:
	// {"v":1,"kind":"chunk","batch":"01J...","n":0,"start":0,"end":1024,"generation":0}
	// true
}

// printer is a queue that takes everything.
type printer struct{ SendAPI }

func (printer) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	out := &sqs.SendMessageBatchOutput{}
	for i := range in.Entries {
		fmt.Println(*in.Entries[i].MessageBody)
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: in.Entries[i].Id})
	}
	return out, nil
}
