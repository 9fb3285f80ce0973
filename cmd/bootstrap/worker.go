package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/scorer"
)

// worker takes what the queues and S3 send.
type worker struct {
	applications, bulk           events.Handler
	applicationsQueue, bulkQueue string // names
	log                          *slog.Logger
}

func (f *function) worker() (lambda.Handler, error) {
	applications, err := scorer.NewApplications(scorer.ApplicationsOptions{
		Scorer: f.scorer, Objects: f.objects, Lease: f.c.lease, MaxReceives: f.c.receives, Logger: f.log,
	})
	if err != nil {
		return nil, err
	}
	bulk, err := f.bulk()
	if err != nil {
		return nil, err
	}
	return &worker{
		applications: applications, bulk: bulk,
		applicationsQueue: queueName(f.c.applications), bulkQueue: queueName(f.c.bulk), log: f.log,
	}, nil
}

// head is what tells the kinds of events apart.
type head struct {
	Event   string `json:"Event"` // s3:TestEvent
	Records []struct {
		Source string `json:"eventSource"`
	} `json:"Records"`
}

// Invoke implements lambda.Handler. Events of other kinds are acknowledged and
// logged: a retry would not make them ours.
func (w *worker) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var h head
	if err := json.Unmarshal(payload, &h); err != nil {
		w.ignored(ctx, "not an event")
		return []byte("null"), nil //nolint:nilerr // see above
	}
	source := ""
	if len(h.Records) > 0 {
		source = h.Records[0].Source
	}
	switch source {
	case "aws:sqs":
		return w.fromQueue(ctx, payload)
	case "aws:s3":
		return []byte("null"), w.fromS3(ctx, payload)
	default:
		w.ignored(ctx, cmp.Or(h.Event, source, "unknown"))
		return []byte("null"), nil
	}
}

func (w *worker) ignored(ctx context.Context, kind string) {
	w.log.LogAttrs(ctx, slog.LevelWarn, "event ignored", slog.String("kind", kind[:min(len(kind), 64)]))
}

// fromQueue works on a batch of one queue.
func (w *worker) fromQueue(ctx context.Context, payload []byte) ([]byte, error) {
	var event lambdaevents.SQSEvent
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, fmt.Errorf("sqs event: %w", err)
	}
	response, err := events.Lambda(w, w.log)(ctx, event)
	if err != nil {
		return nil, err
	}
	return json.Marshal(response)
}

// fromS3 works on a notification that the bucket sent without a queue between.
// Lambda repeats it twice if that fails; after that the sweep finds the upload.
func (w *worker) fromS3(ctx context.Context, payload []byte) error {
	response, err := events.Lambda(w.bulk, w.log)(ctx, lambdaevents.SQSEvent{
		Records: []lambdaevents.SQSMessage{{MessageId: "s3-event", Body: string(payload)}},
	})
	if err == nil && len(response.BatchItemFailures) > 0 {
		err = errors.New("s3 event: not done yet")
	}
	return err
}

// Handle implements events.Handler: it gives every message to the worker of
// its queue, and a message of an unknown queue to the worker of its kind.
func (w *worker) Handle(ctx context.Context, batch []events.Message) []error {
	errs := make([]error, len(batch))
	var singles, files []int
	for i := range batch {
		if w.single(&batch[i]) {
			singles = append(singles, i)
		} else {
			files = append(files, i)
		}
	}
	hand := func(h events.Handler, numbers []int) {
		if len(numbers) == 0 {
			return
		}
		part := make([]events.Message, len(numbers))
		for i, n := range numbers {
			part[i] = batch[n]
		}
		answers := h.Handle(ctx, part)
		for i, n := range numbers {
			errs[n] = errNoAnswer // a message without an answer is not acknowledged
			if i < len(answers) {
				errs[n] = answers[i]
			}
		}
	}
	hand(w.applications, singles)
	hand(w.bulk, files)
	return errs
}

// single tells an application from what the bulk queue carries.
func (w *worker) single(m *events.Message) bool {
	switch m.Queue {
	case w.applicationsQueue:
		return true
	case w.bulkQueue:
		return false
	}
	_, err := events.ParseBulk(m.Body)
	return err != nil
}

var errNoAnswer = errors.New("the handler gave no answer for this message")
