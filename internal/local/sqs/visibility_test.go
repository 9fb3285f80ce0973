package sqs

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
)

// elapsed runs f and returns how long it took on the bubble's clock.
func elapsed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func TestLongPollWakes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		attributes map[string]string
		before     func(f *fixture)
		during     func(f *fixture) // after 5 s
		want       time.Duration
		bodies     []string
	}{
		"when nothing comes": {want: 20 * time.Second},
		"on arrival":         {during: func(f *fixture) { f.send("a") }, want: 5 * time.Second, bodies: []string{"a"}},
		"on expiry of a queue's visibility timeout": {
			attributes: map[string]string{"VisibilityTimeout": "7"},
			before:     func(f *fixture) { f.send("a"); f.one() },
			want:       7 * time.Second, bodies: []string{"a"},
		},
		"on expiry of a receive's own timeout": {
			before: func(f *fixture) { f.send("a"); f.one(hiding(3)) },
			want:   3 * time.Second, bodies: []string{"a"},
		},
		"on the end of a delay": {
			before: func(f *fixture) {
				_, err := f.SendMessage(f.Context(), &sqs.SendMessageInput{QueueUrl: f.url, MessageBody: new("a"), DelaySeconds: 9})
				f.must(err)
			},
			want: 9 * time.Second, bodies: []string{"a"},
		},
		"on the end of the queue's delay": {
			attributes: map[string]string{"DelaySeconds": "4"},
			before:     func(f *fixture) { f.send("a") },
			want:       4 * time.Second, bodies: []string{"a"},
		},
		"on a visibility set to 0": {
			before: func(f *fixture) { f.send("a"); f.later = f.one().ReceiptHandle },
			during: func(f *fixture) { f.must(f.change(f.later, 0)) },
			want:   5 * time.Second, bodies: []string{"a"},
		},
		"on a visibility made shorter": {
			before: func(f *fixture) { f.send("a"); f.later = f.one().ReceiptHandle },
			during: func(f *fixture) { f.must(f.change(f.later, 2)) },
			want:   7 * time.Second, bodies: []string{"a"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, testOptions(t), test.attributes)
				if test.before != nil {
					test.before(f)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					if test.during != nil {
						<-time.After(5 * time.Second)
						test.during(f)
					}
				}()
				var got []string
				took := elapsed(func() { got = bodies(f.receive(waiting(20))) })
				<-done
				if diff := cmp.Diff(test.bodies, got); diff != "" || took != test.want {
					t.Errorf("took %v, want %v; messages (-want +got):\n%s", took, test.want, diff)
				}
			})
		})
	}
}

func TestEndPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), nil)
		time.AfterFunc(time.Second, f.service.EndPolls)
		if took := elapsed(func() { f.receive(waiting(20)) }); took != time.Second {
			t.Errorf("the poll ended after %v, want 1s", took)
		}
		if took := elapsed(func() { f.receive(waiting(20)) }); took != 0 {
			t.Errorf("a poll after EndPolls took %v", took)
		}
	})
}

func TestQueueWaitTimeIsTheDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), map[string]string{"ReceiveMessageWaitTimeSeconds": "6"})
		if took := elapsed(func() { f.receive() }); took != 6*time.Second {
			t.Errorf("waited %v, want 6s", took)
		}
	})
}

// Only the handle of the latest receive acts on a message.
func TestReceiptHandles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), map[string]string{"VisibilityTimeout": "10"})
		f.send("a")
		first := f.one()
		if got := code(f.change(first.ReceiptHandle, 3)); got != "" {
			t.Fatalf("change of a message in flight: %s", got)
		}
		<-time.After(3 * time.Second)
		if got := code(f.change(first.ReceiptHandle, 3)); got != "AWS.SimpleQueueService.MessageNotInflight" && got != "MessageNotInflight" {
			t.Errorf("change after the timeout: %q, want MessageNotInflight", got)
		}
		second := f.one()
		if got := code(f.change(first.ReceiptHandle, 3)); got != "InvalidParameterValue" {
			t.Errorf("change by a stale handle: %q, want InvalidParameterValue", got)
		}
		f.delete(first) // succeeds and does nothing
		if got := f.attribute(f.url, "ApproximateNumberOfMessagesNotVisible"); got != "1" {
			t.Errorf("in flight after a stale delete: %s, want 1", got)
		}
		if got := code(f.change(second.ReceiptHandle, maxTimeout)); got != "" {
			t.Errorf("12 hours at the moment of the receive: %q", got)
		}
		<-time.After(time.Second)
		if got := code(f.change(second.ReceiptHandle, maxTimeout)); got != "InvalidParameterValue" {
			t.Errorf("12 hours and a second after the receive: %q, want InvalidParameterValue", got)
		}
		<-time.After(12 * time.Hour)
		f.delete(second) // the latest handle deletes a message whose timeout has ended, too
		f.delete(second)
		if got := f.receive(); len(got) != 0 {
			t.Errorf("received a deleted message: %v", bodies(got))
		}
		if got := code(f.change(second.ReceiptHandle, 1)); got != "InvalidParameterValue" {
			t.Errorf("change of a deleted message: %q, want InvalidParameterValue", got)
		}
	})
}

func TestVisibilityZeroKeepsTheMessageVisible(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), map[string]string{"VisibilityTimeout": "0"})
		f.send("a")
		for want := range 3 {
			m := f.one()
			if got := m.Attributes["ApproximateReceiveCount"]; got != string(rune('1'+want)) {
				t.Errorf("receive %d has count %s", want+1, got)
			}
		}
	})
}

func TestRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), map[string]string{"MessageRetentionPeriod": "120", "VisibilityTimeout": "0"})
		f.send("old")
		<-time.After(100 * time.Second)
		f.send("young")
		if got := len(f.receive()); got != 2 {
			t.Errorf("%d messages after 100 s, want 2", got)
		}
		<-time.After(20 * time.Second)
		if diff := cmp.Diff([]string{"young"}, bodies(f.receive())); diff != "" {
			t.Errorf("after 120 s (-want +got):\n%s", diff)
		}
		if got := f.attribute(f.url, "ApproximateNumberOfMessages"); got != "1" {
			t.Errorf("count after 120 s: %s, want 1", got)
		}
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if n := rowCount(t, f.service); n != 0 {
			t.Errorf("%d rows are left after the sweep", n)
		}
		f.send("kept")
		_, err := f.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: f.url, Attributes: map[string]string{"MessageRetentionPeriod": "60"}})
		f.must(err)
		<-time.After(61 * time.Second)
		if got := f.receive(); len(got) != 0 {
			t.Errorf("received %v after a shorter retention", bodies(got))
		}
	})
}
