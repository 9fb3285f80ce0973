package model

import (
	"strings"
	"testing"
)

// The limits are reached from just below them: a file that reaches them would
// have many megabytes.
func TestScanStopsAtItsLimits(t *testing.T) {
	t.Parallel()
	inArray := []container{{}}
	numbers := keyScan{stack: inArray, elements: maxElements}
	if err := numbers.punctuation(',', 0); err == nil || !strings.Contains(err.Error(), "more than 16777216 numbers") {
		t.Error(err)
	}
	rows := keyScan{stack: inArray, arrays: MaxNodes + 8*MaxTrees}
	if err := rows.punctuation('[', 0); err == nil || !strings.Contains(err.Error(), "more than 2097152 nodes") {
		t.Error(err)
	}
}
