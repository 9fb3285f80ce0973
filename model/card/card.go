package card

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/chart"
	"github.com/loanscorer/loanscorer/model/evaluate"
	"github.com/loanscorer/loanscorer/model/explain"
)

// Card is a model card, section by section.
type Card struct {
	Title    string
	Sections []Section
	Plots    []chart.Plot // drawn in HTML only
}

// Section is a part of a card. What it has comes in this order.
type Section struct {
	Title string
	Text  []string // paragraphs
	Table Table
	List  []string
	Code  string // commands
}

// Table is a table of texts; it may have no rows.
type Table struct {
	Head []string
	Rows [][]Cell
}

// Cell is a text; code is shown as it is typed.
type Cell struct {
	Text string
	Code bool
}

func (t *Table) add(cells ...string) {
	row := make([]Cell, len(cells))
	for i, text := range cells {
		row[i] = Cell{Text: text}
	}
	t.Rows = append(t.Rows, row)
}

// addCode adds a row whose last cell is code.
func (t *Table) addCode(name, code string) {
	t.Rows = append(t.Rows, []Cell{{Text: name}, {Text: code, Code: true}})
}

// writer makes a card of one model.
type writer struct {
	m        *model.Model
	features []model.Feature
	classes  []string
	positive string
	record   *evaluate.Record // nil: the model was not made by loanscorer train
	origin   origin
	reasons  explain.Table
	unclear  error // why there are no reasons
}

// origin is what the training record of an imported model says.
type origin struct {
	Library   string         `json:"library"`
	Version   string         `json:"library_version"`
	Algorithm string         `json:"algorithm"`
	Params    map[string]any `json:"params"`
	Source    string         `json:"source"` // "pickle" or "onnx"
	SHA256    string         `json:"source_sha256"`
	Reference string         `json:"reference_data"` // file whose rows the reference distributions are of
	RefSHA256 string         `json:"reference_sha256"`
}

// New returns the card of a model.
func New(m *model.Model) *Card {
	w := &writer{m: m, features: m.Features()}
	for _, c := range m.Classes() {
		w.classes = append(w.classes, c.String())
	}
	w.positive = w.classes[m.Positive()]
	if r, ok := evaluate.ReadRecord(m.Training()); ok {
		w.record = r
	}
	_ = json.Unmarshal(m.Training(), &w.origin) // a record of another shape says nothing that is known here
	if e, err := explain.New(m); err != nil {
		w.unclear = err
	} else {
		w.reasons = e.Table()
	}
	c := &Card{Title: fmt.Sprintf("Model card: %s %s", m.Name(), m.Version())}
	c.Sections = []Section{w.about(), w.inputs(), w.training()}
	if len(m.Reference()) > 0 {
		c.Sections = append(c.Sections, w.rows())
	}
	if w.record != nil {
		c.Sections = append(c.Sections, w.measured())
		c.Sections = append(c.Sections, w.comparisons()...)
	}
	c.Sections = append(c.Sections, w.codes(), w.limits(), w.reproduce())
	c.Plots = w.plots()
	return c
}

func (w *writer) about() Section {
	st, p := w.m.Stats(), w.m.Policy()
	s := Section{Text: []string{
		fmt.Sprintf("A forest of decision trees that gives the probability of class %s (approval), 0 to 1. Everything here comes from the model file.", w.positive),
	}}
	t := &s.Table
	t.Head = []string{"", ""}
	t.addCode("SHA-256", w.m.SHA256())
	t.add("Algorithm", w.algorithm())
	t.add("Size", fmt.Sprintf("%s trees, %s nodes, %s leaves, depth %d; %s kB",
		count(st.Trees), count(st.Nodes), count(st.Leaves), st.MaxDepth, count((len(w.m.Bytes())+500)/1000)))
	t.add("Classes", strings.Join(w.classes, ", ")+"; approval is "+w.positive)
	t.add("Decisions", policy(p))
	test := "none: made before there were self-tests"
	if rows := w.m.SelfTest(); rows != nil {
		test = fmt.Sprintf("%d rows, scored at every load", len(rows.Rows))
	}
	t.add("Self-test", test)
	return s
}

func (w *writer) algorithm() string {
	switch {
	case w.origin.Library == "" && w.origin.Algorithm == "":
		return "not known"
	case w.record != nil:
		by := "loanscorer " + w.record.LibraryVersion
		if w.record.LibraryVersion == "dev" {
			by = "loanscorer, built from source"
		}
		return fmt.Sprintf("%s, as scikit-learn's, fitted by %s", w.record.Algorithm, by)
	case w.origin.Source != "":
		return fmt.Sprintf("%s of %s, imported from %s", w.origin.Algorithm,
			strings.TrimSpace(w.origin.Library+" "+w.origin.Version), sourceName(w.origin.Source))
	}
	return strings.TrimSpace(w.origin.Algorithm + " of " + w.origin.Library + " " + w.origin.Version)
}

func sourceName(source string) string {
	if source == "onnx" {
		return "ONNX"
	}
	return "a " + source
}

func policy(p model.Policy) string {
	if p.ApproveAbove == p.DeclineAt {
		return fmt.Sprintf("approved above %g, else declined; nobody is referred to a person", p.ApproveAbove)
	}
	return fmt.Sprintf("approved above %g, declined at or below %g, between referred to a person", p.ApproveAbove, p.DeclineAt)
}

func (w *writer) inputs() Section {
	s := Section{Title: "Inputs"}
	importance := w.importances()
	s.Table.Head = []string{"feature", "values", "a missing value"}
	if importance != nil {
		s.Table.Head = append(s.Table.Head, "importance")
		s.Text = []string{"Importance is the share of the trees' decrease in Gini impurity (scikit-learn's feature_importances_). " +
			"It favours features of many values, and says nothing about single applications."}
	}
	for i := range w.features {
		f := &w.features[i]
		values := "number"
		if f.Kind == model.Category {
			values = strings.Join(f.Categories, ", ")
		}
		cells := []string{f.Name, values, w.missing(f)}
		if importance != nil {
			cells = append(cells, percent(importance[i]))
		}
		s.Table.add(cells...)
	}
	return s
}

func (w *writer) missing(f *model.Feature) string {
	switch m := f.Missing; {
	case m == nil && w.m.RoutesMissing():
		return "the trees route it"
	case m == nil:
		return "refused"
	case m.Fitted == "given", m.Fitted == "":
		return "counts as " + value(f, m.Value)
	default:
		return fmt.Sprintf("counts as %s, the training %s", value(f, m.Value), strings.ReplaceAll(m.Fitted, "_", " "))
	}
}

// value writes a value of a feature as people know it.
func value(f *model.Feature, v float64) string {
	if f.Kind == model.Category && v >= 0 && int(v) < len(f.Categories) {
		return f.Categories[int(v)]
	}
	return fmt.Sprintf("%.6g", v)
}

func (w *writer) codes() Section {
	s := Section{Title: "Reason codes"}
	if w.unclear != nil {
		s.Text = []string{"There are none: " + w.unclear.Error() + "."}
		return s
	}
	s.Text = []string{"Declined and referred applications get at most four, the most adverse first, by exact Shapley values. " +
		"These are the built-in texts; an operator can replace them."}
	s.Table.Head = []string{"code", "feature", "English", "Portuguese"}
	for _, e := range w.reasons {
		feature := e.Feature
		if e.Missing {
			feature += ", missing"
		}
		s.Table.add(e.Code, feature, e.Text[explain.English], e.Text[explain.Portuguese])
	}
	return s
}

func percent(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

func count(n int) string { return chart.Number(float64(n), 0) }
