package model

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"unicode"
)

// validate checks everything that scoring relies on.
func (s *Spec) validate() error {
	checks := []func() error{
		s.checkNames, s.checkFeatures, s.checkClasses, s.checkPolicy, s.checkRecords, s.checkTrees, s.checkSelfTest,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) checkNames() error {
	if err := checkName("name", s.Name); err != nil {
		return err
	}
	return checkName("version", s.Version)
}

func checkName(field, name string) error {
	switch {
	case name == "":
		return corrupt(field, "is empty")
	case len(name) > maxName:
		return corrupt(field, "longer than %d bytes", maxName)
	}
	for _, r := range name {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return corrupt(field, "%q has a character that cannot be printed", name)
		}
	}
	return nil
}

func (s *Spec) checkFeatures() error {
	if n := len(s.Features); n == 0 || n > MaxFeatures {
		return corrupt("features", "has %d entries, want 1 to %d", n, MaxFeatures)
	}
	seen := map[string]bool{}
	for i, f := range s.Features {
		field := fmt.Sprintf("features[%d]", i)
		if err := checkName(field+".name", f.Name); err != nil {
			return err
		}
		if seen[f.Name] {
			return corrupt(field+".name", "%q appears twice", f.Name)
		}
		seen[f.Name] = true
		if err := f.check(field); err != nil {
			return err
		}
	}
	return nil
}

func (f Feature) check(field string) error {
	switch {
	case f.Kind != Number && f.Kind != Category:
		return corrupt(field+".kind", "is %q, want %q or %q", clip(string(f.Kind)), Number, Category)
	case f.Kind == Number && f.Categories != nil:
		return corrupt(field+".categories", "only a category has them")
	case f.Kind == Category && len(f.Categories) == 0:
		return corrupt(field+".categories", "is empty")
	}
	for i, name := range f.Categories {
		if err := checkName(fmt.Sprintf("%s.categories[%d]", field, i), name); err != nil {
			return err
		}
		if slices.Contains(f.Categories[:i], name) {
			return corrupt(field+".categories", "%q appears twice", name)
		}
	}
	m := f.Missing
	switch {
	case m == nil:
		return nil
	case m.Rule != Constant:
		return corrupt(field+".missing.rule", "is %q, want %q", clip(m.Rule), Constant)
	case !finite32(m.Value):
		return corrupt(field+".missing.value", "is %g, want a number within float32", m.Value)
	case f.Kind == Category && (m.Value != math.Trunc(m.Value) || m.Value < 0 || m.Value >= float64(len(f.Categories))):
		return corrupt(field+".missing.value", "is %g, want a category's code, 0 to %d", m.Value, len(f.Categories)-1)
	}
	return nil
}

func (s *Spec) checkClasses() error {
	if n := len(s.Classes); n == 0 || n > MaxClasses {
		return corrupt("classes", "has %d entries, want 1 to %d", n, MaxClasses)
	}
	for i, c := range s.Classes {
		if c.literal == "" || len(c.literal) > maxName {
			return corrupt("classes", "label %d is empty or longer than %d bytes", i, maxName)
		}
		if slices.Contains(s.Classes[:i], c) {
			return corrupt("classes", "%s appears twice", c.literal)
		}
	}
	if s.Positive < 0 || s.Positive >= len(s.Classes) {
		return corrupt("positive", "is %d, want the index of a class, 0 to %d", s.Positive, len(s.Classes)-1)
	}
	return nil
}

func (s *Spec) checkPolicy() error {
	p := s.Policy
	if !(0 <= p.DeclineAt && p.DeclineAt <= p.ApproveAbove && p.ApproveAbove <= 1) {
		return corrupt("policy", "decline_at %g, approve_above %g; want 0 <= decline_at <= approve_above <= 1",
			p.DeclineAt, p.ApproveAbove)
	}
	if s.ValueUnit != Count && s.ValueUnit != Fraction {
		return corrupt("value_unit", "is %q, want %q or %q", clip(string(s.ValueUnit)), Count, Fraction)
	}
	return nil
}

func (s *Spec) checkRecords() error {
	if s.Training != nil {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(s.Training, &object); err != nil || object == nil {
			return corrupt("training", "is not a JSON object")
		}
	}
	for i, d := range s.Reference {
		field := fmt.Sprintf("reference[%d]", i)
		known := slices.ContainsFunc(s.Features, func(f Feature) bool { return f.Name == d.Feature })
		switch {
		case !known:
			return corrupt(field+".feature", "%q is not a feature of the model", clip(d.Feature))
		case d.Rows < 0 || d.Missing < 0 || d.Missing > d.Rows:
			return corrupt(field, "%d rows, %d missing", d.Rows, d.Missing)
		case !slices.IsSorted(d.Deciles) || slices.ContainsFunc(d.Deciles, notFinite):
			return corrupt(field+".deciles", "are not finite and rising")
		case slices.ContainsFunc(d.Counts, func(c ValueCount) bool { return c.Count < 0 || notFinite(c.Value) }):
			return corrupt(field+".counts", "has a negative count or a value that is not finite")
		}
	}
	return nil
}

func notFinite(f float64) bool { return math.IsNaN(f) || math.IsInf(f, 0) }

// finite32 tells whether f is finite once rounded to float32.
func finite32(f float64) bool { return !notFinite(float64(float32(f))) }
