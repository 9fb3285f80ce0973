package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
)

const (
	// closingBeforeKill is how long before Lambda's deadline a Handler is told
	// to stop: the deadline itself is the kill.
	closingBeforeKill = 2 * time.Second
	// patience is how long a Handler that was told to stop is waited for: longer
	// than what it still writes, short enough to answer before the kill.
	patience = 1500 * time.Millisecond
)

// Lambda answers SQS batches of a Lambda event source mapping with
// ReportBatchItemFailures: the messages whose error is not permanent. The
// Handler's context ends two seconds before Lambda's deadline; a Handler that
// goes on all the same is not waited for, and its messages are reported.
//
// The answer is an error, which makes the whole batch come again, is counted,
// and makes the mapping slow down, when
//   - nothing of the batch could be done, and not because it has to wait
//     (RetryAfter): the store or the model is at fault;
//   - a message without an id failed: it cannot be named, and what is not named
//     is deleted.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func Lambda(h Handler, log *slog.Logger) func(context.Context, lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
	return func(ctx context.Context, event lambdaevents.SQSEvent) (lambdaevents.SQSEventResponse, error) {
		ctx, cancel := BeforeKill(ctx)
		defer cancel()
		batch := make([]Message, len(event.Records))
		for i := range event.Records {
			batch[i] = message(&event.Records[i])
		}
		errs, stopped := answersWithin(ctx, h, batch, patience)
		if !stopped {
			log.LogAttrs(ctx, slog.LevelError, "handler did not stop", slog.Int("messages", len(batch)))
		}
		return report(ctx, log, batch, errs)
	}
}

// BeforeKill ends ctx two seconds before Lambda's deadline.
func BeforeKill(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-closingBeforeKill))
}

func message(r *lambdaevents.SQSMessage) Message {
	return Message{
		ID: r.MessageId, Body: []byte(r.Body), handle: r.ReceiptHandle,
		Queue:    r.EventSourceARN[strings.LastIndexByte(r.EventSourceARN, ':')+1:],
		Receives: atoi(r.Attributes["ApproximateReceiveCount"], 1),
		SentAt:   time.UnixMilli(int64(atoi(r.Attributes["SentTimestamp"], 0))),
	}
}

// report turns the outcomes into Lambda's answer.
func report(ctx context.Context, log *slog.Logger, batch []Message, errs []error) (lambdaevents.SQSEventResponse, error) {
	var response lambdaevents.SQSEventResponse
	var cause error
	unnamed, nothing := false, len(batch) > 0
	for i, err := range errs {
		var wait *retryError
		nothing = nothing && err != nil && !IsPermanent(err) && !errors.As(err, &wait)
		switch {
		case err == nil:
		case IsPermanent(err):
			logRefused(ctx, log, batch[i].ID, err)
		default:
			logAgain(ctx, log, &batch[i], err)
			unnamed = unnamed || batch[i].ID == ""
			cause = err
			response.BatchItemFailures = append(response.BatchItemFailures,
				lambdaevents.SQSBatchItemFailure{ItemIdentifier: batch[i].ID})
		}
	}
	switch {
	case nothing:
		return lambdaevents.SQSEventResponse{}, fmt.Errorf("none of %d messages could be dealt with: %w", len(batch), cause)
	case unnamed:
		return lambdaevents.SQSEventResponse{}, fmt.Errorf("message without an id: %w", cause)
	default:
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
