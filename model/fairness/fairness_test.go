package fairness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/loanscorer/loanscorer/model"
)

// of is how many rows there are, and how many of them are approved.
type of struct{ rows, approved int }

func add(t *testing.T, s *Screening, group string, n of, o Outcome) {
	t.Helper()
	for i := range n.rows {
		p, d := 0.2, model.Declined
		if i < n.approved {
			p, d = 0.9, model.Approved
		}
		if err := s.Add(group, p, d, o); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRatesAndRatios(t *testing.T) {
	t.Parallel()
	s := New("Gender", "(missing)")
	add(t, s, "A", of{100, 80}, Positive)
	add(t, s, "A", of{100, 40}, Negative)
	add(t, s, "B", of{60, 33}, Unknown)   // 0.55 of A's 0.6
	add(t, s, "C", of{500, 200}, Unknown) // 0.4
	add(t, s, "D", of{29, 29}, Unknown)
	add(t, s, "E", of{40, 0}, Unknown)
	add(t, s, "(missing)", of{900, 450}, Unknown)
	if err := s.Add("A", 0.5, model.Referred, Unknown); err != nil {
		t.Fatal(err)
	}
	c, err := s.Column("A")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range c.Groups {
		text := fmt.Sprintf("%s %d %.3f", g.Name, g.Rows, g.Approved.Share)
		if g.Ratio != nil {
			text += fmt.Sprintf(" %.3f %s", g.Ratio.Value, g.Ratio.Verdict)
		}
		got = append(got, text)
	}
	want := []string{
		"A 201 0.597",
		"C 500 0.400 0.670 below four fifths",
		"B 60 0.550 0.921 four fifths or more, but its interval reaches below",
		"E 40 0.000 0.000 below four fifths",
		"D 29 1.000 1.675 too few rows to say",
		"(missing) 900 0.500 0.838 four fifths or more, but its interval reaches below",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if c.Lowest != "E" || c.Highest != "A" || c.Ratio != 0 {
		t.Errorf("lowest %s, highest %s, ratio %v", c.Lowest, c.Highest, c.Ratio)
	}
	o := c.Groups[0].Outcomes
	if o.Recall.Share != 0.8 || o.FalsePositive.Share != 0.4 || o.Positive.Share != 0.5 || o.Positive.Of != 200 || c.Groups[1].Outcomes != nil {
		t.Errorf("outcomes %+v", o)
	}
	if r := c.Groups[0].Referred; r.Count != 1 || math.Abs(c.Groups[0].Probability-(120*0.9+80*0.2+0.5)/201) > 1e-9 {
		t.Errorf("referred %+v, mean %v", r, c.Groups[0].Probability)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	s := New("x", "(missing)")
	add(t, s, "(missing)", of{50, 10}, Unknown)
	add(t, s, "small", of{5, 5}, Unknown)
	c, err := s.Column("")
	if err != nil || c.Reference != "small" || c.Lowest != "" {
		t.Errorf("%+v, %v: the largest group with a value is the reference", c, err)
	}
	if _, err := s.Column("other"); !errors.Is(err, ErrReference) {
		t.Errorf("%v", err)
	}
	if _, err := New("x", "").Column(""); !errors.Is(err, ErrReference) {
		t.Errorf("no rows: %v", err)
	}
	declined := New("x", "")
	add(t, declined, "a", of{50, 0}, Unknown)
	add(t, declined, "b", of{40, 10}, Unknown)
	if c, err := declined.Column(""); err != nil || c.Groups[1].Ratio != nil {
		t.Errorf("%+v, %v: there is no ratio to a rate of 0", c, err)
	}
	for i := range 200 {
		if err = s.Add(fmt.Sprint("g", i), 0, model.Declined, Unknown); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrGroups) {
		t.Errorf("200 groups: %v", err)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	s := New("Area", "(missing)")
	for i := range 60 {
		add(t, s, fmt.Sprintf("<g%d>", i), of{1 + i, i / 2}, Outcome(i%3))
	}
	c, err := s.Column("")
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	r := &Report{Data: "x.csv", Rows: 10, Decided: 9, Refused: []Refused{{"bad_number", 1}}, Columns: []*Column{c}, Caution: Caution}
	if err := WriteReport(&page, r); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, want := range []string{"not a test of law", "bad_number", "Ratios to ", "false positive rate", "&lt;g59&gt;"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "<g") && strings.Contains(text, "<g5") {
		t.Error("a number is none, or a name is not escaped")
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}
