package train

import (
	"math"
	"slices"
)

// featureThreshold is FEATURE_THRESHOLD of _splitter.pyx: values this near to
// each other are not separated.
const featureThreshold float32 = 1e-7

// split is a cut of a node in two.
type split struct {
	feature   int
	rank      uint32  // the highest on the left
	threshold float64 // x <= threshold goes left
	gain      float64 // higher is better; -Inf for no split
}

// groups is the rows of a node by rank of one feature, ascending: for each
// rank that occurs its distinct rows and its weighted rows by class.
type groups struct {
	ranks  []uint32
	rows   []uint32
	counts []uint32 // classes numbers a rank
}

// bestSplit looks for the best cut of a node as node_split_best does: it
// draws features without replacement until max_features were tried, and on
// until one was not constant. It returns how many features are now known to be
// constant in the node; constants are never looked at again below it.
func (g *grower) bestSplit(at span, constant int) (split, int) {
	best := split{gain: math.Inf(-1)}
	features := g.features
	rest, found, drawn, total := len(features), 0, 0, constant
	for visited := 0; rest > total && (visited < g.tried || visited <= found+drawn); {
		visited++
		j := g.random.between(drawn, rest-found)
		if j < constant {
			features[drawn], features[j] = features[j], features[drawn]
			drawn++
			continue
		}
		j += found
		feature := features[j]
		if !g.group(feature, at) {
			features[j], features[total] = features[total], features[j]
			found++
			total++
			continue
		}
		rest--
		features[rest], features[j] = features[j], features[rest]
		g.cut(feature, at.to-at.from, &best)
	}
	// Sibling and child nodes rely on the order of the known constants.
	copy(features, g.constants[:constant])
	copy(g.constants[constant:total], features[constant:total])
	return best, total
}

// cut tries every cut of the grouped rows and keeps the first best.
func (g *grower) cut(feature, rows int, best *split) {
	clear(g.left)
	copy(g.right, g.nodeCounts)
	values, k, n := g.m.values[feature], g.m.classes, 0
	for i, rank := range g.groups.ranks[:len(g.groups.ranks)-1] {
		n += int(g.groups.rows[i])
		for c, count := range g.groups.counts[i*k : i*k+k] {
			g.left[c] += int64(count)
			g.right[c] -= int64(count)
		}
		low, high := values[rank], values[g.groups.ranks[i+1]]
		if high <= low+featureThreshold || n < g.p.MinSamplesLeaf || rows-n < g.p.MinSamplesLeaf {
			continue
		}
		if gain := g.gain(); gain > best.gain {
			*best = split{feature: feature, rank: rank, threshold: midpoint(low, high), gain: gain}
		}
	}
}

// gain is proxy_impurity_improvement of the left and right counts.
func (g *grower) gain() float64 {
	g.leftSide.set(g.left, g.weights)
	g.rightSide.set(g.right, g.weights)
	l, r := g.leftSide.impurity(g.p.Criterion), g.rightSide.impurity(g.p.Criterion)
	return float64(-g.rightSide.total*r) - float64(g.leftSide.total*l)
}

// midpoint lies between two float32 values in float64, and never on the
// higher one.
func midpoint(low, high float32) float64 {
	m := float64(low)/2 + float64(high)/2
	if m == float64(high) || math.IsInf(m, 0) {
		return float64(low)
	}
	return m
}

// sortBelow is how many ranks a node's values span for each row before sorting
// the rows is cheaper than counting into a place for each rank.
const sortBelow = 8

// group fills g.groups with the node's rows by rank of the feature. It returns
// false when the feature is constant there.
func (g *grower) group(feature int, at span) bool {
	column, values := g.columns[feature][at.from:at.to], g.m.values[feature]
	low, high := column[0], column[0]
	for _, rank := range column {
		low, high = min(low, rank), max(high, rank)
	}
	if values[high] <= values[low]+featureThreshold {
		return false
	}
	g.groups.ranks, g.groups.rows, g.groups.counts = g.groups.ranks[:0], g.groups.rows[:0], g.groups.counts[:0]
	if int(high-low) >= sortBelow*len(column) {
		g.groupSorted(column, g.rows[at.from:at.to])
	} else {
		g.groupCounted(column, g.rows[at.from:at.to], low, int(high-low)+1)
	}
	return true
}

// groupCounted has a place for each rank from low on.
func (g *grower) groupCounted(column []uint32, rows []drawnRow, low uint32, ranks int) {
	width := g.m.classes + 1
	table := g.table[:ranks*width]
	clear(table)
	for i, rank := range column {
		at := int(rank-low) * width
		table[at]++
		table[at+1+rows[i].label()] += rows[i].times()
	}
	for rank := range ranks {
		cell := table[rank*width : rank*width+width]
		if cell[0] > 0 {
			g.groups.ranks = append(g.groups.ranks, low+uint32(rank))
			g.groups.rows = append(g.groups.rows, cell[0])
			g.groups.counts = append(g.groups.counts, cell[1:]...)
		}
	}
}

// groupSorted sorts instead of counting.
func (g *grower) groupSorted(column []uint32, rows []drawnRow) {
	keys := g.keys[:0]
	for i, rank := range column {
		keys = append(keys, uint64(rank)<<32|uint64(rows[i]))
	}
	g.keys = keys
	slices.Sort(keys)
	k := g.m.classes
	for i, key := range keys {
		rank, row := uint32(key>>32), drawnRow(key)
		if i == 0 || rank != g.groups.ranks[len(g.groups.ranks)-1] {
			g.groups.ranks = append(g.groups.ranks, rank)
			g.groups.rows = append(g.groups.rows, 0)
			for range k {
				g.groups.counts = append(g.groups.counts, 0)
			}
		}
		last := len(g.groups.ranks) - 1
		g.groups.rows[last]++
		g.groups.counts[last*k+row.label()] += row.times()
	}
}
