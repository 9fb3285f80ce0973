package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
	shapley "github.com/loanscorer/loanscorer/model/explain"
	"github.com/loanscorer/loanscorer/scorer"
)

// noReasons is the value of --reasons that turns reasons off.
const noReasons = "none"

// maxReasonsFile bounds the file of --reasons, in bytes.
const maxReasonsFile = 1 << 20

// scorerFlags name the model and the reason codes to decide with, and the model
// to compare with.
type scorerFlags struct {
	modelFlags
	reasons string
	shadow  shadowFlag
	made    *scorer.Scorer
}

func (o *scorerFlags) flags(f *pflag.FlagSet) {
	o.modelFlags.flags(f)
	o.shadow.flag(f)
	f.StringVar(&o.reasons, "reasons", "", "JSON file of reason codes and texts; none for no reasons (default: the built-in table)")
}

// published reports whether a model must be fetched from the bucket.
func (o *scorerFlags) published() bool { return o.modelFlags.published() || o.shadow.published() }

// fetch takes the models that are in the bucket from there.
func (o *scorerFlags) fetch(ctx context.Context, objects *store.Store) error {
	if err := o.modelFlags.fetch(ctx, objects); err != nil {
		return err
	}
	return o.shadow.fetch(ctx, objects)
}

// scorer reads them once, and checks that they fit each other.
func (o *scorerFlags) scorer() (*scorer.Scorer, error) {
	if o.made != nil {
		return o.made, nil
	}
	m, err := o.load()
	if err != nil {
		return nil, err
	}
	opts := scorer.Options{NoReasons: o.reasons == noReasons}
	if opts.Shadow, err = o.shadow.scorer(); err != nil {
		return nil, err
	}
	if !opts.NoReasons {
		if opts.Reasons, err = readReasons(o.reasons); err != nil {
			return nil, err
		}
	}
	s, err := scorer.NewWith(m, opts)
	if err != nil {
		return nil, reasonsFault(err, o.reasons, m)
	}
	o.made = s
	return s, nil
}

// readReasons reads a file of reasons; without one it returns nil.
func readReasons(path string) (shapley.Table, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--reasons: %w", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxReasonsFile+1))
	if err != nil {
		return nil, fmt.Errorf("--reasons: %w", err)
	}
	if len(data) > maxReasonsFile {
		return nil, fmt.Errorf("--reasons %s: more than %d bytes", path, maxReasonsFile)
	}
	table, err := shapley.ParseTable(data)
	if err != nil {
		return nil, fmt.Errorf("--reasons %s: %w", path, err)
	}
	return table, nil
}

// reasonsFault names the file of a table that does not fit the model, and the
// names that would.
func reasonsFault(err error, path string, m *model.Model) error {
	if !errors.Is(err, shapley.ErrTable) || path == "" {
		return err
	}
	var names []string
	for _, f := range m.Features() {
		names = append(names, f.Name)
	}
	return fmt.Errorf("--reasons %s: %w; the model's features are %s", path, err, strings.Join(names, ", "))
}

// tellScorer logs once what decisions are made with.
func tellScorer(ctx context.Context, log *slog.Logger, s *scorer.Scorer) {
	sha := slog.String("model_sha256", s.Model().SHA256())
	if shadow := s.Shadow(); shadow != nil {
		log.LogAttrs(ctx, slog.LevelInfo, "files get a shadow model", slog.String("shadow_model_sha256", shadow.Model.SHA256))
	}
	if err := s.Unexplained(); err != nil {
		log.LogAttrs(ctx, slog.LevelWarn, "decisions carry no reasons", sha, slog.String("error", err.Error()))
		return
	}
	reasons := noReasons
	if ref := s.ReasonsRef(); ref != nil {
		reasons = ref.SHA256
	}
	log.LogAttrs(ctx, slog.LevelInfo, "scoring", sha, slog.String("reasons_sha256", reasons))
}

// reasonsOf says whether a model's decisions can carry reasons.
func reasonsOf(m *model.Model) string {
	if _, err := shapley.New(m); err != nil {
		return "none: " + err.Error()
	}
	return "for decisions that are no approvals"
}

// explainTime says what one explanation takes on this machine.
func explainTime(m *model.Model) string {
	e, err := shapley.New(m)
	if err != nil {
		return ""
	}
	x, phi := make([]float64, len(m.Features())), make([]float64, len(m.Features()))
	if _, err := e.Explain(x, phi); err != nil { // makes the tables
		return ""
	}
	n, began := 0, time.Now()
	for ; n == 0 || time.Since(began) < 5*time.Millisecond; n++ {
		_, _ = e.Explain(x, phi) // the same as before
	}
	each := time.Since(began).Seconds() * 1e6 / float64(n)
	if each >= 10 {
		return fmt.Sprintf(", %.0f us each here", each)
	}
	return fmt.Sprintf(", %.2g us each here", each)
}
