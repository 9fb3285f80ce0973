package scorer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// ApplicationsOptions describe the worker of the applications queue. Zero
// values are the defaults given.
type ApplicationsOptions struct {
	Scorer      *Scorer          // required
	Objects     Claims           // required
	Lease       time.Duration    // how long a claim without its file is left alone, 15 s
	MaxReceives int              // of the queue's redrive policy, 5
	Parallel    int              // claims written at the same time, 16
	Now         func() time.Time // time.Now
	Logger      *slog.Logger     // required
}

// Applications decides single applications, each exactly once. It implements
// events.Handler.
type Applications struct {
	o      ApplicationsOptions
	models modelKeeper
}

// NewApplications returns the worker of the applications queue, or an error
// that names the option at fault.
func NewApplications(o ApplicationsOptions) (*Applications, error) {
	switch {
	case o.Scorer == nil:
		return nil, errors.New("applications: Scorer: required")
	case o.Objects == nil:
		return nil, errors.New("applications: Objects: required")
	case o.Logger == nil:
		return nil, errors.New("applications: Logger: required")
	case o.Lease < 0 || o.MaxReceives < 0 || o.Parallel < 0:
		return nil, errors.New("applications: Lease, MaxReceives and Parallel must not be negative")
	}
	if o.Lease == 0 {
		o.Lease = 15 * time.Second
	}
	if o.MaxReceives == 0 {
		o.MaxReceives = 5
	}
	if o.Parallel == 0 {
		o.Parallel = 16
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Applications{o: o, models: modelKeeper{objects: o.Objects}}, nil
}

// attempt is one try at one batch of messages. All its claims name one file.
type attempt struct {
	file  string
	at    time.Time
	items []*item
}

// item is one application of an attempt; several messages may carry it.
type item struct {
	doc      status.Application
	app      *ingest.Application
	verdict  Verdict
	broken   error // why it could not be scored, if that is not its own fault
	messages []int
	claim    claimState
	err      error
}

// Handle claims, commits and answers one batch.
func (a *Applications) Handle(ctx context.Context, batch []events.Message) []error {
	errs := make([]error, len(batch))
	at := a.o.Now().UTC().Truncate(time.Millisecond)
	att := &attempt{file: status.NewResultKey(at), at: at}
	byID := map[string]*item{}
	for i := range batch {
		it, err := a.read(&batch[i], att)
		if err != nil {
			errs[i] = err
			continue
		}
		if twin, ok := byID[it.doc.ID]; ok {
			twin.messages = append(twin.messages, i)
			twin.doc.Last = twin.doc.Last || it.doc.Last
			continue
		}
		it.messages = []int{i}
		byID[it.doc.ID] = it
		att.items = append(att.items, it)
	}
	if len(att.items) > 0 {
		a.decide(ctx, att)
	}
	for _, it := range att.items {
		for _, i := range it.messages {
			errs[i] = it.err
		}
	}
	return errs
}

// decide takes every item of the attempt to its outcome.
func (a *Applications) decide(ctx context.Context, att *attempt) {
	if err := a.models.keep(ctx, a.o.Scorer.Model()); err != nil {
		for _, it := range att.items {
			it.err = err
			if it.doc.Last {
				it.err = errors.Join(it.err, a.markLast(ctx, it))
			}
		}
		return
	}
	a.claimAll(ctx, att)
	a.commit(ctx, att)
	decided := 0
	for _, it := range att.items {
		if it.err == nil {
			decided++
		}
	}
	a.o.Logger.LogAttrs(ctx, slog.LevelInfo, "applications", slog.Int("applications", len(att.items)),
		slog.Int("done", decided), slog.String("result", att.file), slog.Int64("took_ms", a.o.Now().Sub(att.at).Milliseconds()))
}

// read turns a message into the document that claims its application. A
// message that names an application but can never be scored becomes a
// rejection; one that names none, or is too new for us, is an error.
func (a *Applications) read(m *events.Message, att *attempt) (*item, error) {
	msg, err := events.ParseApplication(m.Body)
	if errors.Is(err, events.ErrNewer) {
		return nil, err
	}
	if !status.ValidID(msg.ID) && !status.GatewayID(msg.ID) {
		if err == nil {
			err = fmt.Errorf("%w: id is not one of ours", events.ErrMessage)
		}
		return nil, err
	}
	ref, policy := a.o.Scorer.ModelRef(), a.o.Scorer.Policy()
	it := &item{doc: status.Application{
		V: status.Version, ID: msg.ID, State: status.DocClaimed, Result: att.file,
		ClaimedAt: att.at, LeaseUntil: att.at.Add(a.o.Lease), SubmittedAt: msg.SubmittedAt,
		DecidedAt: att.at, Policy: &policy, Model: &ref, Attempts: m.Receives,
		Last: m.Receives >= a.o.MaxReceives,
	}}
	if err != nil {
		it.reject(&status.Problem{Title: "message cannot be read", Code: "bad_message", Detail: "submit the application again"})
		return it, nil //nolint:nilerr // the rejection is the answer to it
	}
	if err := a.score(it, &msg); err != nil {
		problem := invalid(err)
		if problem == nil {
			it.broken = err
			return it, nil
		}
		it.reject(problem)
	}
	return it, nil
}

// score fills in the decision, or says why there is none. A panic in the
// scoring of one application is that application's error alone.
func (a *Applications) score(it *item, msg *events.Application) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the scorer broke down: %T", r)
		}
	}()
	app, err := ingest.DecodeJSON(msg.Application)
	if err != nil {
		return err
	}
	if id, ok := app.Text(ingest.LoanID); ok {
		it.doc.LoanID = id
	}
	v, err := a.o.Scorer.Score(app)
	if err != nil {
		return err
	}
	it.app, it.verdict = app, v
	it.doc.Decision, it.doc.Probability, it.doc.Reasons = string(v.Decision), &v.Probability, v.Reasons
	if v.Imputed != "" {
		it.doc.Imputed = strings.Split(v.Imputed, ",")
	}
	return nil
}

// invalid tells a person why an application can never be scored, by field. It
// is nil for an error that is not the application's fault: that is retried.
func invalid(err error) *status.Problem {
	p := &status.Problem{Title: "application cannot be scored", Code: "invalid"}
	var row *ingest.RowError
	var fields *ingest.ValidationError
	switch {
	case errors.Is(err, ingest.ErrMalformed), errors.Is(err, ingest.ErrTooLarge):
		p.Detail = "it is not one JSON object of at most 64 KiB; submit it again"
	case errors.As(err, &row):
		p.Code, p.Field, p.Detail = row.Code, row.Column, row.Reason
	case errors.As(err, &fields) && len(fields.Fields) > 0:
		f := fields.Fields[0]
		p.Code, p.Field, p.Detail = f.Code, strings.TrimPrefix(f.Pointer, "/"), f.Detail
	default:
		return nil
	}
	return p
}

func (it *item) reject(p *status.Problem) {
	it.doc.State, it.doc.Result, it.doc.Error = status.DocRejected, "", p
	it.doc.Decision, it.doc.Probability, it.doc.Reasons, it.doc.Imputed = "", nil, nil, nil
}
