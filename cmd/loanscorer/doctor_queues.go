package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// checkQueues looks at both queues and what is behind them.
func (d *doctor) checkQueues(ctx context.Context, client *sqs.Client) {
	applications := d.checkQueue(ctx, client, "applications", d.applications)
	bulk := d.checkQueue(ctx, client, "bulk", d.bulk)
	if applications["QueueArn"] != "" && applications["QueueArn"] == bulk["QueueArn"] {
		d.add("queues", levelFail, "give files a queue of their own: a large one would delay single applications", "both are %s", bulk["QueueArn"])
	}
	if d.s3 != nil && bulk["QueueArn"] != "" {
		d.checkAnnouncement(ctx, bulk["QueueArn"])
	}
}

// checkQueue returns the queue's attributes, or nothing.
func (d *doctor) checkQueue(ctx context.Context, client *sqs.Client, name, queue string) map[string]string {
	check := name + " queue"
	attributes, err := queueAttributes(ctx, client, queue)
	if err != nil {
		d.add(check, levelFail, "is the name right (--"+name+"-queue), and the endpoint? allow sqs:GetQueueAttributes and sqs:GetQueueUrl", "%v", err)
		return nil
	}
	waiting := attributes["ApproximateNumberOfMessages"]
	d.add(check, levelOK, "", "answers; %s messages wait, %s are worked on", waiting, attributes["ApproximateNumberOfMessagesNotVisible"])
	var redrive struct {
		Target   string `json:"deadLetterTargetArn"`
		Receives any    `json:"maxReceiveCount"` // a number or text
	}
	if err := json.Unmarshal([]byte(attributes["RedrivePolicy"]), &redrive); err != nil || redrive.Target == "" {
		d.add(check, levelFail, "give it a redrive policy: a message that always fails would be tried for ever", "has no dead-letter queue")
		return attributes
	}
	if receives := number(redrive.Receives); receives != d.receives {
		d.add(check, levelFail, "they must be the same: workers mark the last delivery (--max-receives, LOANSCORER_MAX_RECEIVES)",
			"gives up after %d deliveries, workers believe in %d", receives, d.receives)
	} else if receives < 5 {
		d.add(check, levelWarn, "5 or more: a throttled worker uses deliveries up", "gives up after %d deliveries", receives)
	}
	d.checkDeadLetters(ctx, client, name, redrive.Target, number(attributes["MessageRetentionPeriod"]))
	return attributes
}

func (d *doctor) checkDeadLetters(ctx context.Context, client *sqs.Client, name, arn string, retention int) {
	check := name + " dead"
	dead, err := queueAttributes(ctx, client, arn[strings.LastIndexByte(arn, ':')+1:])
	if err != nil {
		d.add(check, levelWarn, "allow sqs:GetQueueAttributes and sqs:GetQueueUrl on it", "the dead-letter queue cannot be seen: %v", err)
		return
	}
	if kept := number(dead["MessageRetentionPeriod"]); kept <= retention {
		d.add(check, levelWarn, "keep dead letters for 14 days: their age counts from when they were sent", "are kept for %d s, the queue keeps messages for %d", kept, retention)
	}
	if n := number(dead["ApproximateNumberOfMessages"]); n > 0 {
		d.add(check, levelWarn, "the worker's log says why; mend that, then start-message-move-task (docs/operations.md)", "%d messages failed on every try", n)
		return
	}
	d.add(check, levelOK, "", "no dead letters")
}

func queueAttributes(ctx context.Context, client *sqs.Client, queue string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	url, err := queueURL(ctx, client, queue)
	if err != nil {
		return nil, err
	}
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return nil, shortly(err)
	}
	return out.Attributes, nil
}

// number reads what SQS writes as text or as a number; 0 is neither.
func number(v any) int {
	switch v := v.(type) {
	case float64:
		return int(v)
	case string:
		n, err := strconv.Atoi(v)
		if err != nil {
			return 0
		}
		return n
	}
	return 0
}
