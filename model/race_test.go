//go:build race

package model

// poolAllocations is what a call may allocate: the race detector drops some of
// what is put into a sync.Pool.
const poolAllocations = 2
