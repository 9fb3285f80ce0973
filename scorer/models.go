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
)

// modelKeeper writes every model that decides something under its SHA-256,
// before its first decision, so that any decision can be replayed. It finds
// the models of batches that were planned with another one than ours.
type modelKeeper struct {
	objects Claims
	mu      sync.Mutex
	kept    map[string]*Scorer // by SHA-256 and policy
	stored  map[string]bool    // by SHA-256
}

// keep writes the model, once per process.
func (k *modelKeeper) keep(ctx context.Context, m *model.Model) error {
	k.mu.Lock()
	done := k.stored[m.SHA256()]
	k.mu.Unlock()
	if done {
		return nil
	}
	_, err := k.objects.Create(ctx, status.ModelKey(m.SHA256()), m.Bytes(), store.PutOptions{ContentType: jsonType})
	if err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stored == nil {
		k.stored = map[string]bool{}
	}
	k.stored[m.SHA256()] = true
	return nil
}

// scorer returns a scorer with the model and the policy that a plan pinned:
// ours where it is the same, otherwise from the store.
func (k *modelKeeper) scorer(ctx context.Context, ours *Scorer, ref status.ModelRef, p status.Policy) (*Scorer, error) {
	if ours.Model().SHA256() == ref.SHA256 && ours.Policy() == p {
		return ours, nil
	}
	name := fmt.Sprintf("%s %v %v", ref.SHA256, p.ApproveAbove, p.DeclineAt)
	k.mu.Lock()
	s, ok := k.kept[name]
	k.mu.Unlock()
	if ok {
		return s, nil
	}
	s, err := k.load(ctx, ref.SHA256, p)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.kept == nil || len(k.kept) >= 4 {
		k.kept = map[string]*Scorer{}
	}
	k.kept[name] = s
	return s, nil
}

func (k *modelKeeper) load(ctx context.Context, sha string, p status.Policy) (*Scorer, error) {
	data, _, err := k.objects.Get(ctx, status.ModelKey(sha), maxModel)
	if err != nil {
		return nil, fmt.Errorf("model of the plan: %w", err)
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != sha {
		return nil, fmt.Errorf("model of the plan: %s: its bytes have SHA-256 %x: %w", status.ModelKey(sha), sum, model.ErrCorrupt)
	}
	m, err := model.Parse(data)
	if err == nil {
		err = m.Compile()
	}
	if err != nil {
		return nil, fmt.Errorf("model of the plan: %w", err)
	}
	return NewWithPolicy(m, model.Policy{ApproveAbove: p.ApproveAbove, DeclineAt: p.DeclineAt})
}
