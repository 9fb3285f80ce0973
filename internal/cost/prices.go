package cost

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed prices.json
var pricesJSON []byte

// Price is one line of the price table.
type Price struct {
	USD    float64 `json:"usd"` // for one unit
	Unit   string  `json:"unit"`
	Source string  `json:"source"` // address of the public price list
}

// Prices is a price table.
type Prices struct {
	Region   string           `json:"region"`
	Currency string           `json:"currency"`
	AsOf     string           `json:"as_of"` // YYYY-MM-DD
	Prices   map[string]Price `json:"prices"`
}

// LoadPrices returns the table of this program.
func LoadPrices() (*Prices, error) {
	var p Prices
	if err := json.Unmarshal(pricesJSON, &p); err != nil {
		return nil, fmt.Errorf("price table: %w", err)
	}
	return &p, nil
}
