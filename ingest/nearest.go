package ingest

import (
	"strings"
	"unicode"
)

// maxNearName bounds the names that are compared; longer ones are never a misspelling of ours.
const maxNearName = 64

// nearest returns the name among candidates that most likely was meant by name, or "".
func nearest(name string, candidates []string) string {
	best, least := "", notNear
	for _, candidate := range candidates {
		if d := nearness(name, candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// assign finds for each column the candidate that most likely was meant by it, or "", and none for two of them.
func assign(columns []Column, candidates []string) []string {
	found := make([]string, len(columns))
	used := make([]bool, len(candidates))
	for {
		column, candidate, least := 0, 0, notNear
		for i, c := range columns {
			for j, name := range candidates {
				if d := nearness(c.String(), name); found[i] == "" && !used[j] && d < least {
					column, candidate, least = i, j, d
				}
			}
		}
		if least == notNear {
			return found
		}
		found[column], used[candidate] = candidates[candidate], true
	}
}

const notNear = maxNearName

// nearness is how many letters of a name differ from those of another, notNear if they are two names. Case, spaces,
// dots, hyphens and underscores count for nothing; about one letter in three may differ, or anything in brackets may
// follow, such as a unit.
func nearness(name, candidate string) int {
	want := squeeze(name)
	if bare, _, ok := strings.Cut(candidate, "("); ok {
		candidate = bare
	} else if bare, _, ok := strings.Cut(candidate, "["); ok {
		candidate = bare
	}
	have := squeeze(candidate)
	if want == "" || have == "" || len(want) > maxNearName || len(have) > maxNearName {
		return notNear
	}
	if d := editDistance(want, have); d < 1+len(want)/3 {
		return d
	}
	return notNear
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
