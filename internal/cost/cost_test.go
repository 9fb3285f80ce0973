package cost

import (
	"math"
	"strings"
	"testing"
	"time"
)

func estimate(t *testing.T, p Platform, v Volume) *Estimate {
	t.Helper()
	prices, err := LoadPrices()
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(prices, DefaultAssumptions(), p, v)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// quantity is what an estimate counts of one thing.
func (e *Estimate) quantity(price, why string) float64 {
	var sum float64
	for _, i := range e.Items {
		if i.Price == price && strings.HasPrefix(i.Why, why) {
			sum += i.Quantity
		}
	}
	return sum
}

func TestPrices(t *testing.T) {
	t.Parallel()
	prices, err := LoadPrices()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.DateOnly, prices.AsOf); err != nil || prices.Region != "us-east-1" || prices.Currency != "USD" {
		t.Errorf("as of %q, region %q, currency %q: %v", prices.AsOf, prices.Region, prices.Currency, err)
	}
	used := map[string]bool{}
	for _, platform := range Platforms() {
		for _, v := range []Volume{{Applications: 1e3, Rows: 1e3}, {Applications: 1e8, Rows: 1e8}} {
			for _, i := range estimate(t, platform, v).Items {
				used[i.Price] = true
			}
		}
	}
	for name, p := range prices.Prices {
		if p.USD <= 0 || p.Unit == "" || !strings.HasPrefix(p.Source, "https://aws.amazon.com/") {
			t.Errorf("%s: %+v", name, p)
		}
		if !used[name] {
			t.Errorf("%s: is never used", name)
		}
	}
}

// A million applications on Lambda, counted by hand.
func TestLambdaByHand(t *testing.T) {
	t.Parallel()
	e := estimate(t, LambdaZip, Volume{Applications: 1e6})
	const batches = 1e6 / (1 + 1e6/(730.0*3600)) // one second's worth in each
	for _, tt := range []struct {
		price, why string
		want       float64
	}{
		{"http_api_request", "POST", 3e6},
		{"lambda_request", "api", 3e6},
		{"lambda_gb_second", "api", 3e6 * 0.020 * 0.5},
		{"lambda_request", "worker", batches},
		{"sqs_request", "send", 1e6},
		{"s3_put", "a document", 1e6},
		{"s3_put", "result files", batches},
		{"s3_get", "polls", 4e6},
		{"s3_gb_month", "documents", 1e6 * 1500 * 25 / (1 << 30)},
	} {
		if got := e.quantity(tt.price, tt.why); math.Abs(got-tt.want) > tt.want/1e9 {
			t.Errorf("%s, %s: %v, want %v", tt.price, tt.why, got, tt.want)
		}
	}
	var sum float64
	for _, i := range e.Items {
		sum += i.USD
	}
	if math.Abs(sum-e.USD) > 1e-9 {
		t.Errorf("items add up to %v, not %v", sum, e.USD)
	}
}

// What docs/deploy.md says: a single application costs more than in a
// synchronous design, a row of a file thousands of times less.
func TestFinding(t *testing.T) {
	t.Parallel()
	nothing := estimate(t, LambdaZip, Volume{}).USD
	for _, n := range []float64{1e6, 1e8} {
		single := (estimate(t, LambdaZip, Volume{Applications: n}).USD - nothing) / n * 1e6
		synchronous := (estimate(t, Synchronous, Volume{Applications: n}).USD - estimate(t, Synchronous, Volume{}).USD) / n * 1e6
		row := (estimate(t, LambdaZip, Volume{Rows: n}).USD - nothing) / n * 1e6
		if single < 12 || single > 20 || synchronous < 4 || synchronous > 6 {
			t.Errorf("%v: USD a million: single %.2f, synchronous %.2f", n, single, synchronous)
		}
		if single/row < 1000 {
			t.Errorf("%v: a single application costs %.0f times a row", n, single/row)
		}
	}
}

func TestMoreCostsMore(t *testing.T) {
	t.Parallel()
	for _, platform := range Platforms() {
		last := -1.0
		for _, n := range []float64{0, 1, 1e3, 1e5, 1e6, 1e7, 1e8, 1e9} {
			e := estimate(t, platform, Volume{Applications: n, Rows: n})
			if math.IsNaN(e.USD) || math.IsInf(e.USD, 0) || e.USD < last {
				t.Errorf("%s: %v costs %v, less costs %v", platform, n, e.USD, last)
			}
			last = e.USD
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	prices, err := LoadPrices()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(prices, DefaultAssumptions(), "mainframe", Volume{}); err == nil || !strings.Contains(err.Error(), "lambda-zip") {
		t.Errorf("platform: %v", err)
	}
	a := DefaultAssumptions()
	a.RowsPerSecond = 0
	if _, err := New(prices, a, LambdaZip, Volume{}); err == nil || !strings.Contains(err.Error(), "rows-per-second") {
		t.Errorf("rows-per-second 0: %v", err)
	}
	delete(prices.Prices, "s3_put")
	if _, err := New(prices, DefaultAssumptions(), LambdaZip, Volume{Applications: 1}); err == nil || !strings.Contains(err.Error(), "s3_put") {
		t.Errorf("without a price: %v", err)
	}
}
