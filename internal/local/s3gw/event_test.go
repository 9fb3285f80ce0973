package s3gw

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// recorder is an OnCreated hook that keeps events and fails while fault is set.
type recorder struct {
	mu     sync.Mutex
	events []Event
	fault  error
}

func (r *recorder) hook(_ context.Context, e Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	return r.fault
}

func (r *recorder) set(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = err
}

func TestEvents(t *testing.T) {
	t.Parallel()
	var r recorder
	_, c := start(t, Options{OnCreated: r.hook})
	mustPut(t, c, "uploads/a b.csv", "hello")
	_, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("copy"), CopySource: aws.String(bucket + "/uploads/a%20b.csv"),
	})
	if err != nil {
		t.Fatal(err)
	}
	up := newUpload(t, c, "big")
	up.part(1, "tail")
	if err := up.complete(); err != nil {
		t.Fatal(err)
	}
	want := []Event{
		{Name: EventPut, Bucket: bucket, Key: "uploads/a b.csv", Size: 5, ETag: "5d41402abc4b2a76b9719d911017c592"},
		{Name: EventCopy, Bucket: bucket, Key: "copy", Size: 5, ETag: "5d41402abc4b2a76b9719d911017c592"},
		{Name: EventComplete, Bucket: bucket, Key: "big", Size: 4, ETag: "1b5e0fb38c4c34b4e4a9c53ae0a7c2c5-1"},
	}
	if diff := cmp.Diff(want, r.events, cmpopts.IgnoreFields(Event{}, "Time", "ETag", "Sequencer")); diff != "" {
		t.Error(diff)
	}
	if r.events[0].ETag != want[0].ETag || r.events[0].Time.IsZero() {
		t.Errorf("ETag %q, time %v", r.events[0].ETag, r.events[0].Time)
	}
}

// A hook that fails costs the client its answer, not the object; the client that asks again
// gets the event out.
func TestFailingHook(t *testing.T) {
	t.Parallel()
	var r recorder
	_, c := start(t, Options{OnCreated: r.hook})
	up := newUpload(t, c, "multipart")
	up.part(1, "x")
	r.set(errors.New("queue full"))
	_, err := put(t.Context(), c, "k", "x")
	if status(err) != 503 {
		t.Errorf("put: %v, want 503", err)
	}
	if err := up.complete(); status(err) != 503 {
		t.Errorf("complete: %v, want 503", err)
	}
	_, err = c.CopyObject(t.Context(), &s3.CopyObjectInput{
		Bucket: aws.String(bucket), Key: aws.String("copy"), CopySource: aws.String(bucket + "/k"),
	})
	if status(err) != 503 {
		t.Errorf("copy: %v, want 503", err)
	}
	first := slices.Clone(r.events)
	r.set(nil)
	r.events = nil
	mustPut(t, c, "k", "x")
	if err := up.complete(); err != nil {
		t.Errorf("complete again: %v", err)
	}
	if len(r.events) != 2 || r.events[1].Name != EventComplete {
		t.Errorf("events of the second try: %v", r.events)
	}
	if r.events[0].Sequencer <= first[0].Sequencer {
		t.Errorf("a later write has sequencer %q, after %q", r.events[0].Sequencer, first[0].Sequencer)
	}
	if r.events[1].Sequencer != first[1].Sequencer {
		t.Errorf("the same completion has sequencers %q and %q", first[1].Sequencer, r.events[1].Sequencer)
	}
}
