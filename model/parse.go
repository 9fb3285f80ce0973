package model

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// document is a model file: the format's name and version, then the Spec.
type document struct {
	Format string `json:"format"`
	V      int    `json:"v"`
	Spec
}

// Parse reads a model file. It is strict: unknown, duplicate, missing and null
// fields, data after the document and anything that could make scoring wrong,
// endless or slow is refused with an error that wraps [ErrCorrupt]. So is a file
// whose self-test fails: most changes by accident or by hand are found by it,
// but only comparing the SHA-256 finds all. Parse keeps its own copy of data.
func Parse(data []byte) (*Model, error) {
	m, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w (restore the file from where it came, or make it anew with "+
			"'loanscorer model import' or 'loanscorer train')", err)
	}
	return m, nil
}

func parse(data []byte) (*Model, error) {
	doc, err := decode(data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	return compile(&doc.Spec, slices.Clone(data), hex.EncodeToString(sum[:]))
}

func decode(data []byte) (*document, error) {
	switch {
	case len(data) > MaxFileBytes:
		return nil, corrupt("file", "%d bytes, more than %d", len(data), MaxFileBytes)
	case len(bytes.TrimSpace(data)) == 0:
		return nil, corrupt("file", "is empty")
	case !utf8.Valid(data):
		return nil, corrupt("file", "is not UTF-8 text")
	}
	var doc document
	if err := checkSyntax(data); err != nil {
		return nil, err
	}
	if err := scanKeys(data); err != nil {
		return nil, err
	}
	if err := unmarshalStrict(data, &doc); err != nil {
		if !errors.Is(err, ErrCorrupt) {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		return nil, err
	}
	if doc.Format != Format {
		return nil, corrupt("format", "is %.40q, want %q", doc.Format, Format)
	}
	if doc.V != FormatVersion {
		return nil, corrupt("v", "is %d, this program reads %d", doc.V, FormatVersion)
	}
	return &doc, doc.validate()
}

// checkSyntax reports the first JSON syntax error with its line.
func checkSyntax(data []byte) error {
	if json.Valid(data) {
		return nil
	}
	var none json.RawMessage
	err := json.Unmarshal(data, &none)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line := 1 + bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
		return corrupt("file", "not one JSON document: line %d: %v", line, err)
	}
	return corrupt("file", "not one JSON document: %v", err)
}

// unmarshalStrict is json.Unmarshal that refuses unknown fields.
func unmarshalStrict(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(v)
}
