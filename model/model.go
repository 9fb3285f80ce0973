package model

import (
	"encoding/json"
	"slices"
	"sync"
)

// Model is a parsed model file, ready to score. It never changes and is safe
// for concurrent use. Slices that its methods return are the caller's, except
// what they point to (category names), which must not be changed.
type Model struct {
	spec   *Spec
	bytes  []byte
	sha256 string
	forest forest
	fast   func() *compiled // made at the first score; nil if it failed the self-test
	unfit  error            // why it failed
	stats  Stats
}

// Stats describes the forest.
type Stats struct {
	Trees    int `json:"trees"`
	Nodes    int `json:"nodes"`
	Leaves   int `json:"leaves"`
	MaxDepth int `json:"max_depth"` // edges from the root to the deepest leaf
}

// compile needs a validated spec and takes ownership of its arguments. It runs
// the self-test.
func compile(s *Spec, data []byte, sha256 string) (*Model, error) {
	m := &Model{spec: s, bytes: data, sha256: sha256, forest: flatten(s)}
	m.fast = sync.OnceValue(func() *compiled { return m.tested(choose(m)) })
	m.stats = countStats(s)
	if t := s.SelfTest; t != nil {
		if err := t.run(m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Bytes returns a copy of the exact bytes of the model file.
func (m *Model) Bytes() []byte { return slices.Clone(m.bytes) }

// SHA256 returns the lower-case hexadecimal SHA-256 of Bytes: the model's
// identity.
func (m *Model) SHA256() string { return m.sha256 }

// ContentSHA256 returns the lower-case hexadecimal SHA-256 of all that a score
// or an explanation is made of: features, classes and trees, not the name, the
// policy and the records.
func (m *Model) ContentSHA256() string {
	content, err := m.spec.content()
	if err != nil { // a parsed model always encodes
		return ""
	}
	return content
}

// Name returns the model's name.
func (m *Model) Name() string { return m.spec.Name }

// Version returns the model's version, a free text.
func (m *Model) Version() string { return m.spec.Version }

// Features returns the inputs in the order of x.
func (m *Model) Features() []Feature { return slices.Clone(m.spec.Features) }

// Classes returns the classes in the order of the probabilities.
func (m *Model) Classes() []Class { return slices.Clone(m.spec.Classes) }

// Positive returns the index of the class whose probability is "the"
// probability: approval.
func (m *Model) Positive() int { return m.spec.Positive }

// Policy returns the cut-offs.
func (m *Model) Policy() Policy { return m.spec.Policy }

// RoutesMissing tells whether the trees themselves say where a missing value
// goes, so that a feature without a constant may be missing.
func (m *Model) RoutesMissing() bool { return m.forest.routes }

// Stats returns the forest's size.
func (m *Model) Stats() Stats { return m.stats }

// Training returns the free JSON object that says how the model was made, or
// nil.
func (m *Model) Training() json.RawMessage { return slices.Clone(m.spec.Training) }

// Reference returns the training data's distributions; it may be empty.
func (m *Model) Reference() []Distribution { return slices.Clone(m.spec.Reference) }

// Spec returns a copy of the model's data whose top-level fields may be
// changed (a name, the policy) and encoded again. Its trees are shared and
// must not be changed. It has no self-test: Encode makes it anew.
func (m *Model) Spec() *Spec {
	s := *m.spec
	s.Features, s.Classes, s.Trees = m.Features(), m.Classes(), slices.Clone(s.Trees)
	s.Training, s.Reference, s.SelfTest = m.Training(), m.Reference(), nil
	return &s
}

func countStats(s *Spec) Stats {
	st := Stats{Trees: len(s.Trees)}
	for i := range s.Trees {
		t := &s.Trees[i]
		depth := make([]int, len(t.Left))
		st.Nodes += len(t.Left)
		for n, left := range t.Left {
			if left == leaf {
				st.Leaves++
				st.MaxDepth = max(st.MaxDepth, depth[n])
				continue
			}
			depth[left], depth[t.Right[n]] = depth[n]+1, depth[n]+1
		}
	}
	return st
}
