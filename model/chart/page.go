package chart

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed page.html.tmpl
var pageTemplate string

// Render writes a page. body is the template of what is in it, executed with
// data; it can use the functions percent (0.8 is "80.00 %"), points ("80.00"), whole ("80"),
// three (three decimals), number and, for an int64, count (thousands parted), and for a []Plot
// {{template "plots" .Plots}}.
func Render(w io.Writer, title, body string, data any) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"percent": func(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) },
		"points":  func(v float64) string { return Number(100*v, 2) },
		"three":   func(v float64) string { return Number(v, 3) },
		"whole":   func(v float64) string { return fmt.Sprintf("%.0f", 100*v) },
		"number":  func(n int) string { return Number(float64(n), 0) },
		"count":   func(n int64) string { return Number(float64(n), 0) },
	}).Parse(pageTemplate)
	if err != nil {
		return err
	}
	if t, err = t.New("body").Parse(body); err != nil {
		return err
	}
	return t.ExecuteTemplate(w, "page", map[string]any{"Title": title, "Data": data})
}

// Area is the height of a plot's drawing area.
func (p Plot) Area() float64 {
	if p.Height > 0 {
		return p.Height
	}
	return height
}

// Bottom is where the drawing area ends.
func (p Plot) Bottom() float64 { return top + p.Area() }

// Whole is the height of the plot with its labels.
func (p Plot) Whole() float64 {
	if p.XLabel == "" {
		return p.Bottom() + 26
	}
	return p.Bottom() + 46
}

// Middle is the middle of the drawing area.
func (p Plot) Middle() float64 { return top + p.Area()/2 }

// Below returns a place that far below the drawing area.
func (p Plot) Below(by float64) float64 { return p.Bottom() + by }
