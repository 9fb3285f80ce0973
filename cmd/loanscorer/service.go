package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/loanscorer/loanscorer/api"
	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/scorer"
)

// retention is how long a message may come back: the dead-letter queues keep
// it for 14 days.
const retention = 14 * 24 * time.Hour

// grace is what work in hand gets after a stop. With what comes after it, the
// process ends within 10 s.
const grace = 5 * time.Second

// sweepEvery is how often uploads without a batch are looked for.
const sweepEvery = 5 * time.Minute

// workerOptions are the flags of the working side.
type workerOptions struct {
	model      scorerFlags
	chunkSize  int64
	window     time.Duration
	visibility time.Duration
	lease      time.Duration
	receives   int
	workers    int
	ownStore   bool // the store that announces uploads stops with us
}

// startWorker polls both queues until ctx is done; wg waits for it.
func startWorker(ctx context.Context, wg *sync.WaitGroup, b *backends, o workerOptions, log *slog.Logger) error {
	boundMemory()
	if err := o.model.fetch(ctx, b.objects); err != nil {
		return err
	}
	s, err := o.model.scorer()
	if err != nil {
		return err
	}
	tellScorer(ctx, log, s)
	applications, err := scorer.NewApplications(scorer.ApplicationsOptions{
		Scorer: s, Objects: b.objects, Lease: o.lease, MaxReceives: o.receives, Logger: log,
	})
	if err != nil {
		return err
	}
	queue := events.NewSender(b.queues, b.bulk)
	bulk, err := scorer.NewBulk(scorer.BulkOptions{
		Scorer: s, Objects: b.objects, Queue: queue, IDs: b.ids, Bucket: b.objects.Bucket(),
		ChunkSize: o.chunkSize, Logger: log,
	})
	if err != nil {
		return err
	}
	singles, err := events.NewPoller(b.queues, applications, events.PollerOptions{
		Queue: b.applications, Batch: 100, Window: o.window, Workers: 2, Visibility: o.visibility, Grace: grace, Logger: log,
	})
	if err != nil {
		return err
	}
	files, err := events.NewPoller(b.queues, bulk, events.PollerOptions{
		Queue: b.bulk, Batch: 1, Workers: o.workers, Visibility: o.visibility, Grace: grace, Logger: log,
	})
	if err != nil {
		return err
	}
	wg.Go(func() { singles.Run(ctx) })
	wg.Go(func() { files.Run(ctx) })
	sweeper, err := scorer.NewSweeper(scorer.SweeperOptions{Bulk: bulk, Folders: b.objects})
	if err != nil {
		return err
	}
	wg.Go(func() { sweep(ctx, sweeper, o.ownStore, log) })
	return nil
}

// sweep takes up what no message will finish, now and then. With a store of
// our own, the first time that is every upload without a batch.
func sweep(ctx context.Context, s *scorer.Sweeper, ownStore bool, log *slog.Logger) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for first := true; ; first = false {
		done, err := s.Sweep(ctx, first && ownStore)
		switch {
		case err != nil && ctx.Err() == nil:
			log.LogAttrs(ctx, slog.LevelWarn, "sweep ended early", slog.String("error", err.Error()))
		case done.Uploads+done.Batches > 0:
			log.LogAttrs(ctx, slog.LevelInfo, "taken up again", slog.Int("uploads", done.Uploads), slog.Int("batches", done.Batches))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// apiOptions describe one HTTP side.
type apiOptions struct {
	listener net.Listener
	model    modelFlags
	log      *slog.Logger
	failed   chan<- error // told when the server ends by itself
}

// startAPI serves HTTP until ctx is done; wg waits for it.
func startAPI(ctx context.Context, wg *sync.WaitGroup, b *backends, o apiOptions) error {
	if err := o.model.fetch(ctx, b.objects); err != nil {
		return err
	}
	m, err := o.model.load()
	if err != nil {
		return err
	}
	handler, err := api.New(api.Options{
		IDs: b.ids, Objects: b.objects, Applications: events.NewSender(b.queues, b.applications),
		Model: m, Retention: retention, Ready: b.ready, Version: version, Logger: o.log,
	})
	if err != nil {
		return err
	}
	server := api.Server(handler)
	wg.Go(func() {
		if err := server.Serve(o.listener); !errors.Is(err, http.ErrServerClosed) {
			o.failed <- fmt.Errorf("http api: %w", err)
		}
	})
	wg.Go(func() {
		<-ctx.Done()
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(closing); err != nil {
			_ = server.Close() // long polls are cut off
		}
	})
	return nil
}

// listen binds an address, or says what to do.
func listen(ctx context.Context, addr, flag string) (net.Listener, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w; is another server running? choose another address with --%s", err, flag)
	}
	return l, nil
}

// onlyLoopback refuses to listen for others: there are no keys yet.
func onlyLoopback(addr, flag string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usagef("--%s %s: must be host:port", flag, addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usagef("--%s %s: only loopback addresses are allowed, since callers are not authenticated yet", flag, addr)
	}
	return nil
}

// newLogger writes JSON lines to the commands' standard error.
func newLogger(s streams, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usagef("--log-level %s: must be debug, info, warn or error", level)
	}
	return slog.New(slog.NewJSONHandler(s.err, &slog.HandlerOptions{Level: l})), nil
}
