package diff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model"
)

// stump decides by one threshold.
func stump(t *testing.T, change func(s *model.Spec)) *model.Model {
	t.Helper()
	s := &model.Spec{
		Name: "stump", Version: "1", Policy: model.Policy{ApproveAbove: 0.6, DeclineAt: 0.4}, ValueUnit: model.Count, Positive: 1,
		Classes: []model.Class{model.StringClass("N"), model.StringClass("Y")},
		Features: []model.Feature{
			{Name: "income", Kind: model.Number, Missing: &model.Missing{Rule: model.Constant, Value: 3, Fitted: "mean"}},
			{Name: "area", Kind: model.Category, Categories: []string{"a", "b"}, Missing: &model.Missing{Rule: model.Constant, Value: 1}},
		},
		Training:  json.RawMessage(`{"seed":1,"metrics":{"auc":0.71234567891,"folds":[1,2]},"library":"x"}`),
		Reference: []model.Distribution{{Feature: "income", Rows: 9, Missing: 1, Deciles: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9}}},
		Trees: []model.Tree{{
			Feature: []int32{0, -1, -1}, Threshold: []float64{5, 0, 0}, Left: []int32{1, -1, -1}, Right: []int32{2, -1, -1},
			Value: [][]float64{{5, 5}, {4, 1}, {1, 4}}, Samples: []float64{10, 5, 5},
		}},
	}
	if change != nil {
		change(s)
	}
	data, err := model.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	m, err := model.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFiles(t *testing.T) {
	t.Parallel()
	a := stump(t, nil)
	for _, tc := range []struct {
		name   string
		change func(s *model.Spec)
		same   bool
		want   []Change
	}{
		{"nothing", func(*model.Spec) {}, true, nil},
		{"version", func(s *model.Spec) { s.Version = "2" }, true, nil},
		{"policy", func(s *model.Spec) { s.Policy.DeclineAt = 0.5 }, true, []Change{{"policy", "declined at or below", "0.4", "0.5"}}},
		{"constant", func(s *model.Spec) { s.Features[0].Missing.Value = 4 }, false, []Change{
			{"features", "income", "number; missing: 3 (mean)", "number; missing: 4 (mean)"},
		}},
		{"threshold", func(s *model.Spec) { s.Trees[0].Threshold[0] = 6 }, false, nil},
		{"category", func(s *model.Spec) { s.Features[1].Missing = nil }, false, []Change{
			{"features", "area", "category a, b; missing: b", "category a, b; missing: no rule"},
		}},
		{"fewer features", func(s *model.Spec) { s.Features = s.Features[:1] }, false, []Change{
			{"features", "area", "category a, b; missing: b", ""},
		}},
		{"order", func(s *model.Spec) {
			s.Features[0], s.Features[1], s.Trees[0].Feature[0] = s.Features[1], s.Features[0], 1
		}, false, []Change{
			{"features", "order", "income, area", "area, income"},
		}},
		{"positive", func(s *model.Spec) { s.Positive = 0 }, false, []Change{{"classes", "approval", "Y", "N"}}},
		{"training", func(s *model.Spec) {
			s.Training = json.RawMessage(`{"seed":2,"metrics":{"auc":0.71234567892,"folds":[1,3]},"rows":5,"library":"x"}`)
		}, true, []Change{
			{"training", "metrics.auc", "0.71234567891", "0.71234567892"},
			{"training", "metrics.folds", "[1,2]", "[1,3]"},
			{"training", "seed", "1", "2"},
			{"training", "rows", "", "5"},
		}},
		{"reference", func(s *model.Spec) { s.Reference[0].Rows = 10 }, true, []Change{
			{"reference", "income", "9 rows, 1 missing, 10 % 1, median 5, 90 % 9", "10 rows, 1 missing, 10 % 1, median 5, 90 % 9"},
		}},
		{"two trees", func(s *model.Spec) { s.Trees = append(s.Trees, s.Trees[0]) }, false, []Change{
			{"forest", "trees", "1", "2"}, {"forest", "nodes", "3", "6"}, {"forest", "leaves", "2", "4"},
		}},
	} {
		r := Files(a, stump(t, tc.change))
		if r.SameContent != tc.same {
			t.Errorf("%s: same content %v", tc.name, r.SameContent)
		}
		var got []Change
		for _, c := range r.Changes {
			if c.Name != "content" { // hashes
				got = append(got, c)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// Everything is counted again the slow way.
func TestComparison(t *testing.T) {
	t.Parallel()
	a, b := stump(t, nil), stump(t, func(s *model.Spec) { s.Policy = model.DefaultPolicy() })
	c := NewComparison(a, b, "area")
	var rows []Row
	for i := range 500 {
		row := Row{A: float64(i%50) / 49, B: math.Mod(float64(i)*0.0137, 1), Outcome: Outcome(i % 3), Groups: []string{fmt.Sprint("g", i%4)}}
		rows = append(rows, row)
		if err := c.Add(row); err != nil {
			t.Fatal(err)
		}
	}
	c.Refuse("file", "bad_number")
	c.Refuse("a", "missing_value")
	c.Refuse("file", "bad_number")
	r := c.Rows()
	if r.Read != 503 || r.Compared != 500 || len(r.Refused) != 2 || r.Refused[0] != (Refused{"file", "bad_number", 2}) {
		t.Errorf("read %d, compared %d, refused %v", r.Read, r.Compared, r.Refused)
	}
	if len(r.Decisions) != 6 { // A refers, B does not
		t.Errorf("%d pairs of decisions", len(r.Decisions))
	}
	same, total := 0, 0
	for _, cell := range r.Decisions {
		n, known, good := 0, 0, 0
		for _, row := range rows {
			if a.Policy().Decide(row.A) == cell.A && b.Policy().Decide(row.B) == cell.B {
				n++
				if row.Outcome != Unknown {
					known++
				}
				if row.Outcome == Positive {
					good++
				}
			}
		}
		if n != cell.Rows.Count || cell.Positive.Of != known || cell.Positive.Count != good {
			t.Errorf("%s -> %s: %+v, want %d rows, %d known, %d good", cell.A, cell.B, cell, n, known, good)
		}
		total += n
		if !cell.Swap() {
			same += n
		}
	}
	if total != 500 || r.Agreement.Count != same {
		t.Errorf("%d rows in all, %d agree, want %d", total, r.Agreement.Count, same)
	}
	checkGroups(t, r, rows)
	checkScores(t, r, rows)
}

func checkGroups(t *testing.T, r *Rows, rows []Row) {
	t.Helper()
	gained, lost := 0, 0
	for i, g := range r.Columns[0].Groups {
		gained, lost = gained+g.Gained, lost+g.Lost
		if i > 0 && math.Abs(g.Approval.Change) > math.Abs(r.Columns[0].Groups[i-1].Approval.Change) {
			t.Error("groups are not in the order of their change")
		}
		if math.Abs(g.Approval.Change-(g.Approval.B.Share-g.Approval.A.Share)) > 1e-12 {
			t.Errorf("group %s: change %v", g.Value, g.Approval)
		}
	}
	change := float64(gained-lost) / float64(len(rows))
	if len(r.Columns[0].Groups) != 4 || math.Abs(r.Approval.Change-change) > 1e-12 {
		t.Errorf("%d groups, change %v, want %v", len(r.Columns[0].Groups), r.Approval.Change, change)
	}
}

func checkScores(t *testing.T, r *Rows, rows []Row) {
	t.Helper()
	mean, inHistogram := 0.0, 0
	for _, row := range rows {
		mean += (row.B - row.A) / float64(len(rows))
	}
	for _, bin := range r.Score.Histogram {
		inHistogram += bin.Rows
	}
	if math.Abs(r.Score.Change-mean) > 1e-12 || math.Abs(r.Score.MeanB-r.Score.MeanA-mean) > 1e-12 || inHistogram != len(rows) {
		t.Errorf("change %v, want %v; %d rows in the histogram", r.Score.Change, mean, inHistogram)
	}
	for _, q := range r.Score.Quantiles {
		below := 0
		for _, row := range rows {
			if row.B-row.A <= q.Value+0.001 {
				below++
			}
		}
		if float64(below) < q.Share*float64(len(rows)) {
			t.Errorf("only %d rows at or below the quantile %+v", below, q)
		}
	}
}

func TestComparisonRefusesTooManyGroups(t *testing.T) {
	t.Parallel()
	c := NewComparison(stump(t, nil), stump(t, nil), "id")
	var err error
	for i := 0; err == nil && i < 200; i++ {
		err = c.Add(Row{Groups: []string{strconv.Itoa(i)}})
	}
	if !errors.Is(err, ErrGroups) || !strings.Contains(err.Error(), "column id") {
		t.Errorf("%v", err)
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	a, b := stump(t, nil), stump(t, func(s *model.Spec) { s.Version, s.Name = "2", "<b>" })
	for name, fill := range map[string]func(c *Comparison) error{
		"no rows":  func(*Comparison) error { return nil },
		"one row":  func(c *Comparison) error { return c.Add(Row{A: 0, B: 1, Groups: []string{"x"}}) },
		"all same": func(c *Comparison) error { return c.Add(Row{A: 1, B: 1, Groups: []string{"x"}}) },
	} {
		r, c := Files(a, b), NewComparison(a, b, "area")
		if err := fill(c); err != nil {
			t.Fatal(err)
		}
		r.Rows = c.Rows()
		var page bytes.Buffer
		if err := WriteReport(&page, r); err != nil {
			t.Fatal(err)
		}
		if text := page.String(); strings.Contains(text, "<b> ") || strings.Contains(text, "NaN") || !strings.Contains(text, "every probability is") {
			t.Errorf("%s: %s", name, text)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
