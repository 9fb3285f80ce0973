package model

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
)

// Limits on a self-test, which runs at every load.
const (
	maxTestRows  = 128
	maxTestCells = 1 << 16
)

// SelfTest is a few rows and the probability that the model gave them when its
// file was made, to the bit. [Parse] scores the rows again and refuses the file
// if one differs: then the file, or what computes it, is not what it was.
// Features and categories are named, so that a file whose features, categories
// or classes were put in another order is found. Content finds what the rows do
// not touch.
type SelfTest struct {
	Features    []string  `json:"features"`    // of the cells of a row; every feature of the model once
	Class       Class     `json:"class"`       // the positive class
	Rows        [][]Cell  `json:"rows"`        // 1 to 128 rows
	Probability []float64 `json:"probability"` // of Class, one a row
	// Content is the lower-case hexadecimal SHA-256 of all that a score or an
	// explanation is made of; see docs/adr/0016-self-test-and-identity.md.
	Content string `json:"content_sha256"`
}

// Cell is one value of a row of a [SelfTest].
type Cell struct {
	Category string  // name of a category; empty for a number or a missing value
	Number   float64 // NaN is missing
}

// MarshalJSON writes a category's name, a number, or null for a missing value.
func (c Cell) MarshalJSON() ([]byte, error) {
	switch {
	case c.Category != "":
		return marshal(c.Category)
	case math.IsNaN(c.Number):
		return []byte("null"), nil
	}
	return marshal(c.Number)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Cell) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	*c = Cell{Number: math.NaN()}
	switch {
	case len(data) == 0 || data[0] == '{' || data[0] == '[' || data[0] == 't' || data[0] == 'f':
		return corrupt("self_test.rows", "%.20s: want a number, the name of a category, or null", data)
	case data[0] == 'n':
		return nil
	case data[0] == '"':
		if err := json.Unmarshal(data, &c.Category); err != nil {
			return err
		}
		if c.Category == "" {
			return corrupt("self_test.rows", "the name of a category is empty")
		}
		return nil
	}
	return json.Unmarshal(data, &c.Number)
}

// inputs returns the test's rows in the order of x.
func (t *SelfTest) inputs(s *Spec) ([][]float64, error) {
	switch n := len(t.Rows); {
	case n == 0 || n > maxTestRows:
		return nil, corrupt("self_test.rows", "has %d rows, want 1 to %d", n, maxTestRows)
	case n*len(s.Features) > maxTestCells:
		return nil, corrupt("self_test.rows", "has %d rows of %d features, too many", n, len(s.Features))
	case len(t.Probability) != n:
		return nil, corrupt("self_test.probability", "has %d entries for %d rows", len(t.Probability), n)
	case t.Class != s.Classes[s.Positive]:
		return nil, corrupt("self_test.class", "is %s, the positive class is %s", t.Class, s.Classes[s.Positive])
	case len(t.Features) != len(s.Features):
		return nil, corrupt("self_test.features", "has %d entries, the model has %d", len(t.Features), len(s.Features))
	}
	places := make([]int, len(t.Features)) // of each cell in x
	for i, name := range t.Features {
		places[i] = slices.IndexFunc(s.Features, func(f Feature) bool { return f.Name == name })
		if places[i] < 0 || slices.Contains(places[:i], places[i]) {
			return nil, corrupt("self_test.features", "%q is not a feature of the model, or is named twice", clip(name))
		}
	}
	rows := make([][]float64, len(t.Rows))
	for r, cells := range t.Rows {
		if len(cells) != len(places) {
			return nil, corrupt("self_test.rows", "row %d has %d cells for %d features", r, len(cells), len(places))
		}
		rows[r] = make([]float64, len(places))
		for i, cell := range cells {
			v, ok := cell.code(&s.Features[places[i]])
			if !ok {
				return nil, corrupt("self_test.rows", "row %d: %q is not a value of %s", r, clip(cell.Category), t.Features[i])
			}
			rows[r][places[i]] = v
		}
	}
	return rows, nil
}

// checkSelfTest refuses a test that cannot be run.
func (s *Spec) checkSelfTest() error {
	if s.SelfTest == nil {
		return nil
	}
	_, err := s.SelfTest.inputs(s)
	return err
}

// run scores the rows by the plain walk and compares the content.
func (t *SelfTest) run(m *Model) error {
	rows, err := t.inputs(m.spec)
	if err != nil {
		return err
	}
	if err := t.check(rows, "this program", m.walk); err != nil {
		return err
	}
	content, err := m.spec.content()
	if err != nil {
		return err
	}
	if content != t.Content {
		return corrupt("self_test.content_sha256", "is %s, the features, classes and trees have %s: the file was changed after it was made",
			clip(t.Content), content)
	}
	return nil
}

// code returns the cell's place in x, false for a category that f does not have.
func (c Cell) code(f *Feature) (float64, bool) {
	if c.Category == "" {
		return c.Number, f.Kind == Number || math.IsNaN(c.Number)
	}
	i := slices.Index(f.Categories, c.Category)
	return float64(i), i >= 0
}

// check scores every row and compares the bits. who names what scores, for the
// error.
func (t *SelfTest) check(rows [][]float64, who string, score func(x []float64) (float64, error)) error {
	for i, x := range rows {
		p, err := score(x)
		if err != nil {
			return corrupt("self_test", "row %d: %s cannot score it: %v", i, who, err)
		}
		if want := t.Probability[i]; math.Float64bits(p) != math.Float64bits(want) {
			return corrupt("self_test", "row %d: %s gives %s, the file says %s: the file was changed after it was made, or is computed wrongly here",
				i, who, exact(p), exact(want))
		}
	}
	return nil
}

func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// SelfTest returns the rows that Parse has tested the model with, or nil for a
// file without them, as older programs wrote it. It must not be changed.
func (m *Model) SelfTest() *SelfTest { return m.spec.SelfTest }

// Compile makes the compiled form now, which the first score would make
// otherwise, and runs the self-test on it. Its error wraps [ErrCorrupt] and
// names the row; the model then keeps to the plain walk, which has passed.
// Call it where a model is loaded for scoring.
func (m *Model) Compile() error {
	m.fast()
	return m.unfit
}

// tested returns the compiled form if it passes the self-test, else nil.
func (m *Model) tested(c *compiled) *compiled {
	t := m.spec.SelfTest
	if t == nil {
		return c
	}
	one := func(x []float64) (float64, error) {
		if p, ok := c.one(x); ok {
			return p, nil
		}
		return m.walk(x)
	}
	many := func(x []float64) (float64, error) {
		out := []float64{0}
		if c.many(x, out); math.IsNaN(out[0]) {
			return m.walk(x)
		}
		return out[0], nil
	}
	rows, err := t.inputs(m.spec)
	if err == nil {
		err = t.check(rows, "the compiled form", one)
	}
	if err == nil {
		err = t.check(rows, "the compiled form for many rows", many)
	}
	if err != nil {
		m.unfit = err
		return nil
	}
	return c
}
