package sqs

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
)

const (
	notExist    = "AWS.SimpleQueueService.NonExistentQueue"
	unsupported = "AWS.SimpleQueueService.UnsupportedOperation"
	badValue    = "InvalidParameterValue"
	absent      = "MissingParameter"
)

// post sends raw JSON to an action, past the SDK's own checks, and returns the
// error code of the answer.
func (f *fixture) post(action, body string) string {
	f.Helper()
	body = strings.ReplaceAll(body, "$URL", *f.url)
	_, err := f.service.actions[action](f.Context(), call{host: "127.0.0.1:9324", body: []byte(body)})
	if err == nil {
		return ""
	}
	return asError(err).kind.query
}

// Every action with requests that must pass and requests that must not, over
// one queue that holds nothing.
func TestActions(t *testing.T) {
	t.Parallel()
	tests := map[string]map[string]string{ // action: request: error code
		"CreateQueue": {
			`{"QueueName":"new"}`:  "",
			`{"QueueName":"work"}`: "",
			`{"QueueName":"work","Attributes":{"VisibilityTimeout":"30"}}`: "",
			`{"QueueName":"work","Attributes":{"VisibilityTimeout":"31"}}`: "QueueAlreadyExists",
			`{}`:                  absent,
			`{"QueueName":"a.b"}`: badValue,
			`{"QueueName":"` + strings.Repeat("a", 81) + `"}`:                               badValue,
			`{"QueueName":"a.fifo"}`:                                                        unsupported,
			`{"QueueName":"a","Attributes":{"FifoQueue":"true"}}`:                           unsupported,
			`{"QueueName":"a","Attributes":{"Policy":"{}"}}`:                                "InvalidAttributeName",
			`{"QueueName":"a","Attributes":{"DelaySeconds":"901"}}`:                         "InvalidAttributeValue",
			`{"QueueName":"a","Attributes":{"DelaySeconds":"x"}}`:                           "InvalidAttributeValue",
			`{"QueueName":"a","Attributes":{"RedrivePolicy":"{}"}}`:                         badValue,
			`{"QueueName":"a","Attributes":{"RedrivePolicy":"nonsense"}}`:                   badValue,
			`{"QueueName":"a","Attributes":{"RedriveAllowPolicy":"{}"}}`:                    badValue,
			`{"QueueName":"a","tags":{"k":"v"}}`:                                            unsupported,
			`{"QueueName":1}`:                                                               "MalformedInput",
			`{"QueueName":"a"`:                                                              "MalformedInput",
			"{\"QueueName\":\"\xff\"}":                                                      "MalformedInput",
			`{"QueueName":"a","Attributes":{"MessageRetentionPeriod":"59"}}`:                "InvalidAttributeValue",
			`{"QueueName":"a","Attributes":{"MaximumMessageSize":"1048577"}}`:               "InvalidAttributeValue",
			`{"QueueName":"b","Attributes":{"ReceiveMessageWaitTimeSeconds":"20"}}`:         "",
			`{"QueueName":"b","Attributes":{"ReceiveMessageWaitTimeSeconds":"21"}}`:         "InvalidAttributeValue",
			`{"QueueName":"c","Attributes":{"RedrivePolicy":` + quoted("work", 3) + `}}`:    "",
			`{"QueueName":"d","Attributes":{"RedrivePolicy":` + quoted("nowhere", 3) + `}}`: badValue,
			`{"QueueName":"d","Attributes":{"RedrivePolicy":` + quoted("work", 0) + `}}`:    badValue,
			`{"QueueName":"d","Attributes":{"RedrivePolicy":` + quoted("work", 1001) + `}}`: badValue,
		},
		"GetQueueUrl": {
			`{"QueueName":"work"}`: "", `{"QueueName":"nope"}`: notExist, `{}`: absent,
			`{"QueueName":"work","QueueOwnerAWSAccountId":"000000000000"}`: "",
			`{"QueueName":"work","QueueOwnerAWSAccountId":"111111111111"}`: notExist,
		},
		"ListQueues": {
			`{}`: "", ``: "", `{"MaxResults":1}`: "", `{"MaxResults":0}`: badValue, `{"MaxResults":1001}`: badValue,
			`{"NextToken":"?"}`: badValue, `{"QueueNamePrefix":"w"}`: "",
		},
		"DeleteQueue":        {`{"QueueUrl":"http://x/000000000000/nope"}`: notExist, `{}`: absent},
		"GetQueueAttributes": {`{"QueueUrl":"$URL"}`: "", `{"QueueUrl":"$URL","AttributeNames":["Nope"]}`: "InvalidAttributeName", `{}`: absent},
		"SetQueueAttributes": {
			`{"QueueUrl":"$URL"}`: absent, `{"QueueUrl":"$URL","Attributes":{"VisibilityTimeout":"30"}}`: "",
			`{"QueueUrl":"$URL","Attributes":{"VisibilityTimeout":"-1"}}`: "InvalidAttributeValue",
			`{"QueueUrl":"$URL","Attributes":{"QueueArn":"x"}}`:           "InvalidAttributeName",
		},
		"PurgeQueue":                 {`{}`: absent, `{"QueueUrl":"$URL2"}`: notExist},
		"ListDeadLetterSourceQueues": {`{"QueueUrl":"$URL"}`: "", `{}`: absent},
		"SendMessage": {
			`{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/000000000000/work","MessageBody":"any host"}`:                 "",
			`{"QueueUrl":"http://x/111111111111/work","MessageBody":"a"}`:                                                   notExist,
			`{"QueueUrl":"work","MessageBody":"a"}`:                                                                         notExist,
			`{"QueueUrl":"$URL"}`:                                                                                           absent,
			`{"QueueUrl":"$URL","MessageBody":""}`:                                                                          absent,
			`{"QueueUrl":"$URL","MessageBody":"\u0000"}`:                                                                    "InvalidMessageContents",
			`{"QueueUrl":"$URL","MessageBody":"\ufffe"}`:                                                                    "InvalidMessageContents",
			`{"QueueUrl":"$URL","MessageBody":"\ud83c"}`:                                                                    "InvalidMessageContents",
			`{"QueueUrl":"$URL","MessageBody":"\\ud83c \ud83c\udf89\t\r\n"}`:                                                "",
			`{"QueueUrl":"$URL","MessageBody":"a","DelaySeconds":901}`:                                                      badValue,
			`{"QueueUrl":"$URL","MessageBody":"a","DelaySeconds":"1"}`:                                                      "MalformedInput",
			`{"QueueUrl":"$URL","MessageBody":"a","MessageDeduplicationId":"x"}`:                                            badValue,
			`{"QueueUrl":"$URL","MessageBody":"a","MessageGroupId":"tenant 1"}`:                                             badValue,
			`{"QueueUrl":"$URL","MessageBody":"a","MessageGroupId":"tenant-1"}`:                                             "",
			`{"QueueUrl":"$URL","MessageBody":"a","MessageSystemAttributes":{"X":{"DataType":"String","StringValue":"a"}}}`: badValue,
		},
		"SendMessageBatch": {
			`{"QueueUrl":"$URL"}`:              "AWS.SimpleQueueService.EmptyBatchRequest",
			`{"QueueUrl":"$URL","Entries":[]}`: "AWS.SimpleQueueService.EmptyBatchRequest",
			`{"QueueUrl":"$URL","Entries":[{"Id":"a","MessageBody":"1"},{"Id":"a","MessageBody":"1"}]}`: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
			`{"QueueUrl":"$URL","Entries":[{"Id":"a b","MessageBody":"1"}]}`:                            "AWS.SimpleQueueService.InvalidBatchEntryId",
			`{"QueueUrl":"$URL","Entries":[` + entries(11) + `]}`:                                       "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
			`{"QueueUrl":"$URL","Entries":[` + entries(10) + `]}`:                                       "",
		},
		"ReceiveMessage": {
			`{"QueueUrl":"$URL"}`: "", `{}`: absent,
			`{"QueueUrl":"$URL","MaxNumberOfMessages":11}`:  badValue,
			`{"QueueUrl":"$URL","MaxNumberOfMessages":0}`:   badValue,
			`{"QueueUrl":"$URL","VisibilityTimeout":43201}`: badValue,
			`{"QueueUrl":"$URL","WaitTimeSeconds":21}`:      badValue,
		},
		"DeleteMessage": {`{"QueueUrl":"$URL"}`: absent, `{"QueueUrl":"$URL","ReceiptHandle":"junk"}`: "ReceiptHandleIsInvalid"},
		"DeleteMessageBatch": {
			`{"QueueUrl":"$URL"}`: "AWS.SimpleQueueService.EmptyBatchRequest",
			`{"QueueUrl":"$URL","Entries":[{"Id":"a","ReceiptHandle":"junk"}]}`: "",
		},
		"ChangeMessageVisibility": {
			`{"QueueUrl":"$URL","VisibilityTimeout":1}`:                            absent,
			`{"QueueUrl":"$URL","ReceiptHandle":"junk"}`:                           absent,
			`{"QueueUrl":"$URL","ReceiptHandle":"junk","VisibilityTimeout":1}`:     "ReceiptHandleIsInvalid",
			`{"QueueUrl":"$URL","ReceiptHandle":"junk","VisibilityTimeout":43201}`: badValue,
		},
		"ChangeMessageVisibilityBatch": {
			`{"QueueUrl":"$URL"}`: "AWS.SimpleQueueService.EmptyBatchRequest",
			`{"QueueUrl":"$URL","Entries":[{"Id":"a","ReceiptHandle":"junk","VisibilityTimeout":1}]}`: "",
		},
		"StartMessageMoveTask": {`{}`: absent, `{"SourceArn":"x"}`: "ResourceNotFoundException"},
	}
	for name := range newFixture(t, testOptions(t), nil).service.actions {
		if tests[name] == nil {
			t.Errorf("action %s has no test", name)
		}
	}
	for name, requests := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, testOptions(t), nil)
			for request, want := range requests {
				if got := f.post(name, request); got != want {
					t.Errorf("%s %s: %q, want %q", name, request, got, want)
				}
			}
		})
	}
}

