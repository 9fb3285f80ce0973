package events

import (
	"context"
	"strconv"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
)

// Lambda answers SQS batches of a Lambda event source mapping with
// ReportBatchItemFailures: the messages whose error is not permanent. A
// message without an id is never named, since Lambda takes that for a total
// failure.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func Lambda(h Handler) func(context.Context, lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
	return func(ctx context.Context, event lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
		batch := make([]Message, len(event.Records))
		for i := range event.Records {
			r := &event.Records[i]
			batch[i] = Message{
				ID: r.MessageId, Body: []byte(r.Body), handle: r.ReceiptHandle,
				Receives: atoi(r.Attributes["ApproximateReceiveCount"], 1),
				SentAt:   time.UnixMilli(int64(atoi(r.Attributes["SentTimestamp"], 0))),
			}
		}
		var response lambdaevents.SQSEventResponse
		for i, err := range h.Handle(ctx, batch) {
			if err == nil || IsPermanent(err) || batch[i].ID == "" {
				continue
			}
			response.BatchItemFailures = append(response.BatchItemFailures,
				lambdaevents.SQSBatchItemFailure{ItemIdentifier: batch[i].ID})
		}
		return response, nil
	}
}

func atoi(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return otherwise
	}
	return n
}
