package model

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// maxLine is the length in bytes of the longest line of a matrix file.
const maxLine = 1 << 20

// MatrixError says where a CSV of features is wrong.
type MatrixError struct {
	Line   int    // 1 is the header
	Column string // name of the column; empty when it is about the whole line
	Err    error  // what is wrong; a *ValueError where scoring refused a value
}

// Error gives line, column and reason.
func (e *MatrixError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("line %d, column %s: %v", e.Line, e.Column, e.Err)
}

// Unwrap returns e.Err.
func (e *MatrixError) Unwrap() error { return e.Err }

// PredictCSV reads a CSV of the model's own features and writes, for each row,
// the probability of every class in 17 significant digits and the predicted
// label, under the header proba_0,...,proba_k,predict.
//
// The header names every feature once, exactly, in any order; any other column
// is an error, so that a misspelt or shifted file is never scored. A cell is a
// number as Python or JSON writes it; a category is its name or its numeric
// code, and a code is scored as scikit-learn would, whatever its value. An
// empty cell and nan are missing values. Blank lines are skipped. The first
// bad line ends the reading with a [*MatrixError]; the rows before it have
// been written. Memory is bounded by the longest line, 1 MiB.
func PredictCSV(ctx context.Context, m *Model, in io.Reader, out io.Writer) error {
	w := bufio.NewWriter(out)
	p := matrix{m: m, x: make([]float64, len(m.spec.Features)), proba: make([]float64, m.forest.classes)}
	err := p.run(ctx, in, w)
	return errors.Join(err, w.Flush())
}

// matrix is the state of one PredictCSV.
type matrix struct {
	m     *Model
	order []int // column -> feature
	cells []string
	x     []float64
	proba []float64
	line  []byte // output
}

func (p *matrix) run(ctx context.Context, in io.Reader, w *bufio.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		if err := ctx.Err(); err != nil {
			return err
		}
		text := strings.TrimSuffix(lines.Text(), "\r")
		if n == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		if err := p.row(text, n, w); err != nil {
			return err
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return &MatrixError{Line: n + 1, Err: fmt.Errorf("longer than %d bytes", maxLine)}
	}
	if lines.Err() == nil && p.order == nil {
		return &MatrixError{Line: 1, Err: errors.New("no header; the file is empty")}
	}
	return lines.Err()
}

// row handles the header when there was none, else one row of x.
func (p *matrix) row(text string, n int, w *bufio.Writer) error {
	var err error
	if p.cells, err = splitCells(text, p.cells[:0]); err != nil {
		return &MatrixError{Line: n, Err: err}
	}
	if p.order == nil {
		if err := p.header(); err != nil {
			return &MatrixError{Line: n, Err: err}
		}
		for c := range p.proba {
			p.line = fmt.Appendf(p.line, "proba_%d,", c)
		}
		_, err := w.Write(append(p.line, "predict\n"...))
		return err
	}
	if err := p.score(n); err != nil {
		return err
	}
	p.line = p.line[:0]
	for _, v := range p.proba {
		p.line = append(appendG17(p.line, v), ',')
	}
	label := p.m.spec.Classes[p.m.Predict(p.proba)].String()
	_, err = w.Write(append(appendCell(p.line, label), '\n'))
	return err
}

// header finds each column's feature.
func (p *matrix) header() error {
	features := p.m.spec.Features
	order := make([]int, 0, len(p.cells))
	for _, cell := range p.cells {
		name := strings.TrimSpace(cell)
		i := slices.IndexFunc(features, func(f Feature) bool { return f.Name == name })
		if i < 0 {
			return fmt.Errorf("column %q is not a feature of the model (%s)", clip(name), featureNames(features))
		}
		if slices.Contains(order, i) {
			return fmt.Errorf("column %q appears twice", name)
		}
		order = append(order, i)
	}
	for i, f := range features {
		if !slices.Contains(order, i) {
			return fmt.Errorf("column %q is missing; the model needs %s", f.Name, featureNames(features))
		}
	}
	p.order = order
	return nil
}

// score fills p.proba from p.cells.
func (p *matrix) score(n int) error {
	if len(p.cells) != len(p.order) {
		return &MatrixError{Line: n, Err: fmt.Errorf("%d cells, the header has %d", len(p.cells), len(p.order))}
	}
	for column, i := range p.order {
		f := p.m.spec.Features[i]
		v, err := f.parseCell(strings.TrimSpace(p.cells[column]))
		if err != nil {
			return &MatrixError{Line: n, Column: f.Name, Err: err}
		}
		p.x[i] = v
	}
	err := p.m.PredictProba(p.x, p.proba)
	var value *ValueError
	if errors.As(err, &value) {
		return &MatrixError{Line: n, Column: value.Feature, Err: err}
	}
	return err
}

// parseCell reads a category's name, a number, or NaN for a missing value.
func (f Feature) parseCell(cell string) (float64, error) {
	if cell == "" || strings.EqualFold(cell, "nan") {
		return math.NaN(), nil
	}
	if code, ok := f.Code(cell); ok {
		return code, nil
	}
	// ParseFloat also knows hexadecimal, underscores and infinity, which no
	// CSV of numbers holds.
	if strings.Trim(cell, "+-.0123456789eE") == "" {
		v, err := strconv.ParseFloat(cell, 64)
		if err == nil {
			return v, nil
		}
		if errors.Is(err, strconv.ErrRange) {
			return 0, fmt.Errorf("%s is too large", clip(cell))
		}
	}
	if f.Kind == Category {
		return 0, fmt.Errorf("%q is neither a category (%s) nor a number", clip(cell), strings.Join(f.Categories, ", "))
	}
	return 0, fmt.Errorf("%q is not a number", clip(cell))
}

func featureNames(features []Feature) string {
	names := make([]string, len(features))
	for i, f := range features {
		names[i] = f.Name
	}
	return strings.Join(names, ", ")
}

// splitCells splits one line of CSV. A quoted cell must end on its line.
func splitCells(line string, cells []string) ([]string, error) {
	for {
		if !strings.HasPrefix(line, `"`) {
			cell, rest, more := strings.Cut(line, ",")
			if strings.Contains(cell, `"`) {
				return nil, errors.New("a quote inside a cell that does not start with one")
			}
			cells = append(cells, cell)
			if !more {
				return cells, nil
			}
			line = rest
			continue
		}
		end := 1
		for end < len(line) && (line[end] != '"' || strings.HasPrefix(line[end:], `""`)) {
			if line[end] == '"' {
				end++
			}
			end++
		}
		if end >= len(line) {
			return nil, errors.New("a quoted cell does not end on its line")
		}
		cells = append(cells, strings.ReplaceAll(line[1:end], `""`, `"`))
		line = line[end+1:]
		if line == "" {
			return cells, nil
		}
		if line[0] != ',' {
			return nil, errors.New("text after a closing quote")
		}
		line = line[1:]
	}
}

// appendG17 writes v as Python's '%.17g' does.
func appendG17(dst []byte, v float64) []byte {
	return strconv.AppendFloat(dst, v, 'g', 17, 64)
}

func appendCell(dst []byte, s string) []byte {
	if !strings.ContainsAny(s, ",\"\r\n") {
		return append(dst, s...)
	}
	return append(dst, `"`+strings.ReplaceAll(s, `"`, `""`)+`"`...)
}
