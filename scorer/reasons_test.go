package scorer

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

const operatorsTable = `{"format":"loanscorer/reasons","v":1,"reasons":[
	{"code":"R01","feature":"Credit_History","text":{"en":"History","pt":"Histórico"}},
	{"code":"R02","feature":"LoanAmount","missing":true,"text":{"en":"No amount"}}]}`

func mustTable(tb testing.TB, text string) explain.Table {
	tb.Helper()
	table, err := explain.ParseTable([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return table
}

func mustScorer(tb testing.TB, m *model.Model, o Options) *Scorer {
	tb.Helper()
	s, err := NewWith(m, o)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// changed is the default model with something else about it.
func changed(tb testing.TB, change func(*model.Spec)) *model.Model {
	tb.Helper()
	spec := model.Default().Spec()
	change(spec)
	data, err := model.Encode(spec)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := model.Parse(data)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// unexplained is a model whose nodes do not say how many rows reached them.
func unexplained(tb testing.TB) *model.Model {
	tb.Helper()
	return changed(tb, func(s *model.Spec) {
		for i := range s.Trees {
			s.Trees[i].Samples = slices.Repeat([]float64{1}, len(s.Trees[i].Samples))
		}
	})
}

// reasonsText is a file of n rows of all kinds: values missing, rows that
// cannot be read, an amount that no float32 holds.
func reasonsText(n int) string {
	var b strings.Builder
	b.WriteString("Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area\n")
	for i := range n {
		amount, history := strconv.Itoa(20+i*37%400), strconv.Itoa(min(1, i%4))
		if i%5 == 0 {
			amount = ""
		}
		switch i % 7 {
		case 1:
			history = ""
		case 3:
			amount += "x"
		case 5:
			if i%3 == 0 {
				amount = "1e39"
			}
		}
		fmt.Fprintf(&b, "L%d,%d,%d,%s,%s,%s\n", i, 500+i*131%9000, i%3*700, amount, history, [...]string{"Rural", "Semiurban", "Urban"}[i%3])
	}
	return b.String()
}

// direct are the codes of a row as package explain gives them.
func direct(t *testing.T, e *explain.Explainer, p model.Policy, x []float64) [explain.MaxReasons]string {
	t.Helper()
	var codes [explain.MaxReasons]string
	probability, err := e.Model().Probability(x)
	if err != nil {
		t.Fatal(err)
	}
	if p.Decide(probability) == model.Approved {
		return codes
	}
	phi := make([]float64, len(x))
	if _, err := e.Explain(x, phi); err != nil {
		t.Fatal(err)
	}
	for i, r := range e.Reasons(x, phi, nil) {
		codes[i] = r.Code
	}
	return codes
}

func number(t *testing.T, cell string) float64 {
	t.Helper()
	if cell == "" {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The reasons in a file are those of package explain, row by row; approved rows
// have none.
func TestReasonsOfAFile(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"default": {}, "referring": {Policy: &model.Policy{ApproveAbove: 0.9, DeclineAt: 0.4}},
		"operator's table": {Reasons: mustTable(t, operatorsTable)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustScorer(t, model.Default(), o)
			e, err := explain.NewWith(model.Default(), explain.Options{Table: o.Reasons})
			if err != nil {
				t.Fatal(err)
			}
			got := scoreWith(t, s, reasonsText(1500))
			cells := map[string][]string{}
			for _, c := range got.Rows[0] {
				cells[c] = got.column(t, c)
			}
			with, decisions := map[string]int{}, map[string]int{}
			for i := range cells["decision"] {
				x := []float64{
					number(t, cells["total_income"][i]), number(t, cells["LoanAmount"][i]), number(t, cells["Credit_History"][i]),
					float64(strings.Index("RSU", cells["Property_Area"][i][:1])),
				}
				var codes [explain.MaxReasons]string
				for n := range codes {
					codes[n] = cells[colReason+strconv.Itoa(n+1)][i]
				}
				if want := direct(t, e, s.policy, x); codes != want {
					t.Fatalf("row %d, %v, %s: %q, want %q", i, x, cells["decision"][i], codes, want)
				}
				decisions[cells["decision"][i]]++
				if codes[0] != "" {
					with[cells["decision"][i]]++
				}
			}
			if with["approved"] > 0 || with["declined"] < 50 || name == "referring" && with["referred"] < 50 {
				t.Errorf("rows with reasons: %v of %v", with, decisions)
			}
		})
	}
}

// The document of an application and its row carry the reasons of package
// explain.
func TestReasonsOfApplications(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{"default": {}, "operator's table": {Reasons: mustTable(t, operatorsTable)}} {
		s, clock := newSimStore(), newSimClock()
		a := simWorker(t, s, clock)
		a.o.Scorer = mustScorer(t, model.Default(), o)
		declined := strings.NewReplacer(`"LoanAmount":100,`, ``, `"Credit_History":1`, `"Credit_History":0`).Replace(simGood)
		batch := []events.Message{simMessage(t, 0, 1, simGood), simMessage(t, 1, 1, declined)}
		if errs := a.Handle(t.Context(), batch); errs[0] != nil || errs[1] != nil {
			t.Fatal(errs)
		}
		_, approved := simState(t, s.Bucket, 0, clock.Now())
		_, doc := simState(t, s.Bucket, 1, clock.Now())
		if approved.Decision != "approved" || approved.Reasons != nil {
			t.Errorf("%s: %s for %v", name, approved.Decision, approved.Reasons)
		}
		e, err := explain.NewWith(model.Default(), explain.Options{Table: o.Reasons})
		if err != nil {
			t.Fatal(err)
		}
		x, phi := []float64{5000, math.NaN(), 0, 2}, make([]float64, 4)
		if _, err := e.Explain(x, phi); err != nil {
			t.Fatal(err)
		}
		var want []status.Reason
		for _, r := range e.Reasons(x, phi, nil) {
			want = append(want, status.Reason{
				Code: r.Code, Feature: r.Feature, Contribution: r.Contribution, Text: r.Text("en"), TextPT: r.Text("pt"),
			})
		}
		if diff := cmp.Diff(want, doc.Reasons); diff != "" || doc.Decision != "declined" || len(want) < 2 {
			t.Errorf("%s: %s: %s", name, doc.Decision, diff)
		}
		rows := map[string]string{}
		for _, body := range s.Bodies(status.ApplicationResultsPrefix) {
			list, err := simRows(body)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range list {
				rows[r.id] = r.reasons
			}
		}
		if diff := cmp.Diff(map[string]string{simAppID(0): "", simAppID(1): codesOf(want)}, rows); diff != "" {
			t.Errorf("%s: rows: %s", name, diff)
		}
	}
}

// A model that cannot be explained decides all the same, and says so.
func TestModelWithoutExplanations(t *testing.T) {
	t.Parallel()
	m := unexplained(t)
	for name, table := range map[string]explain.Table{"built-in": nil, "operator's": mustTable(t, operatorsTable)} {
		s := mustScorer(t, m, Options{Reasons: table})
		if err := s.Unexplained(); !errors.Is(err, explain.ErrSamples) || s.ReasonsRef() != nil {
			t.Fatalf("%s: %v, %v", name, err, s.ReasonsRef())
		}
		got, want := scoreWith(t, s, reasonsText(300)), scoreWith(t, testScorer(t), reasonsText(300))
		for _, c := range []string{"probability", "decision", "imputed"} {
			if diff := cmp.Diff(want.column(t, c), got.column(t, c)); diff != "" {
				t.Errorf("%s: %s: %s", name, c, diff)
			}
		}
		if codes := strings.Join(got.column(t, "reason_1"), ""); codes != "" {
			t.Errorf("%s: reasons %s", name, codes)
		}
	}
	s, list := newSimStore(), &simList{}
	b := simBulkWorker(mustScorer(t, m, Options{}), 200, s, list)
	if errs := b.Handle(t.Context(), []events.Message{simUpload(t, s.Bucket, simRowsText(30))}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	simPump(t, b, list)
	plan := simPlans(t, s.Bucket)[0]
	simVerify(t, s.Bucket, plan.ID, 30)
	if n := len(s.Bodies(status.ReasonsPrefix)); plan.Reasons != nil || n > 0 || simSummary(t, s.Bucket, plan.ID).Tally.Reasons != nil {
		t.Errorf("reasons %v, %d tables", plan.Reasons, n)
	}
	if err := testScorer(t).Unexplained(); err != nil {
		t.Error(err)
	}
	if s := mustScorer(t, model.Default(), Options{NoReasons: true}); s.Unexplained() != nil || s.ReasonsRef() != nil {
		t.Error("reasons that nobody asked for")
	}
}

func TestReasonsThatDoNotFit(t *testing.T) {
	t.Parallel()
	table := mustTable(t, strings.Replace(operatorsTable, "Credit_History", "ShoeSize", 1))
	if _, err := NewWith(model.Default(), Options{Reasons: table}); !errors.Is(err, explain.ErrTable) || !strings.Contains(err.Error(), "ShoeSize") {
		t.Errorf("a feature that the model lacks: %v", err)
	}
	long := mustTable(t, strings.Replace(operatorsTable, "History\"", strings.Repeat("x", maxReasonsFile)+`"`, 1))
	if _, err := NewWith(model.Default(), Options{Reasons: long}); !errors.Is(err, explain.ErrTable) {
		t.Errorf("a table of a mebibyte: %v", err)
	}
}
