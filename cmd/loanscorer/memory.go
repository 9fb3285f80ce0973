package main

import (
	"os"
	"runtime/debug"
)

// softMemory is what the runtime tries to stay below, in bytes, so that the
// whole process does with 256 MiB on one core or two, whatever the file. Each core
// more has rows of its own in hand.
const softMemory = 180 << 20

// garbagePercent is how much may be thrown away before it is collected, in
// percent of what is in use.
const garbagePercent = 400

// boundMemory makes the garbage collector work harder rather than grow beyond
// softMemory, unless GOMEMLIMIT says otherwise. It is for commands whose live
// memory is small whatever the input.
func boundMemory() {
	if _, set := os.LookupEnv("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(softMemory)
	}
}

// collectSeldom makes the garbage collector run less often than by default,
// unless GOGC says otherwise. It is for commands that end soon and have a bound
// of their memory.
func collectSeldom() {
	if _, set := os.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(garbagePercent)
	}
}
