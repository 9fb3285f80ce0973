package sums

import "golang.org/x/sys/cpu"

// vectors tells that the processor has what the assembly needs.
var vectors = cpu.X86.HasAVX2

func add(run []float64, v float64) { addAVX2(&run[0], len(run), v) }

// addAVX2 is addEach of n > 0 numbers, sixteen at a time.
//
//go:noescape
func addAVX2(run *float64, n int, v float64)
