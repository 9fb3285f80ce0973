package scorer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// modelKeeper writes every model that decides something, and the reason codes
// of batches, under their SHA-256 before the first decision, so that any
// decision can be replayed. It finds those of batches that were planned with
// others than ours.
type modelKeeper struct {
	objects Claims
	mu      sync.Mutex
	kept    map[pinned]*Scorer
	stored  map[string]bool // by key
}

// pinned is what a plan says about how its rows are decided.
type pinned struct {
	model   string // SHA-256
	policy  status.Policy
	reasons string // SHA-256; empty: rows carry none
	shadow  string // SHA-256 of the shadow model; empty: none

	shadowPolicy status.Policy
}

func pinnedBy(plan *status.Batch) pinned {
	p := pinned{model: plan.Model.SHA256, policy: plan.Policy}
	if plan.Reasons != nil {
		p.reasons = plan.Reasons.SHA256
	}
	if plan.Shadow != nil {
		p.shadow, p.shadowPolicy = plan.Shadow.Model.SHA256, plan.Shadow.Policy
	}
	return p
}

func (s *Scorer) pinned() pinned {
	return pinnedBy(&status.Batch{Model: s.ModelRef(), Policy: s.Policy(), Reasons: s.ReasonsRef(), Shadow: s.Shadow()})
}

// keep writes the model, once per process.
func (k *modelKeeper) keep(ctx context.Context, m *model.Model) error {
	if err := k.write(ctx, status.ModelKey(m.SHA256()), m.Bytes); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// keepAll writes what a plan pins: the models and the reason codes.
func (k *modelKeeper) keepAll(ctx context.Context, s *Scorer) error {
	if s.shadow != nil {
		if err := k.keep(ctx, s.shadow.model); err != nil {
			return fmt.Errorf("shadow: %w", err)
		}
	}
	if err := k.keep(ctx, s.model); err != nil || s.reasons == nil {
		return err
	}
	if err := k.write(ctx, status.ReasonsKey(s.reasons.sha), func() []byte { return s.reasons.file }); err != nil {
		return fmt.Errorf("reasons: %w", err)
	}
	return nil
}

func (k *modelKeeper) write(ctx context.Context, key string, body func() []byte) error {
	k.mu.Lock()
	done := k.stored[key]
	k.mu.Unlock()
	if done {
		return nil
	}
	_, err := k.objects.Create(ctx, key, body(), store.PutOptions{ContentType: jsonType})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stored == nil {
		k.stored = map[string]bool{}
	}
	k.stored[key] = true
	return nil
}

// scorer returns a scorer with the model, the policy and the reason codes that
// a plan pinned: ours where they are the same, otherwise from the store.
func (k *modelKeeper) scorer(ctx context.Context, ours *Scorer, plan *status.Batch) (*Scorer, error) {
	name := pinnedBy(plan)
	if ours.pinned() == name {
		return ours, nil
	}
	k.mu.Lock()
	s, ok := k.kept[name]
	k.mu.Unlock()
	if ok {
		return s, nil
	}
	s, err := k.load(ctx, name)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil || len(k.kept) >= 4 {
		k.kept = map[pinned]*Scorer{}
	}
	k.kept[name] = s
	return s, nil
}

func (k *modelKeeper) load(ctx context.Context, p pinned) (*Scorer, error) {
	o := Options{NoReasons: p.reasons == "", Policy: policyOf(p.policy)}
	m, err := k.model(ctx, p.model)
	if err != nil {
		return nil, fmt.Errorf("model of the plan: %w", err)
	}
	if p.shadow != "" {
		if o.Shadow, err = k.shadow(ctx, p); err != nil {
			return nil, fmt.Errorf("shadow model of the plan: %w", err)
		}
	}
	if p.reasons != "" {
		data, _, err := k.objects.Get(ctx, status.ReasonsKey(p.reasons), maxReasonsFile)
		if err != nil {
			return nil, fmt.Errorf("reasons of the plan: %w", err)
		}
		if o.Reasons, err = explain.ParseTable(data); err != nil {
			return nil, fmt.Errorf("reasons of the plan: %w", err)
		}
	}
	s, err := NewWith(m, o)
	switch {
	case err != nil:
		return nil, fmt.Errorf("model and reasons of the plan: %w", err)
	case s.pinned() != p:
		return nil, fmt.Errorf("reasons %s of the plan do not fit its model: %w", p.reasons, errors.Join(explain.ErrTable, s.Unexplained()))
	}
	return s, nil
}

// model reads a model of the store, and checks that it is the one that its key
// names before anything else.
func (k *modelKeeper) model(ctx context.Context, sha string) (*model.Model, error) {
	data, _, err := k.objects.Get(ctx, status.ModelKey(sha), maxModel)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != sha {
		return nil, fmt.Errorf("%s: its bytes have SHA-256 %x: %w", status.ModelKey(sha), sum, model.ErrCorrupt)
	}
	m, err := model.Parse(data)
	if err != nil {
		return nil, err
	}
	return m, m.Compile()
}

// shadow is the scorer of a plan's shadow model.
func (k *modelKeeper) shadow(ctx context.Context, p pinned) (*Scorer, error) {
	m, err := k.model(ctx, p.shadow)
	if err != nil {
		return nil, err
	}
	return NewWith(m, Options{NoReasons: true, Policy: policyOf(p.shadowPolicy)})
}

func policyOf(p status.Policy) *model.Policy {
	return &model.Policy{ApproveAbove: p.ApproveAbove, DeclineAt: p.DeclineAt}
}
