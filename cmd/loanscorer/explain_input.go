package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
)

// featuresOf reads one application into the model's features.
func featuresOf(m *model.Model, data []byte) ([]float64, error) {
	features := m.Features()
	columns := make([]ingest.Column, len(features))
	for i, f := range features {
		c, ok := ingest.LookupColumn(f.Name)
		if !ok || c.Numeric() != (f.Kind == model.Number) {
			return ownFeatures(features, data)
		}
		columns[i] = c
	}
	a, err := ingest.DecodeJSON(data)
	if err != nil {
		return nil, err
	}
	x := make([]float64, len(features))
	for i, f := range features {
		if x[i], err = published(f, columns[i], a); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// published is the value of a column; NaN when it is missing.
func published(f model.Feature, c ingest.Column, a *ingest.Application) (float64, error) {
	if f.Kind == model.Category {
		name, ok := a.Category(c)
		if !ok {
			return math.NaN(), nil
		}
		return codeOf(f, name)
	}
	v, ok := a.Number(c)
	if c == ingest.TotalIncome {
		v, ok = a.TotalIncome()
	}
	if !ok {
		return math.NaN(), nil
	}
	return v, nil
}

func codeOf(f model.Feature, name string) (float64, error) {
	code, ok := f.Code(strings.TrimSpace(name))
	if !ok {
		return 0, fmt.Errorf("%s: %.60q is not one of %s", f.Name, name, strings.Join(f.Categories, ", "))
	}
	return code, nil
}

// ownFeatures reads an object of the model's own feature names: numbers, the
// names of categories, and null or nothing for a missing value.
func ownFeatures(features []model.Feature, data []byte) ([]float64, error) {
	var object map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&object); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if d.More() || object == nil {
		return nil, errors.New("not one JSON object")
	}
	x := make([]float64, len(features))
	for i, f := range features {
		var err error
		switch v := object[f.Name].(type) {
		case nil:
			x[i] = math.NaN()
		case float64:
			x[i] = v
		case string:
			x[i], err = codeOf(f, v)
		default:
			err = fmt.Errorf("%s: want a number, a category's name or null", f.Name)
		}
		if err != nil {
			return nil, err
		}
		delete(object, f.Name)
	}
	for name := range object {
		return nil, fmt.Errorf("%.60q is not a feature of the model", name)
	}
	return x, nil
}
