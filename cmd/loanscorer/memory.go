package main

import (
	"os"
	"runtime/debug"
)

// softMemory is what the runtime tries to stay below, in bytes, so that the
// whole process does with 256 MiB.
const softMemory = 180 << 20

// boundMemory makes the garbage collector work harder rather than grow beyond
// softMemory, unless GOMEMLIMIT says otherwise. It is for commands whose live
// memory is small whatever the input.
func boundMemory() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(softMemory)
	}
}
