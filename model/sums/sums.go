// Package sums adds one number to many, as tables of forests are filled: a leaf
// after the other is added to all cells that reach it.
//
// Each sum is rounded as Go rounds it, on every processor. What the package does
// not promise: sums of runs that overlap while they are added to by others.
package sums

// few is how long a run must be to be worth vectors.
const few = 8

// Add adds v to every number of a run.
func Add(run []float64, v float64) {
	if len(run) >= few && vectors {
		add(run, v)
		return
	}
	addEach(run, v)
}

// addEach is Add, one after the other.
func addEach(run []float64, v float64) {
	for i := range run {
		run[i] += v
	}
}
