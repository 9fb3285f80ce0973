package sqs

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
)

const (
	workARN = "arn:aws:sqs:us-east-1:000000000000:work"
	deadARN = "arn:aws:sqs:us-east-1:000000000000:work-dlq"
)

// withDeadLetter is a queue of 1 s visibility whose messages move to work-dlq
// at the receive after so many.
func withDeadLetter(t *testing.T, opts Options, receives int) (f *fixture, dead *string) {
	t.Helper()
	f = newFixture(t, opts, map[string]string{"VisibilityTimeout": "1"})
	dead = f.queue("work-dlq", map[string]string{"MessageRetentionPeriod": "1209600"})
	_, err := f.SetQueueAttributes(f.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: f.url, Attributes: map[string]string{"RedrivePolicy": redriveTo("work-dlq", receives)},
	})
	f.must(err)
	return f, dead
}

// fail receives every message of the queue until it has moved away.
func (f *fixture) fail(receives int) {
	f.Helper()
	for range receives {
		if len(f.receive()) == 0 {
			f.Fatal("nothing to receive")
		}
		<-time.After(time.Second)
	}
	if got := f.receive(); len(got) != 0 {
		f.Fatalf("received %v after %d receives", bodies(got), receives)
	}
}

func TestRedriveAfterMaxReceives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, dead := withDeadLetter(t, testOptions(t), 3)
		sent := time.Now()
		f.send("poison")
		first := f.one()
		<-time.After(time.Second)
		f.fail(2)
		m := f.one(from(dead), waiting(20))
		want := map[string]string{
			"SenderId": "000000000000", "SentTimestamp": strconv.FormatInt(sent.UnixMilli(), 10),
			"ApproximateFirstReceiveTimestamp": strconv.FormatInt(sent.UnixMilli(), 10), "ApproximateReceiveCount": "4",
			"DeadLetterQueueSourceArn": workARN,
		}
		if diff := cmp.Diff(want, m.Attributes); diff != "" {
			t.Errorf("attributes in the dead-letter queue (-want +got):\n%s", diff)
		}
		if *m.MessageId != *first.MessageId {
			t.Errorf("id changed from %s to %s", *first.MessageId, *m.MessageId)
		}
		if *m.MessageId == "" || f.attribute(f.url, "ApproximateNumberOfMessages") != "0" {
			t.Error("the message is in both queues")
		}
	})
}

// A long poll on the dead-letter queue wakes when a message moves there, and a
// receive goes on behind messages that move.
func TestRedriveWakesAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, dead := withDeadLetter(t, testOptions(t), 1)
		for i := range 25 {
			f.send(fmt.Sprint("poison ", i))
		}
		for range 3 {
			f.receive()
		}
		<-time.After(time.Second)
		f.send("good")
		time.AfterFunc(time.Second, func() {
			if diff := cmp.Diff([]string{"good"}, bodies(f.receive())); diff != "" {
				t.Errorf("receive behind 25 failures (-want +got):\n%s", diff)
			}
		})
		var got int
		if took := elapsed(func() { got = len(f.receive(from(dead), waiting(20))) }); took != time.Second || got != 10 {
			t.Errorf("the dead-letter queue gave %d messages after %v, want 10 after 1s", got, took)
		}
		if n := f.attribute(dead, "ApproximateNumberOfMessages"); n != "15" {
			t.Errorf("%s more in the dead-letter queue, want 15", n)
		}
	})
}

// failure 27
func TestMoveTask(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		to, rate string
		messages int
		took     time.Duration
	}{
		"back to the source":          {messages: 30, took: 0},
		"to another queue":            {to: "other", messages: 30, took: 0},
		"10 a second":                 {rate: "10", messages: 30, took: 2900 * time.Millisecond},
		"500 a second in steps of 50": {rate: "500", messages: 100, took: 100 * time.Millisecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, dead := withDeadLetter(t, testOptions(t), 1)
				url := f.url
				in := &sqs.StartMessageMoveTaskInput{SourceArn: new(deadARN)}
				if test.to != "" {
					url = f.queue(test.to, nil)
					in.DestinationArn = new("arn:aws:sqs:us-east-1:000000000000:" + test.to)
				}
				if test.rate != "" {
					var n int32
					_, _ = fmt.Sscan(test.rate, &n)
					in.MaxNumberOfMessagesPerSecond = &n
				}
				for i := range test.messages {
					f.send(strconv.Itoa(i))
				}
				for len(f.receive()) > 0 {
				}
				<-time.After(time.Second)
				f.receive()
				if n := f.attribute(dead, "ApproximateNumberOfMessages"); n != strconv.Itoa(test.messages) {
					t.Fatalf("%s messages failed, want %d", n, test.messages)
				}
				<-time.After(time.Minute)
				start := time.Now()
				out, err := f.StartMessageMoveTask(t.Context(), in)
				f.must(err)
				if *out.TaskHandle == "" {
					t.Error("no task handle")
				}
				var last time.Time
				seen := map[string]bool{}
				for len(seen) < test.messages {
					got := f.receive(from(url), waiting(20))
					if len(got) == 0 {
						t.Fatalf("only %d of %d messages came back", len(seen), test.messages)
					}
					last = time.Now()
					for _, m := range got {
						seen[*m.Body] = true
						if m.Attributes["ApproximateReceiveCount"] != "1" || m.Attributes["DeadLetterQueueSourceArn"] != "" {
							t.Errorf("a moved message is not a new one: %v", m.Attributes)
						}
						_, err := f.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle})
						f.must(err)
					}
				}
				if took := last.Sub(start); took != test.took {
					t.Errorf("took %v, want %v", took, test.took)
				}
				if n := f.attribute(dead, "ApproximateNumberOfMessages"); n != "0" {
					t.Errorf("%s messages are left behind", n)
				}
			})
		})
	}
}

func TestMoveTaskRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, dead := withDeadLetter(t, testOptions(t), 1)
		tests := map[string]struct {
			in   *sqs.StartMessageMoveTaskInput
			want string
		}{
			"no such source":          {&sqs.StartMessageMoveTaskInput{SourceArn: new(deadARN + "x")}, "ResourceNotFoundException"},
			"no such destination":     {&sqs.StartMessageMoveTaskInput{SourceArn: new(deadARN), DestinationArn: new("x")}, "ResourceNotFoundException"},
			"not a dead-letter queue": {&sqs.StartMessageMoveTaskInput{SourceArn: new(workARN)}, "InvalidParameterValue"},
			"onto itself":             {&sqs.StartMessageMoveTaskInput{SourceArn: new(deadARN), DestinationArn: new(deadARN)}, "InvalidParameterValue"},
			"too fast":                {&sqs.StartMessageMoveTaskInput{SourceArn: new(deadARN), MaxNumberOfMessagesPerSecond: new(int32(501))}, "InvalidParameterValue"},
		}
		for name, test := range tests {
			if _, err := f.StartMessageMoveTask(t.Context(), test.in); code(err) != test.want {
				t.Errorf("%s: %q, want %s", name, code(err), test.want)
			}
		}
		f.send("a", "b", "c")
		f.fail(1)
		if n := f.attribute(dead, "ApproximateNumberOfMessages"); n != "3" {
			t.Fatalf("%s messages failed, want 3", n)
		}
		slow := &sqs.StartMessageMoveTaskInput{SourceArn: new(deadARN), MaxNumberOfMessagesPerSecond: new(int32(1))}
		_, err := f.StartMessageMoveTask(t.Context(), slow)
		f.must(err)
		if _, err := f.StartMessageMoveTask(t.Context(), slow); code(err) != "AWS.SimpleQueueService.UnsupportedOperation" {
			t.Errorf("a second task at once: %q", code(err))
		}
		<-time.After(10 * time.Second)
		if _, err := f.StartMessageMoveTask(t.Context(), slow); err != nil {
			t.Errorf("a second task after the first: %v", err)
		}
	})
}

// A message that was sent to the dead-letter queue itself has nowhere to go.
func TestMoveTaskWithoutSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var lines bytes.Buffer
		opts := testOptions(t)
		opts.Logger = logLines(&lines)
		f, dead := withDeadLetter(t, opts, 1)
		_, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: dead, MessageBody: new("stray")})
		f.must(err)
		_, err = f.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: new(deadARN)})
		f.must(err)
		synctest.Wait()
		if n := f.attribute(dead, "ApproximateNumberOfMessages"); n != "1" {
			t.Errorf("%s messages in the dead-letter queue, want 1", n)
		}
		if !strings.Contains(lines.String(), "message move task failed") {
			t.Errorf("the log does not tell: %s", lines.String())
		}
	})
}

// A task goes on after a restart.
func TestMoveTaskSurvives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opts := testOptions(t)
		f, dead := withDeadLetter(t, opts, 1)
		f.send("a", "b", "c", "d")
		f.fail(1)
		_, err := f.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{SourceArn: new(deadARN), MaxNumberOfMessagesPerSecond: new(int32(1))})
		f.must(err)
		<-time.After(1500 * time.Millisecond)
		if n := f.attribute(dead, "ApproximateNumberOfMessages"); n != "2" {
			t.Fatalf("%s messages left after 1.5 s, want 2", n)
		}
		f.must(f.service.Close())
		again := open(t, opts)
		f = &fixture{TB: t, Client: directClient(again), service: again, url: f.url}
		<-time.After(5 * time.Second)
		if n := f.attribute(dead, "ApproximateNumberOfMessages"); n != "0" {
			t.Errorf("%s messages left after the restart, want 0", n)
		}
		if n := f.attribute(f.url, "ApproximateNumberOfMessages"); n != "4" {
			t.Errorf("%s messages are back, want 4", n)
		}
	})
}

func TestRedriveAllowPolicy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), nil)
		for name, test := range map[string]struct{ policy, want string }{
			"all":     {`{"redrivePermission":"allowAll"}`, ""},
			"none":    {`{"redrivePermission":"denyAll"}`, "InvalidParameterValue"},
			"this":    {`{"redrivePermission":"byQueue","sourceQueueArns":["` + workARN + `"]}`, ""},
			"another": {`{"redrivePermission":"byQueue","sourceQueueArns":["` + workARN + `2"]}`, "InvalidParameterValue"},
		} {
			f.queue("dead-"+name, map[string]string{"RedriveAllowPolicy": test.policy})
			_, err := f.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
				QueueUrl: f.url, Attributes: map[string]string{"RedrivePolicy": redriveTo("dead-"+name, 5)},
			})
			if code(err) != test.want {
				t.Errorf("%s: %q, want %q", name, code(err), test.want)
			}
		}
	})
}
