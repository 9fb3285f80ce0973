package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
)

// inputRows reads a file of applications row by row, packed or not, for models
// and for questions about columns. It keeps one row at a time.
type inputRows struct {
	path    string
	file    *os.File
	info    os.FileInfo
	piped   hash.Hash // of what was read, where the file cannot be read again
	pipe    io.Reader
	open    *ingest.Text
	head    *ingest.Head
	decoder *ingest.RowDecoder
	scanner *ingest.Scanner
	rec     *ingest.Record
	app     ingest.Application
}

// openRows reads the header.
func openRows(path string) (*inputRows, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &inputRows{path: path, file: f}
	if err := r.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return r, nil
}

func (r *inputRows) begin() error {
	var err error
	if r.info, err = r.file.Stat(); err != nil {
		return err
	}
	src := ingest.FileSource(r.file, r.info.Size())
	if !r.info.Mode().IsRegular() {
		r.piped = sha256.New()
		r.pipe = io.TeeReader(r.file, r.piped)
		src = ingest.StreamSource(r.pipe)
	}
	if r.open, err = ingest.Open(src, ingest.Given{}); err != nil {
		return err
	}
	r.head = r.open.Head
	r.decoder = r.head.Decoder()
	r.scanner = ingest.NewScanner(r.open, r.head.DataStart, ingest.ScannerOptions{FirstLine: r.head.DataLine, Dialect: r.head.Dialect})
	return nil
}

func (r *inputRows) close() error { return errors.Join(r.open.Close(), r.file.Close()) }

// err is what went wrong with reading.
func (r *inputRows) err() error { return r.scanner.Err() }

// size is that of the text, for a progress bar; 0 when it is not known.
func (r *inputRows) size() int64 {
	if !r.info.Mode().IsRegular() || r.head.Dialect.Streamed() {
		return 0
	}
	return r.info.Size()
}

