//go:build !amd64

package sums

// vectors tells that there is assembly for this processor.
const vectors = false

func add(run []float64, v float64) { addEach(run, v) }
