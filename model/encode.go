package model

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode checks s and returns its model file in canonical form: one top-level
// member a line and one tree a line, numbers in the fewest digits that
// round-trip. Parse(Encode(s)) has the same content bit for bit, and the same
// content gives the same bytes. A spec without a self-test gets one. An error
// wraps [ErrCorrupt].
func Encode(s *Spec) ([]byte, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	test := s.SelfTest
	if test == nil {
		var err error
		if test, err = s.makeSelfTest(); err != nil {
			return nil, err
		}
	}
	members := []struct {
		key   string
		value any
		skip  bool
	}{
		{"format", Format, false},
		{"v", FormatVersion, false},
		{"name", s.Name, false},
		{"version", s.Version, false},
		{"features", s.Features, false},
		{"classes", s.Classes, false},
		{"positive", s.Positive, false},
		{"policy", s.Policy, false},
		{"value_unit", s.ValueUnit, false},
		{"training", s.Training, len(s.Training) == 0},
		{"reference", s.Reference, len(s.Reference) == 0},
		{"self_test", test, false},
	}
	var b bytes.Buffer
	b.WriteString("{\n")
	for _, m := range members {
		if m.skip {
			continue
		}
		data, err := marshal(m.value)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, m.key, err)
		}
		fmt.Fprintf(&b, "%q:%s,\n", m.key, data)
	}
	b.WriteString("\"trees\":[\n")
	for i := range s.Trees {
		data, err := marshal(&s.Trees[i])
		if err != nil {
			return nil, fmt.Errorf("%w: trees[%d]: %w", ErrCorrupt, i, err)
		}
		b.Write(data)
		if i < len(s.Trees)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]\n}\n")
	if b.Len() > MaxFileBytes {
		return nil, corrupt("file", "%d bytes, more than %d", b.Len(), MaxFileBytes)
	}
	return b.Bytes(), scanKeys(b.Bytes()) // the training record came as raw JSON
}

// marshal is compact JSON without HTML escapes.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
