package model

import (
	_ "embed"
	"sync"
)

// defaultJSON is written by loanscorer train; docs/model-card.md describes it
// and says how.
//
//go:embed default.json
var defaultJSON []byte

var parseDefault = sync.OnceValues(func() (*Model, error) { return Parse(defaultJSON) })

// Default returns the model that the program carries: 25 trees over
// TotalIncome, LoanAmount, Credit_History and Property_Area. It is parsed
// once.
func Default() *Model {
	m, err := parseDefault()
	if err != nil {
		panic("the embedded model does not parse: " + err.Error()) // a test parses it
	}
	return m
}
