package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/scorer"
)

// How often a function that is called without a task does what costs more than
// a sweep, as long as its process lives.
const (
	compactEvery = time.Hour
	orphansEvery = 24 * time.Hour
)

// The tasks that a schedule's input can name.
const (
	taskSweep   = "sweep"
	taskCompact = "compact"
	taskOrphans = "orphans"
)

// maintenance does what no message asks for, on a schedule.
type maintenance struct {
	sweeper            *scorer.Sweeper
	compactor          *scorer.Compactor
	log                *slog.Logger
	now                func() time.Time
	compacted, orphans time.Time // when that was last done without an error
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
	compactor, err := scorer.NewCompactor(scorer.CompactorOptions{
		Objects: f.objects, Folders: f.objects, Retention: f.c.retention, DirectIntake: f.c.direct, Logger: f.log,
	})
	if err != nil {
		return nil, err
	}
	return &maintenance{sweeper: sweeper, compactor: compactor, log: f.log, now: time.Now}, nil
}

// order is the part of an event that a person or a schedule can set. Events of
// other forms, such as EventBridge's own, have neither member.
type order struct {
	Task string `json:"task"`
	Day  string `json:"day"` // only this day is merged
}

// done is the answer.
type done struct {
	Uploads          int                `json:"uploads"` // announced again
	Batches          int                `json:"batches"` // taken up again
	OldestUnfinished int64              `json:"oldest_unfinished_seconds"`
	Days             []scorer.MergedDay `json:"days,omitempty"`
	Orphans          []scorer.Orphan    `json:"orphans,omitempty"`
}

// Invoke implements lambda.Handler. What goes wrong with one task does not keep
// it from the others; the error is of all of them.
func (m *maintenance) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := events.BeforeKill(ctx)
	defer cancel()
	var o order
	if err := json.Unmarshal(payload, &o); err != nil {
		o = order{} // whatever it is, it is time for maintenance
	}
	var d done
	var errs []error
	began := m.now()
	switch o.Task {
	case taskSweep:
		errs = append(errs, m.sweep(ctx, &d))
	case taskCompact:
		errs = append(errs, m.compact(ctx, o.Day, &d))
	case taskOrphans:
		errs = append(errs, m.findOrphans(ctx, &d))
	case "":
		errs = append(errs, m.sweep(ctx, &d))
		if began.Sub(m.compacted) >= compactEvery {
			errs = append(errs, m.compact(ctx, "", &d))
		}
		if began.Sub(m.orphans) >= orphansEvery {
			errs = append(errs, m.findOrphans(ctx, &d))
		}
	default:
		return nil, fmt.Errorf("task %q: must be %s, %s or %s", o.Task, taskSweep, taskCompact, taskOrphans)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return json.Marshal(d)
}

// sweep takes up what no message will finish, and tells how old the oldest
// unfinished work is.
func (m *maintenance) sweep(ctx context.Context, d *done) error {
	swept, err := m.sweeper.Sweep(ctx, false)
	d.Uploads, d.Batches, d.OldestUnfinished = swept.Uploads, swept.Batches, int64(swept.Oldest.Seconds())
	m.log.LogAttrs(ctx, slog.LevelInfo, "sweep", slog.Int("uploads", d.Uploads), slog.Int("batches", d.Batches),
		slog.Int64("oldest_unfinished_seconds", d.OldestUnfinished))
	return err
}

// compact merges one day, or every closed one.
func (m *maintenance) compact(ctx context.Context, day string, d *done) error {
	if day != "" {
		merged, err := m.compactor.Day(ctx, day)
		d.Days = append(d.Days, merged)
		return err
	}
	days, err := m.compactor.Compact(ctx)
	d.Days = append(d.Days, days...)
	if err == nil {
		m.compacted = m.now()
	}
	return err
}

func (m *maintenance) findOrphans(ctx context.Context, d *done) error {
	orphans, err := m.compactor.Orphans(ctx)
	d.Orphans = append(d.Orphans, orphans...)
	if err == nil {
		m.orphans = m.now()
	}
	return err
}