func quoted(target string, receives int) string {
	return fmt.Sprintf("%q", redriveTo(target, receives))
}

func entries(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"Id":"%d","MessageBody":"x"}`, i))
	}
	return strings.Join(list, ",")
}

// failure 24
func TestMessageSizes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, testOptions(t), nil)
	small := f.queue("small", map[string]string{"MaximumMessageSize": "1024"})
	type attributes = map[string]types.MessageAttributeValue
	tests := map[string]struct {
		url        *string
		body       int
		attributes attributes
		want       string
	}{
		"one byte":            {f.url, 1, nil, ""},
		"1 MiB":               {f.url, 1048576, nil, ""},
		"1 MiB and a byte":    {f.url, 1048577, nil, badValue},
		"1 MiB in all":        {f.url, 1048576 - 11, attributes{"name": {DataType: new("String"), StringValue: new("v")}}, ""},
		"a byte over in all":  {f.url, 1048576 - 10, attributes{"name": {DataType: new("String"), StringValue: new("v")}}, badValue},
		"the queue's limit":   {small, 1024, nil, ""},
		"over the queue's":    {small, 1025, nil, badValue},
		"binary counts bytes": {small, 1024 - 4 - 6 - 3, attributes{"name": {DataType: new("Binary"), BinaryValue: []byte{0, 1, 2}}}, ""},
	}
	for name, test := range tests {
		_, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: test.url, MessageBody: new(strings.Repeat("x", test.body)), MessageAttributes: test.attributes,
		})
		if code(err) != test.want {
			t.Errorf("%s: %q, want %q", name, code(err), test.want)
		}
	}
	batch := &sqs.SendMessageBatchInput{QueueUrl: f.url}
	for i := range 2 {
		batch.Entries = append(batch.Entries, types.SendMessageBatchRequestEntry{Id: new(strconv.Itoa(i)), MessageBody: new(strings.Repeat("x", 524288))})
	}
	_, err := f.SendMessageBatch(t.Context(), batch)
	f.must(err)
	*batch.Entries[1].MessageBody += "x"
	if _, err := f.SendMessageBatch(t.Context(), batch); code(err) != "AWS.SimpleQueueService.BatchRequestTooLong" {
		t.Errorf("a batch of 1 MiB and a byte: %q", code(err))
	}
	// the worst escaping of an allowed body still fits the request
	if got := f.post("SendMessage", `{"QueueUrl":"$URL","MessageBody":"`+strings.Repeat(`\u0041`, 1048576)+`"}`); got != "" {
		t.Errorf("1 MiB of escapes: %q", got)
	}
}

// failure 23
func TestBatchesFailByEntry(t *testing.T) {
	t.Parallel()
	f := newFixture(t, testOptions(t), nil)
	sent, err := f.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: f.url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: new("good"), MessageBody: new("good")},
		{Id: new("bad"), MessageBody: new("\x00")},
		{Id: new("late"), MessageBody: new("late"), DelaySeconds: 901},
		{Id: new("also-good"), MessageBody: new("also good")},
	}})
	f.must(err)
	if len(sent.Successful) != 2 || len(sent.Failed) != 2 {
		t.Fatalf("send: %d successful and %d failed, want 2 and 2", len(sent.Successful), len(sent.Failed))
	}
	failed := sent.Failed[0]
	if *failed.Id != "bad" || *failed.Code != "InvalidMessageContents" || !failed.SenderFault || *failed.Message == "" {
		t.Errorf("failed entry: %s %s %v", *failed.Id, *failed.Code, failed.SenderFault)
	}
	got := f.receive()
	if diff := cmp.Diff([]string{"good", "also good"}, bodies(got)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	changed, err := f.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: f.url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: new("a"), ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 60},
		{Id: new("b"), ReceiptHandle: new("junk"), VisibilityTimeout: 60},
		{Id: new("c"), ReceiptHandle: got[1].ReceiptHandle, VisibilityTimeout: 43201},
	}})
	f.must(err)
	if len(changed.Successful) != 1 || len(changed.Failed) != 2 {
		t.Errorf("change: %d successful and %d failed, want 1 and 2", len(changed.Successful), len(changed.Failed))
	}
	deleted, err := f.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: f.url, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: new("a"), ReceiptHandle: got[0].ReceiptHandle},
		{Id: new("b"), ReceiptHandle: new("junk")},
		{Id: new("c"), ReceiptHandle: got[1].ReceiptHandle},
	}})
	f.must(err)
	if len(deleted.Successful) != 2 || len(deleted.Failed) != 1 || *deleted.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("delete: %d successful and %d failed, want 2 and 1", len(deleted.Successful), len(deleted.Failed))
	}
	if n := rowCount(t, f.service); n != 0 {
		t.Errorf("%d messages are left", n)
	}
}
