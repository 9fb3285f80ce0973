package events

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
)

// closingBeforeKill is how long before Lambda's deadline a Handler is told to
// stop: the deadline itself is the kill.
const closingBeforeKill = 2 * time.Second

// Lambda answers SQS batches of a Lambda event source mapping with
// ReportBatchItemFailures: the messages whose error is not permanent. A
// message without an id cannot be named; if one fails, the whole batch does,
// since what is not named is deleted. The Handler's context ends two seconds before Lambda's deadline.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func Lambda(h Handler, log *slog.Logger) func(context.Context, lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
	return func(ctx context.Context, event lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
		if deadline, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, deadline.Add(-closingBeforeKill))
			defer cancel()
		}
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
		for i, err := range answers(ctx, h, batch) {
			switch id := batch[i].ID; {
			case err == nil:
			case IsPermanent(err):
				logRefused(ctx, log, id, err)
			default:
				logAgain(ctx, log, &batch[i], err)
				if id == "" {
					return lambdaevents.SQSEventResponse{}, fmt.Errorf("message without an id: %w", err)
				}
				response.BatchItemFailures = append(response.BatchItemFailures,
					lambdaevents.SQSBatchItemFailure{ItemIdentifier: id})
			}
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
