package train

import "math"

// epsilon is numpy.finfo('double').eps: a node less mixed than this is pure.
const epsilon = 0x1p-52

// side is the weighted rows on one side of a split, by class.
type side struct {
	counts []float64
	total  float64
}

// set takes class counts and the weight of a row of each class.
func (s *side) set(counts []int64, weights []float64) {
	s.total = 0
	for c, n := range counts {
		s.counts[c] = float64(n) * weights[c]
		s.total += s.counts[c]
	}
}

// impurity is 0 for a pure side, as node_impurity in _criterion.pyx. Products
// are converted so that no compiler fuses them with the sum.
func (s *side) impurity(criterion Criterion) float64 {
	if criterion == Entropy {
		entropy := 0.0
		for _, n := range s.counts {
			if n > 0 {
				share := n / s.total
				entropy -= float64(share * (math.Log(share) / math.Ln2))
			}
		}
		return entropy
	}
	squares := 0.0
	for _, n := range s.counts {
		squares += float64(n * n)
	}
	return 1 - squares/float64(s.total*s.total)
}
