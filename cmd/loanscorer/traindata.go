package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/train"
)

// loanTable is the wanted columns of a CSV file of loans whose outcome is
// known.
type loanTable struct {
	sha256  string
	rows    int
	skipped int // rows that could not be used
	columns []*loanColumn
}

// loanColumn is one column, as numbers or as codes of texts.
type loanColumn struct {
	name   string
	known  ingest.Column // or -1
	field  int           // of a column that is not published
	values []float64     // NaN is missing
	names  []string      // of the codes in values; nil for numbers
	codes  map[string]int
}

// readLoans reads the named columns. Rows that cannot be read, or that have no
// outcome in the column label, are errors unless skip is set.
func readLoans(path string, names []string, label string, skip bool) (*loanTable, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	hash := sha256.New()
	r := bufio.NewReaderSize(io.TeeReader(f, hash), ingest.MaxSample)
	start, err := r.Peek(ingest.MaxSample)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	head, err := ingest.ParseHead(start, err != nil, ingest.Given{})
	if err != nil {
		return nil, err
	}
	if _, err := r.Discard(int(head.DataStart)); err != nil {
		return nil, err
	}
	t := &loanTable{}
	for _, name := range append(slices.Clone(names), label) {
		if err := t.want(head, name); err != nil {
			return nil, err
		}
	}
	scanner := ingest.NewScanner(r, head.DataStart, ingest.ScannerOptions{FirstLine: head.DataLine, Dialect: head.Dialect})
	if err := t.read(scanner, head.Decoder(), reading{label: t.column(label), skip: skip}); err != nil {
		return nil, err
	}
	t.sha256 = hex.EncodeToString(hash.Sum(nil))
	if t.rows == 0 {
		return nil, errors.New("no row can be used")
	}
	for _, c := range t.columns {
		c.finish()
	}
	return t, nil
}

// want adds a column that the file must have.
func (t *loanTable) want(head *ingest.Head, name string) error {
	if t.column(name) != nil {
		return nil
	}
	c := &loanColumn{name: name, known: -1, codes: map[string]int{}}
	known, ok := ingest.LookupColumn(name)
	switch {
	case ok && (head.Has(known) || known == ingest.TotalIncome):
		c.known, c.name = known, known.String()
	case !ok:
		c.field = slices.IndexFunc(head.Columns, func(h ingest.HeadColumn) bool { return h.Name == name })
		ok = c.field >= 0
	default:
		ok = false
	}
	if !ok {
		var have []string
		for _, h := range head.Columns {
			have = append(have, h.Name)
		}
		return usagef("the file has no column %s; it has %s", name, strings.Join(have, ", "))
	}
	t.columns = append(t.columns, c)
	return nil
}

// column finds a column by name, in any case if it is a published one.
func (t *loanTable) column(name string) *loanColumn {
	for _, c := range t.columns {
		if c.name == name || c.known >= 0 && strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

// reading says what makes a row unusable, and what then.
type reading struct {
	label *loanColumn
	skip  bool
}

func (t *loanTable) read(scanner *ingest.Scanner, decoder *ingest.RowDecoder, how reading) error {
	var a ingest.Application
	for scanner.Scan() {
		rec := scanner.Record()
		rowErr := decoder.Decode(rec, &a)
		if rowErr == nil && how.label.missing(rec, &a) {
			rowErr = &ingest.RowError{
				Line: rec.Line, Offset: rec.Offset, Column: how.label.name, Code: ingest.CodeMissingValue, Reason: "the outcome is not known",
			}
		}
		if rowErr != nil {
			if !how.skip {
				return fmt.Errorf("%w; correct the row, or leave such rows out with --skip-bad", rowErr)
			}
			t.skipped++
			continue
		}
		for _, c := range t.columns {
			c.add(rec, &a)
		}
		t.rows++
	}
	return scanner.Err()
}

func (c *loanColumn) missing(rec *ingest.Record, a *ingest.Application) bool {
	if c.known >= 0 {
		return !a.Has(c.known)
	}
	return strings.TrimSpace(string(rec.Fields[c.field])) == ""
}

// add appends the value of one row.
func (c *loanColumn) add(rec *ingest.Record, a *ingest.Application) {
	var text string
	number, isNumber, ok := 0.0, false, false
	switch {
	case c.known == ingest.TotalIncome:
		number, ok = a.TotalIncome()
		isNumber = true
	case c.known >= 0 && c.known.Numeric():
		number, ok = a.Number(c.known)
		isNumber = true
	case c.known >= 0:
		text, ok = a.Category(c.known)
	default:
		text = strings.TrimSpace(string(rec.Fields[c.field]))
		ok = text != ""
	}
	if ok && !isNumber {
		key := strings.ToLower(text)
		code, seen := c.codes[key]
		if !seen {
			code = len(c.names)
			c.codes[key], c.names = code, append(c.names, text)
		}
		number = float64(code)
	}
	if !ok {
		number = math.NaN()
	}
	c.values = append(c.values, number)
}

// finish gives categories their codes in the order of their names, and makes
// a column of numbers of one that is not published and holds nothing else.
func (c *loanColumn) finish() {
	if c.names == nil {
		return
	}
	replace := make([]float64, len(c.names))
	if numbers, ok := parseNumbers(c.names); ok && c.known < 0 {
		replace, c.names = numbers, nil
	} else {
		sorted := slices.Sorted(slices.Values(c.names))
		for code, name := range c.names {
			replace[code] = float64(slices.Index(sorted, name))
		}
		c.names = sorted
	}
	for i, v := range c.values {
		if !math.IsNaN(v) {
			c.values[i] = replace[int(v)]
		}
	}
}

func parseNumbers(texts []string) ([]float64, bool) {
	numbers := make([]float64, len(texts))
	for i, text := range texts {
		v, err := ingest.ParseNumber([]byte(text))
		if err != nil {
			return nil, false
		}
		numbers[i] = v
	}
	return numbers, true
}

// outcomes returns the classes of the label column in ascending order and each
// row's class.
func (c *loanColumn) outcomes() ([]model.Class, []int) {
	names := c.names
	values := c.values
	if names == nil { // numbers
		distinct := slices.Compact(slices.Sorted(slices.Values(values)))
		values = slices.Clone(values)
		for i, v := range values {
			at, _ := slices.BinarySearch(distinct, v)
			values[i] = float64(at)
		}
		for _, v := range distinct {
			names = append(names, strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	classes := make([]model.Class, len(names))
	for i, name := range names {
		classes[i] = model.StringClass(name)
		if n, err := strconv.ParseInt(name, 10, 64); err == nil {
			classes[i] = model.IntClass(n)
		}
	}
	labels := make([]int, len(values))
	for i, v := range values {
		labels[i] = int(v)
	}
	return classes, labels
}

// fill chooses how missing values of a column are filled: not at all if there
// are none, else by the mode for categories and yes-or-no numbers, else by the
// mean.
func (c *loanColumn) fill() train.Fill {
	distinct := map[float64]bool{}
	missing := false
	for _, v := range c.values {
		if math.IsNaN(v) {
			missing = true
		} else if len(distinct) < 3 {
			distinct[v] = true
		}
	}
	switch {
	case !missing:
		return train.Refuse
	case c.names != nil || len(distinct) < 3:
		return train.Mode
	}
	return train.Mean
}
