package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/loanscorer/loanscorer/model"
)

// barWidth is the length of the longest bar, in characters.
const barWidth = 30

// text is the explanation for people.
func (e *explanation) text(m *model.Model) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n%.3f  %s (approved above %g, declined at or below %g)\n\n", e.Model.Name, e.Model.Version,
		e.Probability, e.Decision, e.Policy.ApproveAbove, e.Policy.DeclineAt)
	e.bars(&b)
	if len(e.Reasons) > 0 {
		b.WriteString("\nreasons\n")
		for _, r := range e.Reasons {
			fmt.Fprintf(&b, "  %-24s %s\n", r.Code, r.Text)
		}
	}
	b.WriteString("\nwhat would change the decision, one feature at a time\n")
	for _, c := range e.Changes {
		fmt.Fprintf(&b, "  %-24s %-24s %.3f  %s\n", c.Feature, changeText(m, c), c.Probability, c.Decision)
	}
	if len(e.Changes) == 0 {
		b.WriteString("  none\n")
	}
	for i, p := range e.Paths {
		fmt.Fprintf(&b, "\ntree %d: %.3f\n", i+1, p.Probability)
		for _, s := range p.Steps {
			fmt.Fprintf(&b, "  %s %s %g\n", s.Feature, s.Relation, s.Threshold)
		}
	}
	return b.Bytes()
}

// bars draws the way from the base value to the probability.
func (e *explanation) bars(b *bytes.Buffer) {
	name, value, most := len("probability"), 0, 0.0
	for _, c := range e.Contributions {
		name = max(name, utf8.RuneCountInString(c.Feature))
		value = max(value, utf8.RuneCountInString(c.value()))
		most = max(most, math.Abs(c.Contribution))
	}
	fmt.Fprintf(b, "%-*s  %-*s  %6.3f\n", name, "base", value, "", e.Base)
	for _, c := range e.Contributions {
		length := 0
		if most > 0 {
			length = int(math.Round(math.Abs(c.Contribution) / most * barWidth))
		}
		mark := "+"
		if c.Contribution < 0 {
			mark = "-"
		}
		line := fmt.Sprintf("%-*s  %-*s  %+6.3f  %s", name, c.Feature, value, c.value(), c.Contribution, strings.Repeat(mark, length))
		fmt.Fprintln(b, strings.TrimRight(line, " "))
	}
	fmt.Fprintf(b, "%-*s  %-*s  %6.3f\n", name, "probability", value, "", e.Probability)
}
