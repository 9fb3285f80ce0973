package sqs

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

func TestQueueAttributes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), nil)
		dead := f.queue("work-dlq", nil)
		created := time.Now().Unix()
		<-time.After(time.Hour)
		_, err := f.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: f.url, Attributes: map[string]string{
			"VisibilityTimeout": "90", "RedrivePolicy": redriveTo("work-dlq", 5), "RedriveAllowPolicy": `{"redrivePermission":"denyAll"}`,
		}})
		f.must(err)
		f.send("a", "b", "c")
		_, err = f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: f.url, MessageBody: new("later"), DelaySeconds: 60})
		f.must(err)
		f.one(func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 })
		want := map[string]string{
			"ApproximateNumberOfMessages": "2", "ApproximateNumberOfMessagesNotVisible": "1", "ApproximateNumberOfMessagesDelayed": "1",
			"CreatedTimestamp": strconv.FormatInt(created, 10), "LastModifiedTimestamp": strconv.FormatInt(created+3600, 10),
			"QueueArn": workARN, "VisibilityTimeout": "90", "DelaySeconds": "0", "MaximumMessageSize": "1048576",
			"MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0",
			"RedrivePolicy":      `{"deadLetterTargetArn":"` + deadARN + `","maxReceiveCount":5}`,
			"RedriveAllowPolicy": `{"redrivePermission":"denyAll"}`,
		}
		out, err := f.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: f.url, AttributeNames: []types.QueueAttributeName{"All"}})
		f.must(err)
		if diff := cmp.Diff(want, out.Attributes); diff != "" {
			t.Errorf("all attributes (-want +got):\n%s", diff)
		}
		out, err = f.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: f.url, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
		f.must(err)
		if diff := cmp.Diff(map[string]string{"QueueArn": workARN}, out.Attributes); diff != "" {
			t.Errorf("one attribute (-want +got):\n%s", diff)
		}
		sources, err := f.ListDeadLetterSourceQueues(t.Context(), &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: dead})
		f.must(err)
		if diff := cmp.Diff([]string{*f.url}, sources.QueueUrls); diff != "" {
			t.Errorf("sources (-want +got):\n%s", diff)
		}
		_, err = f.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: f.url, Attributes: map[string]string{"RedrivePolicy": ""}})
		f.must(err)
		if got := f.attribute(f.url, "RedrivePolicy"); got != "" {
			t.Errorf("policy after its removal: %s", got)
		}
	})
}

func TestListQueuesPages(t *testing.T) {
	t.Parallel()
	f := newFixture(t, testOptions(t), nil)
	want := []string{}
	for i := range 7 {
		want = append(want, *f.queue(fmt.Sprintf("list-%d", i), nil))
	}
	var got []string
	pages := sqs.NewListQueuesPaginator(f.Client, &sqs.ListQueuesInput{QueueNamePrefix: new("list-"), MaxResults: new(int32(3))})
	n := 0
	for ; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(t.Context())
		f.must(err)
		got = append(got, page.QueueUrls...)
	}
	if diff := cmp.Diff(want, got); diff != "" || n != 3 {
		t.Errorf("%d pages, want 3 (-want +got):\n%s", n, diff)
	}
}

func TestPurgeQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), nil)
		other := f.queue("other", nil)
		_, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: other, MessageBody: new("stays")})
		f.must(err)
		for i := range 12 {
			f.send(strconv.Itoa(i))
		}
		f.receive() // those in flight go, too
		_, err = f.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: f.url})
		f.must(err)
		if n := rowCount(t, f.service); n != 1 {
			t.Errorf("%d messages are left, want the one of the other queue", n)
		}
		_, err = f.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: f.url})
		if typed := (*types.PurgeQueueInProgress)(nil); !errors.As(err, &typed) {
			t.Errorf("a second purge within 60 s: %v", err)
		}
		<-time.After(time.Minute)
		_, err = f.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: f.url})
		f.must(err)
	})
}

func TestDeleteQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), nil)
		f.send("a")
		time.AfterFunc(time.Second, func() {
			_, err := f.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: f.url})
			f.must(err)
		})
		f.one()
		_, err := f.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: f.url, WaitTimeSeconds: 20})
		if typed := (*types.QueueDoesNotExist)(nil); !errors.As(err, &typed) {
			t.Errorf("a long poll of a queue that is deleted meanwhile: %v", err)
		}
		f.url = f.queue("work", nil)
		if got := f.receive(); len(got) != 0 {
			t.Errorf("the new queue of the old name holds %v", bodies(got))
		}
		<-time.After(time.Minute)
		if n := rowCount(t, f.service); n != 0 {
			t.Errorf("%d messages of the deleted queue are left", n)
		}
	})
}

// The queues, their attributes and messages are there after a restart.
func TestRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opts := testOptions(t)
		f, _ := withDeadLetter(t, opts, 2)
		f.send("a")
		f.one()
		<-time.After(time.Second)
		f.must(f.service.Close())
		if _, err := f.service.Send(t.Context(), "work", "b", nil); !errors.Is(err, ErrClosed) {
			t.Errorf("send after close: %v, want ErrClosed", err)
		}
		s := open(t, opts)
		f = &fixture{TB: t, Client: directClient(s), service: s, url: f.url}
		if got := f.one().Attributes["ApproximateReceiveCount"]; got != "2" {
			t.Errorf("receive count after the restart: %s, want 2", got)
		}
		<-time.After(time.Second)
		if got := f.receive(); len(got) != 0 {
			t.Errorf("received %v a third time", bodies(got))
		}
	})
}

func TestInFlightLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), nil)
		q := f.service.lookup("work")
		fillInFlight(t, f.service, q, maxInFlight-1)
		f.send("a", "b")
		if got := len(f.receive()); got != 1 {
			t.Fatalf("received %d with room for one", got)
		}
		_, err := f.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: f.url})
		if typed := (*types.OverLimit)(nil); !errors.As(err, &typed) {
			t.Errorf("a short poll at the limit: %v, want OverLimit", err)
		}
		if got := f.receive(waiting(5)); len(got) != 0 {
			t.Errorf("a long poll at the limit got %v", bodies(got))
		}
		<-time.After(30 * time.Second)
		if got := len(f.receive()); got != 1 {
			t.Errorf("received %d when there is room again, want 1", got)
		}
	})
}
