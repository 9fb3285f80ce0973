package main

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/scorer"
)

// maintenance does what no message asks for, on a schedule.
type maintenance struct {
	sweeper *scorer.Sweeper
	log     *slog.Logger
}

func (f *function) maintenance() (lambda.Handler, error) {
	bulk, err := f.bulk()
	if err != nil {
		return nil, err
	}
	sweeper, err := scorer.NewSweeper(scorer.SweeperOptions{Bulk: bulk, Folders: f.objects})
	if err != nil {
		return nil, err
	}
	return &maintenance{sweeper: sweeper, log: f.log}, nil
}

// Invoke implements lambda.Handler.
func (m *maintenance) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := events.BeforeKill(ctx)
	defer cancel()
	swept, err := m.sweeper.Sweep(ctx, false)
	m.log.LogAttrs(ctx, slog.LevelInfo, "maintenance", slog.Int("uploads", swept.Uploads), slog.Int("batches", swept.Batches))
	if err != nil {
		return nil, err
	}
	return json.Marshal(swept)
}