// sha256 is that of the file as it is stored.
func (r *inputRows) sha256() (string, error) {
	h, from := r.piped, r.pipe
	if h == nil {
		h, from = sha256.New(), io.NewSectionReader(r.file, 0, r.info.Size())
		if _, err := io.Copy(h, from); err != nil {
			return "", err
		}
	} else if _, err := io.Copy(io.Discard, from); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// next goes to the next row, false at the end. A row that cannot be read is an
// *ingest.RowError; the one after it can be.
func (r *inputRows) next() (bool, *ingest.RowError) {
	if !r.scanner.Scan() {
		return false, nil
	}
	r.rec = r.scanner.Record()
	return true, r.decoder.Decode(r.rec, &r.app)
}

// column is where one value of a row is.
type column struct {
	name  string
	known ingest.Column // or -1
	field int           // of a column that is not published
}

// column finds a column by its name, in any case if it is a published one.
func (r *inputRows) column(name string) (column, error) {
	known, ok := ingest.LookupColumn(name)
	if ok && (r.head.Has(known) || known == ingest.TotalIncome) {
		return column{name: known.String(), known: known}, nil
	}
	field := slices.IndexFunc(r.head.Columns, func(h ingest.HeadColumn) bool { return h.Name == name })
	if ok || field < 0 {
		var have []string
		for _, h := range r.head.Columns {
			have = append(have, h.Name)
		}
		return column{}, fmt.Errorf("%s: there is no column %s; it has %s", r.path, name, strings.Join(have, ", "))
	}
	return column{name: name, known: -1, field: field}, nil
}

// numeric tells whether a published column holds numbers.
func (c column) numeric() bool { return c.known >= 0 && c.known.Numeric() }

// text is the column's value in the current row, false when it is missing.
func (r *inputRows) text(c column) (string, bool) {
	switch {
	case c.known < 0:
		text := strings.TrimSpace(string(r.rec.Fields[c.field]))
		return text, text != ""
	case c.numeric():
		v, ok := r.published(c)
		return fmt.Sprintf("%g", v), ok
	}
	return r.app.Category(c.known)
}

// published is the current row's value in a published column of numbers.
func (r *inputRows) published(c column) (float64, bool) {
	if c.known == ingest.TotalIncome {
		return r.app.TotalIncome()
	}
	return r.app.Number(c.known)
}

// number is the column's value in the current row, false when it is missing.
func (r *inputRows) number(c column) (float64, bool, *ingest.RowError) {
	if c.numeric() {
		v, ok := r.published(c)
		return v, ok, nil
	}
	text, ok := r.text(c)
	if !ok {
		return 0, false, nil
	}
	v, err := ingest.ParseNumber([]byte(text))
	if err != nil {
		return 0, false, r.fault(c, ingest.CodeBadNumber, "is not a number")
	}
	return v, true, nil
}

func (r *inputRows) fault(c column, code, reason string) *ingest.RowError {
	return &ingest.RowError{Line: r.rec.Line, Offset: r.rec.Offset, Column: c.name, Code: code, Reason: reason}
}

// inputs are a model's features in a file.
type inputs struct {
	rows     *inputRows
	model    *model.Model
	features []model.Feature
	columns  []column
	x        []float64
}

// bind finds the model's features in the file, or says which do not fit.
func (r *inputRows) bind(m *model.Model) (*inputs, error) {
	in, err := r.features(m.Features())
	if err != nil {
		return nil, err
	}
	in.model = m
	return in, nil
}

// features is bind without a model that scores.
func (r *inputRows) features(features []model.Feature) (*inputs, error) {
	in := &inputs{rows: r, features: features}
	for _, f := range in.features {
		c, err := r.column(f.Name)
		if err != nil {
			return nil, fmt.Errorf("the model takes %s as an input: %w", f.Name, err)
		}
		if c.known >= 0 && c.numeric() != (f.Kind == model.Number) {
			return nil, fmt.Errorf("the model takes %s as a %s, which the published column is not", f.Name, f.Kind)
		}
		in.columns = append(in.columns, c)
	}
	in.x = make([]float64, len(in.features))
	return in, nil
}

// row fills x with the current row's values in the order of the model; NaN is
// missing.
func (in *inputs) row() ([]float64, *ingest.RowError) {
	for i, c := range in.columns {
		v, err := in.value(c, &in.features[i])
		if err != nil {
			return nil, err
		}
		in.x[i] = v
	}
	return in.x, nil
}

func (in *inputs) value(c column, f *model.Feature) (float64, *ingest.RowError) {
	if f.Kind == model.Number {
		v, ok, err := in.rows.number(c)
		if !ok {
			v = math.NaN()
		}
		return v, err
	}
	name, ok := in.rows.text(c)
	if !ok {
		return math.NaN(), nil
	}
	code, known := f.Code(name)
	if !known {
		return 0, in.rows.fault(c, ingest.CodeUnknownCategory, "must be one of "+strings.Join(f.Categories, ", "))
	}
	return code, nil
}

// probability scores the current row.
func (in *inputs) probability() (float64, *ingest.RowError) {
	x, rowErr := in.row()
	if rowErr != nil {
		return 0, rowErr
	}
	p, err := in.model.Probability(x)
	var value *model.ValueError
	switch {
	case errors.As(err, &value):
		return 0, in.rows.fault(column{name: value.Feature}, value.Code, "the model cannot score it")
	case err != nil:
		return 0, in.rows.fault(column{}, "model", err.Error())
	}
	return p, nil
}

// missingGroup is the group of rows without a value.
const missingGroup = "(missing)"

// grouping gives each row the name of its group in one column.
type grouping struct {
	column
	cuts  []float64         // for numbers: groups up to each cut, and one above
	names map[string]string // first spelling of each text, by its lower case
}

// newGrouping reads COLUMN or COLUMN=CUT,CUT,...
func (r *inputRows) newGrouping(by string) (*grouping, error) {
	name, list, cut := strings.Cut(by, "=")
	c, err := r.column(name)
	if err != nil {
		return nil, err
	}
	g := &grouping{column: c, names: map[string]string{}}
	if !cut {
		return g, nil
	}
	for text := range strings.SplitSeq(list, ",") {
		v, err := ingest.ParseNumber([]byte(strings.TrimSpace(text)))
		if err != nil || len(g.cuts) > 0 && v <= g.cuts[len(g.cuts)-1] {
			return nil, usagef("--by %s: must be COLUMN, or COLUMN=NUMBER,NUMBER,... with rising numbers", by)
		}
		g.cuts = append(g.cuts, v)
	}
	return g, nil
}

// group names the current row's group.
func (r *inputRows) group(g *grouping) (string, *ingest.RowError) {
	if g.cuts == nil {
		text, ok := r.text(g.column)
		if !ok {
			return missingGroup, nil
		}
		key := strings.ToLower(text)
		if first, seen := g.names[key]; seen {
			return first, nil
		}
		if len(g.names) < maxGroupNames {
			g.names[key] = text
		}
		return text, nil
	}
	v, ok, err := r.number(g.column)
	if err != nil || !ok {
		return missingGroup, err
	}
	i, _ := slices.BinarySearch(g.cuts, v)
	switch {
	case i == 0:
		return fmt.Sprintf("up to %g", g.cuts[0]), nil
	case i == len(g.cuts):
		return fmt.Sprintf("above %g", g.cuts[i-1]), nil
	}
	return fmt.Sprintf("above %g to %g", g.cuts[i-1], g.cuts[i]), nil
}

// maxGroupNames bounds what a column of many values can take.
const maxGroupNames = 10_000
