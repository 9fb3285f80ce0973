package model

import (
	"encoding/json"
	"slices"
)

const maxNesting = 32

// required are the top-level members that every model file has.
var required = []string{
	"format", "v", "name", "version", "features", "classes", "positive", "policy", "value_unit", "trees",
}

// container is an object or array that the scan is inside of.
type container struct {
	keys  map[string]bool // nil for an array
	atKey bool            // the next string is a key
}

// keyScan walks valid JSON for what encoding/json lets pass: keys that appear
// twice or differ from a field only in case, nulls (which decode to zero), and
// absent members. The free record "training" may hold nulls and any keys, but
// no key twice; cells of the self-test may be null.
type keyScan struct {
	data     []byte
	stack    []container
	free     bool // inside "training"
	test     bool // inside "self_test"
	arrays   int
	elements int
}

// scanKeys needs data to be valid JSON.
func scanKeys(data []byte) error {
	s := keyScan{data: data}
	for i := 0; i < len(data); i++ {
		if data[i] == '"' {
			end := stringEnd(data, i)
			if err := s.str(i, end); err != nil {
				return err
			}
			i = end - 1
			continue
		}
		if err := s.punctuation(data[i], i); err != nil {
			return err
		}
	}
	return nil
}

func (s *keyScan) punctuation(c byte, at int) error {
	switch c {
	case '{', '[':
		if len(s.stack) == maxNesting {
			return corrupt("file", "nested deeper than %d at byte %d", maxNesting, at)
		}
		next := container{}
		if c == '{' {
			next = container{keys: map[string]bool{}, atKey: true}
		} else if s.arrays++; s.arrays > MaxNodes+MaxTrees*8 {
			return corrupt("trees", "more than %d nodes", MaxNodes)
		}
		s.stack = append(s.stack, next)
	case '}', ']':
		top := s.stack[len(s.stack)-1]
		s.stack = s.stack[:len(s.stack)-1]
		if len(s.stack) == 0 {
			return checkRequired(top.keys)
		}
	case ',':
		if s.elements++; s.elements > maxElements {
			return corrupt("file", "more than %d numbers", maxElements)
		}
		top := &s.stack[len(s.stack)-1]
		top.atKey = top.keys != nil
	case 'n': // outside a string only null has this letter
		cell := s.test && len(s.stack) == 4 // in self_test's rows null is a missing value
		if !s.free && !cell {
			return corrupt("file", "null at byte %d: leave the field out, or give it a value", at)
		}
	}
	return nil
}

// str sees the string literal data[from:to].
func (s *keyScan) str(from, to int) error {
	if len(s.stack) == 0 || !s.stack[len(s.stack)-1].atKey {
		return nil
	}
	top := &s.stack[len(s.stack)-1]
	top.atKey = false
	var key string
	if err := json.Unmarshal(s.data[from:to], &key); err != nil {
		return corrupt("file", "key at byte %d: %v", from, err)
	}
	if len(s.stack) == 1 {
		s.free, s.test = key == "training", key == "self_test"
	}
	if top.keys[key] {
		return corrupt(clip(key), "appears twice in one object (byte %d)", from)
	}
	if !s.free && !snakeCase(key) {
		return corrupt(clip(key), "unknown field (byte %d)", from)
	}
	top.keys[key] = true
	return nil
}

func checkRequired(keys map[string]bool) error {
	i := slices.IndexFunc(required, func(k string) bool { return !keys[k] })
	if i >= 0 {
		return corrupt(required[i], "is required")
	}
	return nil
}

// stringEnd returns the index after the string literal that starts at i.
func stringEnd(data []byte, i int) int {
	for i++; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(data))
}

func snakeCase(key string) bool {
	for _, c := range []byte(key) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// clip shortens text of unknown length for a message.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
