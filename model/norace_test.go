//go:build !race

package model

// poolAllocations is what a call may allocate: nothing.
const poolAllocations = 0
