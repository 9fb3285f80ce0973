// Package traintest holds synthetic loans and what scikit-learn computes from
// them, for tests alone. golden.py makes both files.
package traintest

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/train"
)

//go:embed loans.csv
var loans []byte

//go:embed golden.json
var golden []byte

// Loans returns the four default features of the synthetic loans.
func Loans(tb testing.TB) *train.Data {
	tb.Helper()
	return Read(tb, loans)
}

// Read is Loans for other loans with the published columns.
func Read(tb testing.TB, data []byte) *train.Data {
	tb.Helper()
	rows, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		tb.Fatal(err)
	}
	at := func(name string) int { return slices.Index(rows[0], name) }
	areas := []string{"Rural", "Semiurban", "Urban"}
	d := &train.Data{
		Columns: []train.Column{
			{Name: "TotalIncome", Fill: train.Refuse},
			{Name: "LoanAmount", Fill: train.Mean},
			{Name: "Credit_History", Fill: train.Mode},
			{Name: "Property_Area", Categories: areas, Fill: train.Refuse},
		},
		Classes: []model.Class{model.StringClass("N"), model.StringClass("Y")}, Positive: 1,
	}
	number := func(row []string, name string) float64 {
		if row[at(name)] == "" {
			return math.NaN()
		}
		v, err := strconv.ParseFloat(row[at(name)], 64)
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
	for _, row := range rows[1:] {
		for i, v := range []float64{
			number(row, "ApplicantIncome") + number(row, "CoapplicantIncome"), number(row, "LoanAmount"),
			number(row, "Credit_History"), float64(slices.Index(areas, row[at("Property_Area")])),
		} {
			d.Columns[i].Values = append(d.Columns[i].Values, v)
		}
		d.Labels = append(d.Labels, map[string]int{"N": 0, "Y": 1}[row[at("Loan_Status")]])
	}
	return d
}

// Digest is the SHA-256 of golden.py over trees.
func Digest(trees []model.Tree) string {
	h := sha256.New()
	for _, t := range trees {
		for _, a := range []any{t.Feature, t.Threshold, t.Left, t.Right, slices.Concat(t.Value...), t.Samples} {
			if err := binary.Write(h, binary.LittleEndian, a); err != nil {
				panic(err)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Params are parameters under scikit-learn's parameters.
type Params struct {
	Trees       int    `json:"n_estimators"`
	Depth       *int   `json:"max_depth"`
	Split       int    `json:"min_samples_split"`
	Leaf        int    `json:"min_samples_leaf"`
	Features    int    `json:"max_features"`
	Bootstrap   *bool  `json:"bootstrap"`
	Seed        uint32 `json:"random_state"`
	Criterion   string `json:"criterion"`
	ClassWeight string `json:"class_weight"`
}

// Native returns the same for package train.
func (p Params) Native() train.Params {
	n := train.Params{
		Trees: p.Trees, MaxDepth: train.Unlimited, MinSamplesSplit: p.Split, MinSamplesLeaf: p.Leaf,
		MaxFeatures: p.Features, NoBootstrap: p.Bootstrap != nil && !*p.Bootstrap, Seed: p.Seed,
		Criterion: train.Criterion(p.Criterion), ClassWeight: train.ClassWeight(p.ClassWeight),
	}
	if p.Depth != nil {
		n.MaxDepth = *p.Depth
	}
	return n
}

// Golden is golden.json.
type Golden struct {
	Randint   []uint32 `json:"randint"`
	TestFolds []string `json:"test_folds"`
	Forests   []struct {
		Params Params `json:"params"`
		SHA256 string `json:"sha256"`
	} `json:"forests"`
	Seeds      int `json:"seeds"`
	Statistics map[string]struct {
		Mean float64 `json:"mean"`
		SD   float64 `json:"sd"`
	} `json:"statistics"`
	Near []struct {
		Params   Params  `json:"params"`
		Accuracy float64 `json:"accuracy"`
		AUC      float64 `json:"auc"`
	} `json:"near"`
}

// ReadGolden returns what scikit-learn computed from the synthetic loans.
func ReadGolden(tb testing.TB) *Golden {
	tb.Helper()
	var g Golden
	if err := json.Unmarshal(golden, &g); err != nil {
		tb.Fatal(err)
	}
	return &g
}
