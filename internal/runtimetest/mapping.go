package runtimetest

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	lambdaevents "github.com/aws/aws-lambda-go/events"
)

// Mapping is an event source mapping: it gives a queue's messages to a
// function and deletes those that the function has dealt with. The others come
// again when their visibility timeout is over.
type Mapping struct {
	Client   *sqs.Client
	Queue    string // URL
	Function *Function
	Batch    int // messages of one invocation, 10
	Pollers  int // invocations at the same time, 1
}

// Run works until ctx is done and every invocation in hand has ended.
func (m *Mapping) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for range max(m.Pollers, 1) {
		wg.Go(func() {
			for ctx.Err() == nil {
				m.once(ctx)
			}
		})
	}
	wg.Wait()
}

func (m *Mapping) once(ctx context.Context) {
	out, err := m.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &m.Queue, MaxNumberOfMessages: int32(m.batch()), WaitTimeSeconds: 1,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil || len(out.Messages) == 0 {
		return
	}
	work := context.WithoutCancel(ctx)
	payload, err := json.Marshal(Event(m.Queue, out.Messages))
	if err != nil {
		return
	}
	m.settle(work, out.Messages, m.Function.Invoke(work, payload))
}

func (m *Mapping) batch() int {
	if m.Batch == 0 {
		return 10
	}
	return m.Batch
}

// settle deletes what the answer does not name. An answer that is an error,
// that cannot be read, or that names an unknown message or none is total
// failure: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func (m *Mapping) settle(ctx context.Context, batch []types.Message, a Answer) {
	if a.Outcome != OK {
		return
	}
	failed, ok := Failures(a.Payload, batch)
	if !ok {
		return
	}
	in := &sqs.DeleteMessageBatchInput{QueueUrl: &m.Queue}
	for i := range batch {
		if !failed[*batch[i].MessageId] {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: batch[i].ReceiptHandle,
			})
		}
	}
	if len(in.Entries) > 0 {
		_, _ = m.Client.DeleteMessageBatch(ctx, in) // a lost delete comes again
	}
}

// Failures reads a partial batch response as Lambda does; false is total
// failure of the batch.
func Failures(payload []byte, batch []types.Message) (map[string]bool, bool) {
	known := map[string]bool{}
	for i := range batch {
		known[*batch[i].MessageId] = true
	}
	var response struct {
		Failures []map[string]any `json:"batchItemFailures"`
	}
	failed := map[string]bool{}
	if strings.TrimSpace(string(payload)) == "" || string(payload) == "null" {
		return failed, true
	}
	if err := json.Unmarshal(payload, &response); err != nil {
		return nil, false
	}
	for _, f := range response.Failures {
		id, ok := f["itemIdentifier"].(string)
		if !ok || !known[id] {
			return nil, false
		}
		failed[id] = true
	}
	return failed, true
}

// Event is what Lambda sends for messages of a queue.
func Event(queue string, batch []types.Message) lambdaevents.SQSEvent {
	var event lambdaevents.SQSEvent
	name := queue[strings.LastIndexByte(queue, '/')+1:]
	for i := range batch {
		event.Records = append(event.Records, lambdaevents.SQSMessage{
			MessageId: aws.ToString(batch[i].MessageId), ReceiptHandle: aws.ToString(batch[i].ReceiptHandle),
			Body: aws.ToString(batch[i].Body), Md5OfBody: aws.ToString(batch[i].MD5OfBody), Attributes: batch[i].Attributes,
			EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:" + name, EventSource: "aws:sqs", AWSRegion: "us-east-1",
		})
	}
	return event
}

// Drain waits until the queue is empty, messages in flight included, and
// reports whether it came to that within the limit.
func Drain(ctx context.Context, client *sqs.Client, queue string, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
		})
		if err == nil && out.Attributes["ApproximateNumberOfMessages"] == "0" &&
			out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0" {
			return true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
}
