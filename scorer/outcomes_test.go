package scorer

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
)

// grownModel looks at eight columns, too many for tables of reasons, by trees of
// inner nodes each.
func grownModel(t *testing.T, trees, inner int, routes bool) *model.Model {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(trees), uint64(inner)))
	return changed(t, func(s *model.Spec) {
		s.Features, s.Reference, s.SelfTest, s.Trees = nil, nil, nil, nil
		top := map[string]float64{"ApplicantIncome": 9000, "CoapplicantIncome": 2000, "LoanAmount": 400, "TotalIncome": 11000, "Loan_Amount_Term": 400}
		for _, name := range []string{"ApplicantIncome", "CoapplicantIncome", "LoanAmount", "Credit_History", "Property_Area", "Gender", "TotalIncome", "Loan_Amount_Term"} {
			f := model.Feature{Name: name, Kind: model.Number}
			switch name {
			case "Property_Area":
				f.Kind, f.Categories = model.Category, []string{"Rural", "Semiurban", "Urban"}
			case "Gender":
				f.Kind, f.Categories = model.Category, []string{"Male", "Female"}
			default:
				var edges []float64
				for e := range maxEdges {
					edges = append(edges, max(1, top[name])*float64(e)/maxEdges)
				}
				s.Reference = append(s.Reference, model.Distribution{Feature: name, Rows: 100, Deciles: edges})
			}
			if !routes && name != "CoapplicantIncome" {
				f.Missing = &model.Missing{Rule: model.Constant, Value: 1}
			}
			s.Features = append(s.Features, f)
		}
		for n := range trees {
			s.Trees = append(s.Trees, grownTree(rng, s.Features, top, inner, n))
			if routes {
				s.Trees[n].MissingLeft = missingLeft(rng, s.Trees[n].Left)
			}
		}
	})
}

func grownTree(rng *rand.Rand, features []model.Feature, top map[string]float64, inner, first int) (t model.Tree) {
	add := func(samples float64) {
		yes := math.Floor(rng.Float64() * samples)
		t.Feature, t.Threshold = append(t.Feature, -1), append(t.Threshold, 0)
		t.Left, t.Right = append(t.Left, -1), append(t.Right, -1)
		t.Value, t.Samples = append(t.Value, []float64{samples - yes, yes}), append(t.Samples, samples)
	}
	add(1 << 40)
	for at := range inner {
		f := (first + at) % len(features)
		t.Feature[at], t.Threshold[at] = int32(f), 0.5
		if most := top[features[f].Name]; most > 0 {
			t.Threshold[at] = math.Round(rng.Float64() * most)
		}
		t.Left[at], t.Right[at] = int32(len(t.Left)), int32(len(t.Left)+1)
		left := math.Ceil(t.Samples[at] * (0.2 + 0.6*rng.Float64()))
		add(left)
		add(t.Samples[at] - left)
	}
	return t
}

func missingLeft(rng *rand.Rand, left []int32) []bool {
	out := make([]bool, len(left))
	for at := range out {
		out[at] = left[at] >= 0 && rng.IntN(2) == 0
	}
	return out
}

// byRows scores a text row by row.
func byRows(t *testing.T, s *Scorer, text string) (rows [][]string, tally status.Tally) {
	t.Helper()
	tally = status.NewTally()
	scanRows(t, text, func(rec *ingest.Record, app *ingest.Application, err error) {
		var v Verdict
		if err == nil {
			v, err = s.Score(app)
		}
		tally.Rows++
		var row *ingest.RowError
		if errors.As(err, &row) {
			tally.Rejected[row.Code]++
			return
		}
		cells := []string{strconv.FormatInt(rec.Offset, 10), strconv.FormatFloat(v.Probability, 'g', -1, 64), string(v.Decision), v.Imputed}
		rows = append(rows, append(cells, v.Codes[:]...))
		tally.Decided[string(v.Decision)]++
		tally.Histogram[status.ScoreBin(v.Probability)]++
		if v.Codes[0] != "" {
			tally.Reason(v.Codes[0], 1)
		}
		if v.Imputed != "" {
			tally.Imputed[v.Imputed]++
		}
		if area, ok := app.Category(ingest.PropertyArea); ok {
			tally.Area(area, string(v.Decision), 1)
		}
		binRow(t, s, app, &tally)
	})
	return rows, tally
}

// binRow counts a row's values by the bins of their distributions.
func binRow(t *testing.T, s *Scorer, app *ingest.Application, tally *status.Tally) {
	t.Helper()
	var x [maxFeatures]float64
	if _, err := s.inputs(app, x[:len(s.features)]); err != nil {
		t.Fatal(err)
	}
	for i := range s.drift {
		d := &s.drift[i]
		bins := status.Bins{Rows: make([]int64, len(d.reference.Labels))}
		if v := x[d.feature]; math.IsNaN(v) {
			bins.Missing++
		} else {
			bins.Rows[slices.Index(d.reference.Labels, labelOf(d, v))]++
		}
		tally.Bins(d.reference.Feature, bins)
	}
}

// Whatever a model is like, and however it is looked up, a file has the
// decisions, reasons and counts of its rows.
func TestOutcomesAreOfRows(t *testing.T) {
	t.Parallel()
	models := challengers(t)
	models["small, without tables of reasons"] = grownModel(t, 2, 9, false)
	models["small, without tables, routed"] = grownModel(t, 2, 9, true)
	models["too large for a grid"] = grownModel(t, 40, 100, false)
	text := shadowText(2*ingest.BlockRows + 77)
	for name, m := range models {
		for _, o := range []Options{{}, {NoReasons: true}, {Policy: &model.Policy{ApproveAbove: 0.99, DeclineAt: 0.4}}} {
			t.Run(fmt.Sprint(name, o), func(t *testing.T) {
				t.Parallel()
				s := mustScorer(t, m, o)
				want, wantTally := byRows(t, s, text)
				got := scoreWith(t, s, text)
				var rows [][]string
				for _, name := range append([]string{"source_offset", "probability", "decision", "imputed"}, reasonColumns()...) {
					for i, cell := range got.column(t, name) {
						if len(rows) == i {
							rows = append(rows, nil)
						}
						rows[i] = append(rows[i], cell)
					}
				}
				if diff := cmp.Diff(want, rows); diff != "" {
					t.Fatalf("(-row by row +blocks): %s", diff)
				}
				gotTally, err := ScoreFile(t.Context(), s, textSource(text), io.Discard, FileOptions{DecidedAt: decidedAt(), Rejects: io.Discard, segment: 10_000})
				if err != nil || !wantTally.Equal(&gotTally) {
					t.Errorf("%v (-row by row +blocks): %s", err, cmp.Diff(wantTally, gotTally))
				}
			})
		}
	}
}
