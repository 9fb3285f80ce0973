package sqs

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func TestSmoke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testOptions(t), nil)
		f.send("a", "b")
		got := f.receive()
		if len(got) != 2 {
			t.Fatal(got)
		}
		start := time.Now()
		again := f.receive(waiting(20))
		t.Log(time.Since(start), len(again))
		again = f.receive(waiting(20))
		t.Log(time.Since(start), len(again), again)
		_, err := f.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: f.url})
		t.Log(err)
	})
}
