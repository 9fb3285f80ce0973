package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// The event as AWS documents it goes in, and the answer as AWS documents it
// comes out, byte for byte. // failure 20
func TestLambdaFixture(t *testing.T) {
	t.Parallel()
	var event lambdaevents.SQSEvent
	if err := json.Unmarshal(fixture(t, "lambda-sqs.json"), &event); err != nil {
		t.Fatal(err)
	}
	var got []Message
	answer, err := Lambda(HandlerFunc(func(_ context.Context, batch []Message) []error {
		got = batch
		return []error{nil, errBoom, Permanent(errBoom)}
	}), discard())(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	want := []Message{
		{ID: "059f36b4-87a3-44ab-83d2-661975830a7d", Body: []byte("Test message."), Receives: 1, SentAt: time.UnixMilli(1545082649183), Queue: "my-queue"},
		{ID: "2e1424d4-f796-459a-8184-9c92662be6da", Body: []byte("Test message."), Receives: 3, SentAt: time.UnixMilli(1545082650636), Queue: "my-queue"},
		{ID: "c80e8021-a70a-42c7-a470-796e1186f753", Body: []byte(`{"v":1}`), Receives: 1, SentAt: time.UnixMilli(0), Queue: "my-queue"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Message{})); diff != "" {
		t.Errorf("messages: %s", diff)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"batchItemFailures":[{"itemIdentifier":"2e1424d4-f796-459a-8184-9c92662be6da"}]}`; string(text) != want {
		t.Errorf("answer %s, want %s", text, want)
	}
}

// Whatever the handler does, the answer names ids of the event, each once,
// never an empty one, and every message that is neither done nor permanently
// refused. One that cannot be named fails the batch, and so does a batch of
// which nothing could be done. // failure 19, failure 20
func TestLambdaNamesOnlyItsMessages(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(20, 1))
	for round := range 2000 {
		var event lambdaevents.SQSEvent
		var errs []error
		var want []string
		for i := range rng.IntN(12) {
			id := fmt.Sprintf("m%d", i)
			if rng.IntN(16) == 0 {
				id = ""
			}
			err := []error{nil, errBoom, Permanent(errBoom), ErrMessage, RetryAfter(time.Second, errBoom)}[rng.IntN(5)]
			event.Records = append(event.Records, lambdaevents.SQSMessage{MessageId: id})
			errs = append(errs, err)
		}
		broken, unnamed, nothing := rng.IntN(4), false, len(event.Records) > 0
		if broken == 1 {
			errs = errs[:rng.IntN(len(errs)+1)]
		}
		for i := range event.Records {
			id := event.Records[i].MessageId
			failed := broken == 2 || len(errs) != len(event.Records) || (errs[i] != nil && !IsPermanent(errs[i]))
			unnamed = unnamed || (failed && id == "")
			var wait *retryError
			whole := broken == 2 || len(errs) != len(event.Records)
			nothing = nothing && failed && (whole || !errors.As(errs[i], &wait))
			if failed {
				want = append(want, id)
			}
		}
		answer, err := Lambda(HandlerFunc(func(context.Context, []Message) []error {
			if broken == 2 {
				panic("broken")
			}
			return errs
		}), discard())(t.Context(), event)
		if (err != nil) != (unnamed || nothing) {
			t.Fatalf("round %d: %v, message without a name failed: %t, nothing done: %t", round, err, unnamed, nothing)
		}
		if err != nil {
			want = nil
		}
		var got []string
		for _, f := range answer.BatchItemFailures {
			got = append(got, f.ItemIdentifier)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: answer names %q, want %q", round, got, want)
		}
	}
}

// The deadline is the kill: the handler is told two seconds before, and what
// it has done by then is acknowledged. // failure 14
func TestLambdaStopsBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		begun := time.Now()
		answer, err := Lambda(HandlerFunc(func(ctx context.Context, batch []Message) []error {
			<-ctx.Done()
			return []error{nil, ctx.Err()}
		}), discard())(ctx, sqsEvent("a", "b"))
		if took := time.Since(begun); took != 28*time.Second || err != nil {
			t.Errorf("ended after %v with %v; want 28 s", took, err)
		}
		if diff := cmp.Diff([]lambdaevents.SQSBatchItemFailure{{ItemIdentifier: "b"}}, answer.BatchItemFailures); diff != "" {
			t.Error(diff)
		}
	})
}

// A handler that does not stop is left behind before the kill, and nothing of
// its batch is acknowledged. // failure 14
func TestLambdaLeavesAStuckHandlerBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		free := make(chan struct{})
		defer close(free)
		begun := time.Now()
		_, err := Lambda(HandlerFunc(func(_ context.Context, batch []Message) []error {
			<-free
			return make([]error, len(batch))
		}), discard())(ctx, sqsEvent("a", "b"))
		if took := time.Since(begun); took >= 30*time.Second || !errors.Is(err, errStuck) {
			t.Errorf("ended after %v with %v; want errStuck before 30 s", took, err)
		}
	})
}

// A message that makes the handler panic fails alone. // failure 18
func TestLambdaPanicOfOneMessage(t *testing.T) {
	t.Parallel()
	handled := map[string]int{}
	answer, err := Lambda(HandlerFunc(func(_ context.Context, batch []Message) []error {
		for i := range batch {
			if batch[i].ID == "poison" {
				panic("secret")
			}
		}
		for i := range batch {
			handled[batch[i].ID]++
		}
		return make([]error, len(batch))
	}), discard())(t.Context(), sqsEvent("a", "poison", "b"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]lambdaevents.SQSBatchItemFailure{{ItemIdentifier: "poison"}}, answer.BatchItemFailures); diff != "" {
		t.Errorf("failures: %s", diff)
	}
	if diff := cmp.Diff(map[string]int{"a": 1, "b": 1}, handled); diff != "" {
		t.Errorf("handled: %s", diff)
	}
}

func sqsEvent(ids ...string) lambdaevents.SQSEvent {
	var event lambdaevents.SQSEvent
	for _, id := range ids {
		event.Records = append(event.Records, lambdaevents.SQSMessage{MessageId: id})
	}
	return event
}

// A message that is consumed unread leaves a trace. // failure 21
func TestLambdaLogsRefusals(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	event := lambdaevents.SQSEvent{Records: []lambdaevents.SQSMessage{{MessageId: "poison", Body: "secret"}}}
	_, err := Lambda(HandlerFunc(func(_ context.Context, batch []Message) []error {
		_, err := ParseApplication(batch[0].Body)
		return []error{err}
	}), slog.New(slog.NewJSONHandler(&buf, nil)))(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	if log := buf.String(); !bytes.Contains(buf.Bytes(), []byte(`"message_id":"poison"`)) || bytes.Contains(buf.Bytes(), []byte("secret")) {
		t.Errorf("log: %s", log)
	}
}
