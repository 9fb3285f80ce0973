package chart

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTicksAreRoundNumbers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		low, high float64
		n         int
		want      string
	}{
		{0, 1, 5, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{0, 2050, 4, "0 500 1,000 1,500 2,000"},
		{-0.038, 0.304, 5, "0.0 0.1 0.2 0.3"},
		{-0.5, 0.5, 4, "-0.4 -0.2 0.0 0.2 0.4"},
		{0, 0.00042, 4, "0.0000 0.0001 0.0002 0.0003 0.0004"},
		{1.2e6, 3.4e6, 2, "2,000,000 3,000,000"},
		{1, 1, 4, ""},
		{2, 1, 4, ""},
	} {
		var got []string
		for _, tick := range (Axes{XLow: tc.low, XHigh: tc.high}).XTicks(tc.n) {
			got = append(got, tick.Text)
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%v to %v: %s", tc.low, tc.high, diff)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		v      float64
		digits int
		want   string
	}{{0, 0, "0"}, {-0.001, 1, "0.0"}, {1234567.891, 2, "1,234,567.89"}, {-1000, 0, "-1,000"}, {999, 0, "999"}} {
		if got := Number(tc.v, tc.digits); got != tc.want {
			t.Errorf("%v: %s, want %s", tc.v, got, tc.want)
		}
	}
}

// A page loads nothing, and what comes from files is only ever text in it.
func TestPagesAreSelfContainedAndEscaped(t *testing.T) {
	t.Parallel()
	hostile := `<script>alert(1)</script>"'&`
	a := Axes{XHigh: 10, YHigh: 10}
	plot := Plot{
		Title: hostile, XLabel: hostile, YLabel: hostile, Note: hostile, XTicks: a.XTicks(5), YTicks: a.YTicks(5),
		Lines: []Line{a.Line("curve", Point{0, 0}, Point{10, 10})},
		Bars:  []Bar{a.Bar("first", hostile, Point{1, 0}, Point{2, 5})}, Legend: []Key{{"first", hostile}},
	}
	rows := Intervals(Plot{Title: "rows"}, 0, 1, []Interval{{Name: hostile, Low: 0.2, Mid: 0.5, High: 2, Hint: hostile, Warn: true}}, 0.8)
	var b bytes.Buffer
	err := Render(&b, hostile, `<h1>{{.Name}}</h1>{{percent 0.5}} {{three 0.12345}} {{number 12345}} {{points 0.1}}{{template "plots" .Plots}}`,
		map[string]any{"Name": hostile, "Plots": []Plot{plot, rows}})
	if err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if strings.Contains(page, "<script") || strings.Contains(page, "://") || regexp.MustCompile(`(?i)(src|href)=`).MatchString(page) {
		t.Error("the page holds a script or loads something")
	}
	for _, want := range []string{"50.00 %", "0.123", "12,345", "10.00", `class="dot warn"`, `class="guide"`, `points="60.0,316.0 420.0,16.0"`, "</html>"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") {
		t.Error("a place is not a number")
	}
	if x := (Axes{XLow: 1, XHigh: 1}).X(1); x != left+width/2 {
		t.Errorf("a line of one value is drawn at %v", x)
	}
}
