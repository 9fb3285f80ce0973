package main

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/loanscorer/loanscorer/api"
	"github.com/loanscorer/loanscorer/events"
)

func (f *function) api() (lambda.Handler, error) {
	h, err := api.New(api.Options{
		IDs: f.c.ids, Objects: f.objects, Applications: events.NewSender(f.queues, f.c.applications),
		Model: f.scorer.Model(), Retention: f.c.retention, DirectIntake: f.c.direct, Ready: f.ready, Version: version, Logger: f.log,
		Caller: func(r *http.Request) string { return callerOf(r.Context()) },
	})
	if err != nil {
		return nil, err
	}
	return &gateway{handler: h, anonymous: f.c.anonymous, log: f.log}, nil
}

type callerKey struct{}

// callerOf is who the gateway says is calling.
func callerOf(ctx context.Context) string {
	caller, _ := ctx.Value(callerKey{}).(string)
	return caller
}
