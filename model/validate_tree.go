package model

import (
	"fmt"
	"math"
)

func (s *Spec) checkTrees() error {
	if n := len(s.Trees); n == 0 || n > MaxTrees {
		return corrupt("trees", "has %d entries, want 1 to %d", n, MaxTrees)
	}
	total := 0
	for i := range s.Trees {
		t := &s.Trees[i]
		field := fmt.Sprintf("trees[%d]", i)
		if err := t.checkShape(field); err != nil {
			return err
		}
		if (t.MissingLeft == nil) != (s.Trees[0].MissingLeft == nil) {
			return corrupt(field+".missing_left", "is in some trees only")
		}
		if total += len(t.Left); total > MaxNodes {
			return corrupt("trees", "more than %d nodes in all", MaxNodes)
		}
		if err := t.checkLinks(field, len(s.Features)); err != nil {
			return err
		}
		for node := range t.Value {
			if err := t.checkValues(node, len(s.Classes), s.ValueUnit); err != nil {
				return fmt.Errorf("%w: %s.%w", ErrCorrupt, field, err)
			}
		}
	}
	return nil
}

func (t *Tree) checkShape(field string) error {
	n := len(t.Left)
	switch {
	case n == 0:
		return corrupt(field, "has no nodes")
	case len(t.Feature) != n || len(t.Threshold) != n || len(t.Right) != n || len(t.Value) != n || len(t.Samples) != n:
		return corrupt(field, "arrays differ in length: feature %d, threshold %d, left %d, right %d, value %d, samples %d",
			len(t.Feature), len(t.Threshold), n, len(t.Right), len(t.Value), len(t.Samples))
	case t.MissingLeft != nil && len(t.MissingLeft) != n:
		return corrupt(field+".missing_left", "has %d entries for %d nodes", len(t.MissingLeft), n)
	}
	return nil
}

// checkLinks proves that the nodes form one tree. A child comes after its
// parent, so a walk ends; each node but the root has exactly one parent.
func (t *Tree) checkLinks(field string, features int) error {
	n := len(t.Left)
	depth := make([]int32, n) // 0 = no parent seen; the root's children are 1
	for i := range n {
		at := func(name string) string { return fmt.Sprintf("%s.%s[%d]", field, name, i) }
		if i > 0 && depth[i] == 0 {
			return corrupt(at("left"), "node %d has no parent", i)
		}
		if depth[i] > MaxDepth {
			return corrupt(field, "is deeper than %d", MaxDepth)
		}
		if t.Left[i] == leaf {
			if t.Right[i] != leaf || t.Feature[i] != leaf || t.Threshold[i] != 0 || math.Signbit(t.Threshold[i]) {
				return corrupt(at("left"), "is -1 (a leaf), but right and feature are not -1 or threshold is not 0")
			}
			if t.MissingLeft != nil && t.MissingLeft[i] {
				return corrupt(at("missing_left"), "is true at a leaf")
			}
			continue
		}
		if t.Feature[i] < 0 || int(t.Feature[i]) >= features {
			return corrupt(at("feature"), "is %d, want 0 to %d", t.Feature[i], features-1)
		}
		if notFinite(t.Threshold[i]) {
			return corrupt(at("threshold"), "is %g, want a finite number", t.Threshold[i])
		}
		for _, link := range []struct {
			name  string
			child int32
		}{{"left", t.Left[i]}, {"right", t.Right[i]}} {
			if int(link.child) <= i || int(link.child) >= n {
				return corrupt(at(link.name), "is %d, want a later node, %d to %d", link.child, i+1, n-1)
			}
			if depth[link.child] != 0 {
				return corrupt(at(link.name), "is %d, which already has a parent", link.child)
			}
			depth[link.child] = depth[i] + 1
		}
	}
	return nil
}

// checkValues checks one node's value row and sample count.
func (t *Tree) checkValues(node, classes int, unit ValueUnit) error {
	row := t.Value[node]
	if len(row) != classes {
		return fmt.Errorf("value[%d]: has %d numbers for %d classes", node, len(row), classes)
	}
	for _, v := range row {
		if notFinite(v) || v < 0 || math.Signbit(v) {
			return fmt.Errorf("value[%d]: %g is not finite and non-negative", node, v)
		}
	}
	sum := pairwiseSum(row)
	if !(sum > 0) || math.IsInf(sum, 0) {
		return fmt.Errorf("value[%d]: sum is %g, want a finite positive number", node, sum)
	}
	if unit == Fraction && math.Abs(sum-1) > 1e-6 {
		return fmt.Errorf("value[%d]: fractions add up to %g, not 1", node, sum)
	}
	if s := t.Samples[node]; notFinite(s) || s <= 0 {
		return fmt.Errorf("samples[%d]: %g is not finite and positive", node, s)
	}
	return nil
}
