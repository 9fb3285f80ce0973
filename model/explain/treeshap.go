package explain

import "math"

// Shapley values of one tree in time proportional to nodes times points
// (Yu and others, "Linear TreeShap", 2022, written with Gauss-Legendre points).
//
// A leaf with value v whose path has the features F, each with the share z of
// training rows that pass its conditions and o = 1 if x passes them, else 0,
// adds to the feature f
//
//	v (o_f - z_f) * integral over u from 0 to 1 of  product over g in F, g != f, of (z_g (1-u) + o_g u)
//
// because the integral of u^k (1-u)^(n-1-k) is k! (n-1-k)! / n!, the Shapley
// weight of k known features out of n. The product has degree below n, so n/2
// points integrate it exactly, and no term is negative: nothing cancels.
//
// Products over all features of a path are carried down the tree, one number a
// point; sums over leaves come back up, and are divided by f's factor at the
// edges of f. An edge replaces what an earlier edge of the same feature said,
// so the earlier term is taken off again.

// quadrature holds the points u in (0, 1) and weights of an integral from 0 to 1.
type quadrature struct{ at, weight []float64 }

// gaussLegendre integrates polynomials of degree below 2n exactly. The points
// are the roots of the Legendre polynomial, by Newton's method.
func gaussLegendre(n int) quadrature {
	n = max(n, 1)
	q := quadrature{at: make([]float64, n), weight: make([]float64, n)}
	for i := range n {
		// float32, because processors differ in the last bits of a cosine.
		x := float64(float32(math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))))
		var slope float64
		for range 100 {
			var p float64
			p, slope = legendre(n, x)
			step := p / slope
			x -= step
			if math.Abs(step) < 1e-16 {
				break
			}
		}
		_, slope = legendre(n, x)
		q.at[i] = (1 - x) / 2
		q.weight[i] = 1 / ((1 - float64(x*x)) * slope * slope)
	}
	return q
}

// legendre returns the polynomial of degree n >= 1 and its derivative.
func legendre(n int, x float64) (p, slope float64) {
	before, p := 1.0, x
	for k := 2; k <= n; k++ {
		before, p = p, (float64(float64(2*k-1)*x*p)-float64(float64(k-1)*before))/float64(k)
	}
	return p, float64(n) * (float64(x*p) - before) / (float64(x*x) - 1)
}

// scratch is the working memory of one call.
type scratch struct {
	e   *Explainer
	x   []float64 // rounded
	own []float64 // contributions of callers that bring no place for them
	phi []float64
	// One row of points a level of the tree.
	product, sum, factor []float64
	// The factor of each feature on the way to the current node.
	current []state
}

// state is what the way to a node says about one feature.
type state struct {
	share  float64   // z
	passes float64   // o
	factor []float64 // z (1-u) + o u at each point; nil: 1, the feature was not met
}

func newScratch(e *Explainer) *scratch {
	points := len(e.rule.at)
	size := (e.depth + 1) * points
	s := &scratch{
		e: e, x: make([]float64, 0, len(e.features)), own: make([]float64, len(e.features)), current: make([]state, len(e.features)),
		product: make([]float64, size), sum: make([]float64, size), factor: make([]float64, size),
	}
	return s
}

// explain fills phi for s.x.
func (s *scratch) explain(phi []float64) {
	clear(phi)
	s.phi = phi
	points := len(s.e.rule.at)
	for i := range s.current {
		s.current[i] = state{share: 1, passes: 1}
	}
	for j := range points {
		s.product[j] = s.e.rule.weight[j]
	}
	for i := range s.e.trees {
		s.visit(&s.e.trees[i], 0, 0)
	}
	for i := range phi {
		phi[i] /= float64(len(s.e.trees))
	}
	s.phi = nil
}

// row is the points of one level.
func (s *scratch) row(of []float64, level int) []float64 {
	points := len(s.e.rule.at)
	return of[level*points : (level+1)*points]
}

// visit sums value times product over the leaves under a node into the sums of
// its level.
func (s *scratch) visit(t *tree, at int32, level int) {
	product, sum := s.row(s.product, level), s.row(s.sum, level)
	if t.Left[at] == leaf {
		for j, p := range product {
			sum[j] = p * t.value[at]
		}
		return
	}
	clear(sum)
	left := t.goesLeft(at, s.x)
	s.edge(t, at, t.Left[at], edge{level, left})
	s.edge(t, at, t.Right[at], edge{level, !left})
}

// edge leads from a node of a level to one of its children; x takes it or not.
type edge struct {
	level int
	taken bool
}

func (s *scratch) edge(t *tree, from, to int32, e edge) {
	f := t.Feature[from]
	before := s.current[f]
	now := state{share: before.share * t.share[to], factor: s.row(s.factor, e.level)}
	if e.taken {
		now.passes = before.passes
	}
	product, next := s.row(s.product, e.level), s.row(s.product, e.level+1)
	for j, u := range s.e.rule.at {
		now.factor[j] = float64(now.share*(1-u)) + float64(now.passes*u)
		next[j] = product[j] * now.factor[j]
		if before.factor != nil {
			next[j] /= before.factor[j]
		}
	}
	s.current[f] = now
	s.visit(t, to, e.level+1)
	s.current[f] = before
	sum, below := s.row(s.sum, e.level), s.row(s.sum, e.level+1)
	gain := 0.0
	for j, v := range below {
		sum[j] += v
		gain += v * (now.passes - now.share) / now.factor[j]
		if before.factor != nil {
			gain -= v * (before.passes - before.share) / before.factor[j]
		}
	}
	s.phi[f] += gain
}
