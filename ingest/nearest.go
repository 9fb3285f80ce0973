package ingest

import (
	"strings"
	"unicode"
)

// maxNearName bounds the names that are compared; longer ones are never a misspelling of ours.
const maxNearName = 64

// nearest returns the name among candidates that most likely was meant by name, or "".
// Case, spaces, dots, hyphens and underscores count for nothing; about one letter in three may differ.
func nearest(name string, candidates []string) string {
	want := squeeze(name)
	if want == "" || len(want) > maxNearName {
		return ""
	}
	best, bestDistance := "", 1+len(want)/3
	for _, candidate := range candidates {
		have := squeeze(candidate)
		if have == "" || len(have) > maxNearName {
			continue
		}
		if d := editDistance(want, have); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// squeeze drops what does not tell names apart: ASCII case, and spaces of every kind, underscores, hyphens and points.
func squeeze(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case r == '_', r == '-', r == '.', r == '\uFEFF', r == '\u200B', unicode.IsSpace(r):
			return -1
		}
		return r
	}, name)
}

// editDistance is the Levenshtein distance in bytes, with one row of the table kept.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
