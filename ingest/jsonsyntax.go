package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// MaxJSON is the size of the largest application document in bytes.
const MaxJSON = 64 << 10

// maxDepth bounds the nesting of a document; an application needs 1.
const maxDepth = 16

// Errors of DecodeJSON that concern the document and not its fields.
var (
	// ErrMalformed says that the input is not one well-formed JSON object in UTF-8 without duplicate names.
	ErrMalformed = errors.New("malformed JSON")
	// ErrTooLarge says that the document is longer than MaxJSON.
	ErrTooLarge = errors.New("JSON document too large")
)

type member struct {
	name  string
	value json.RawMessage // without surrounding space
}

// parseObject checks a whole document and returns its members in order.
func parseObject(data []byte) ([]member, error) {
	if len(data) > MaxJSON {
		return nil, fmt.Errorf("%d bytes, %d are allowed: %w", len(data), MaxJSON, ErrTooLarge)
	}
	if err := checkDocument(data); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, malformed("the document must be an object")
	}
	var members []member
	seen := make(map[string]bool)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, malformed(err.Error())
		}
		var m member
		m.name, _ = token.(string) // as the document is valid, it is one
		if seen[m.name] {
			return nil, malformed("a name is given twice, before byte " + strconv.FormatInt(dec.InputOffset(), 10))
		}
		seen[m.name] = true
		if err := dec.Decode(&m.value); err != nil {
			return nil, malformed(err.Error())
		}
		members = append(members, m)
	}
	return members, nil
}

// checkDocument refuses what encoding/json would not read, and what it would quietly repair.
func checkDocument(data []byte) error {
	if !utf8.Valid(data) {
		return malformed("the document is not UTF-8")
	}
	if err := checkNesting(data); err != nil {
		return err
	}
	var document json.RawMessage
	err := json.Unmarshal(data, &document)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return malformed(syntax.Error() + " at byte " + strconv.FormatInt(syntax.Offset, 10))
	}
	if err != nil {
		return malformed(err.Error())
	}
	if hasLoneSurrogate(data) {
		return malformed("a string holds half of a surrogate pair")
	}
	return nil
}

func malformed(what string) error {
	return fmt.Errorf("%s: %w", what, ErrMalformed)
}

// checkNesting refuses deep documents before anything recursive sees them.
func checkNesting(data []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return malformed("the document is nested deeper than " + strconv.Itoa(maxDepth))
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// hasLoneSurrogate looks for \u escapes of UTF-16 surrogates without their other half, which encoding/json
// replaces by U+FFFD. The document must be valid JSON.
func hasLoneSurrogate(data []byte) bool {
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		i++
		switch unit := escapedUnit(data[i-1:]); {
		case 0xD800 <= unit && unit < 0xDC00:
			if low := escapedUnit(data[i+5:]); low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 10
		case 0xDC00 <= unit && unit < 0xE000:
			return true
		}
	}
	return false
}

// escapedUnit returns the UTF-16 unit of the \uXXXX escape at the start of b, or -1.
func escapedUnit(b []byte) int {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(b[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(unit)
}
