// Package chart draws small plots as SVG into self-contained HTML pages.
//
//	Axes map values to the drawing ─▶ Plot ─┐
//	                     tables, sentences ─┴▶ Render ─▶ one HTML file
//
// A page loads nothing: no scripts, fonts or images; a Content-Security-Policy
// in it forbids them. It follows the reader's light or dark setting, fits
// narrow windows, and prints. All text is escaped by html/template.
//
// It knows nothing of models, and offers no more than the reports need.
package chart

import (
	"fmt"
	"math"
	"strings"
)

// The drawing area of a plot in SVG units.
const (
	left   = 60.0
	top    = 16.0
	width  = 360.0
	height = 300.0
)

// Plot is one drawing. Its parts come from [Axes].
type Plot struct {
	Title  string
	XLabel string
	YLabel string
	Note   string // a sentence below: what to see
	XTicks []Tick
	YTicks []Tick
	Lines  []Line
	Bars   []Bar
	Marks  []Mark
	Texts  []Text
	Legend []Key
	Height float64 // of the drawing area, 0 for the usual one
}

// Tick is a number beside an axis, with a thin line across the drawing.
type Tick struct {
	At   float64
	Text string
}

// Line is a curve. Classes are "curve", "second" and "guide" (dashed).
type Line struct {
	Points string // as SVG wants them
	Class  string
}

// Bar is a rectangle. Classes are "first", "second" and "third".
type Bar struct {
	X, Y, Width, Height float64
	Class, Hint         string
}

// Mark is a dot with its interval, a line from (X1, Y1) to (X2, Y2).
type Mark struct {
	X1, Y1, X2, Y2, DotX, DotY float64
	Class, Hint                string // class "warn" or none
}

// Text is a text in the drawing.
type Text struct {
	X, Y float64
	Text string
}

// Key explains a class of bars or lines.
type Key struct{ Class, Text string }

// Point is a point of a curve, in values.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Axes map values to the drawing: [XLow, XHigh] from left to right, [YLow,
// YHigh] from bottom to top.
type Axes struct{ XLow, XHigh, YLow, YHigh float64 }

// Unit returns axes from 0 to 1 both ways.
func Unit() Axes { return Axes{XHigh: 1, YHigh: 1} }

// X returns where v lies from the left.
func (a Axes) X(v float64) float64 { return left + width*share(v, a.XLow, a.XHigh) }

// Y returns where v lies from the top.
func (a Axes) Y(v float64) float64 { return top + height*(1-share(v, a.YLow, a.YHigh)) }

func share(v, low, high float64) float64 {
	if high <= low {
		return 0.5
	}
	return (v - low) / (high - low)
}

// Line returns a curve through points.
func (a Axes) Line(class string, points ...Point) Line {
	var b strings.Builder
	for _, p := range points {
		fmt.Fprintf(&b, "%.1f,%.1f ", a.X(p.X), a.Y(p.Y))
	}
	return Line{Points: strings.TrimSpace(b.String()), Class: class}
}

// Bar returns a rectangle between values, with a small gap to its neighbours.
func (a Axes) Bar(class, hint string, from, to Point) Bar {
	return Bar{
		X: a.X(from.X) + 1, Y: a.Y(to.Y), Width: max(a.X(to.X)-a.X(from.X)-2, 0.5), Height: max(a.Y(from.Y)-a.Y(to.Y), 0),
		Class: class, Hint: hint,
	}
}

// XTicks returns round numbers along the x axis, about n.
func (a Axes) XTicks(n int) []Tick { return ticks(a.XLow, a.XHigh, n, a.X) }

// YTicks returns round numbers along the y axis, about n.
func (a Axes) YTicks(n int) []Tick { return ticks(a.YLow, a.YHigh, n, a.Y) }

// ticks are multiples of 1, 2 or 5 times a power of ten.
func ticks(low, high float64, n int, at func(float64) float64) []Tick {
	if !(low < high) || math.IsInf(high-low, 0) {
		return nil
	}
	raw := (high - low) / float64(max(n, 1))
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, m := range []float64{1, 2, 5} {
		if m*power >= raw*0.75 {
			step = m * power
			break
		}
	}
	digits := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	var out []Tick
	for i := math.Ceil(low/step - 1e-9); i*step <= high+step*1e-9; i++ {
		out = append(out, Tick{At: at(i * step), Text: Number(i*step, digits)})
	}
	return out
}

// Number writes v with a fixed number of decimals and thousands parted by
// commas.
func Number(v float64, digits int) string {
	text := fmt.Sprintf("%.*f", digits, math.Abs(v))
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		whole += "." + rest
	}
	if v < 0 && strings.Trim(text, "0.") != "" {
		whole = "-" + whole
	}
	return whole
}

// Interval is a value with its range, for [Intervals].
type Interval struct {
	Name           string
	Low, Mid, High float64
	Hint           string
	Warn           bool // drawn in another colour
}

// rowHeight is what an interval takes of the drawing.
const rowHeight = 44.0

// Intervals draws values one below the other, each under its name, with
// dashed lines at the guides.
func Intervals(p Plot, low, high float64, items []Interval, guides ...float64) Plot {
	a := Axes{XLow: low, XHigh: high, YHigh: 1}
	p.Height = rowHeight * float64(max(len(items), 1))
	p.XTicks = a.XTicks(5)
	for _, g := range guides {
		p.Lines = append(p.Lines, Line{Points: fmt.Sprintf("%.1f,%.1f %.1f,%.1f", a.X(g), top, a.X(g), top+p.Height), Class: "guide"})
	}
	for i, item := range items {
		y := top + rowHeight*(float64(i)+0.68)
		class := ""
		if item.Warn {
			class = "warn"
		}
		p.Texts = append(p.Texts, Text{X: left + 6, Y: y - 13, Text: item.Name})
		p.Marks = append(p.Marks, Mark{
			X1: a.X(max(item.Low, low)), Y1: y, X2: a.X(min(item.High, high)), Y2: y,
			DotX: a.X(min(max(item.Mid, low), high)), DotY: y, Class: class, Hint: item.Hint,
		})
	}
	return p
}
