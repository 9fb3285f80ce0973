package explain

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/loanscorer/loanscorer/model"
)

// ErrTable is wrapped by every error about a table of reasons.
var ErrTable = errors.New("table of reasons is not valid")

// Languages of the built-in texts.
const (
	English    = "en" // every entry has it
	Portuguese = "pt"
)

// TableFormat is the value of "format" in a file of reasons.
const TableFormat = "loanscorer/reasons"

// Entry is the code and the texts of one reason.
type Entry struct {
	Code    string            `json:"code"`              // 1 to 40 of A-Z, 0-9 and _
	Feature string            `json:"feature"`           // the model's name of it
	Missing bool              `json:"missing,omitempty"` // for an application without a value
	Text    map[string]string `json:"text"`              // by language; "en" is required
}

// Table is the reasons that an operator has words for. Features that it does
// not name get a code and texts made of their own name.
type Table []Entry

//go:embed reasons.json
var defaultTable []byte

// DefaultTable returns the texts for the published columns.
func DefaultTable() Table {
	t, err := ParseTable(defaultTable)
	if err != nil {
		panic("the embedded table does not parse: " + err.Error()) // a test parses it
	}
	return t
}

// ParseTable reads a JSON file of reasons, strictly:
//
//	{"format":"loanscorer/reasons","v":1,"reasons":[
//	 {"code":"CREDIT_HISTORY","feature":"Credit_History","text":{"en":"...","pt":"..."}}]}
//
// The error wraps [ErrTable].
func ParseTable(data []byte) (Table, error) {
	var file struct {
		Format  string `json:"format"`
		V       int    `json:"v"`
		Reasons Table  `json:"reasons"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTable, err)
	}
	switch {
	case d.More():
		return nil, fmt.Errorf("%w: something follows the document", ErrTable)
	case file.Format != TableFormat || file.V != 1:
		return nil, fmt.Errorf("%w: format %.40q version %d, want %q version 1", ErrTable, file.Format, file.V, TableFormat)
	case len(file.Reasons) == 0:
		return nil, fmt.Errorf("%w: reasons is empty", ErrTable)
	}
	return file.Reasons, file.Reasons.check()
}

// Encode returns the file that [ParseTable] reads t from: one line an entry, the
// same bytes for the same table.
func (t Table) Encode() ([]byte, error) {
	var buf bytes.Buffer
	fmt.Fprintf(&buf, `{"format":%q,"v":1,"reasons":[`, TableFormat)
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	for i, e := range t {
		if i > 0 {
			buf.Truncate(buf.Len() - 1) // the encoder ends lines
			buf.WriteByte(',')
		}
		buf.WriteByte('\n')
		if err := enc.Encode(e); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTable, err)
		}
	}
	buf.WriteString("]}\n")
	return buf.Bytes(), nil
}

func (t Table) check() error {
	type key struct {
		feature string
		missing bool
	}
	seen := map[key]bool{}
	for i, e := range t {
		k := key{e.Feature, e.Missing}
		switch {
		case e.Feature == "":
			return fmt.Errorf("%w: reason %d has no feature", ErrTable, i)
		case e.Code == "" || len(e.Code) > maxCode || codeOf(e.Code) != e.Code:
			return fmt.Errorf("%w: reason %d: code %.60q, want 1 to %d of A-Z, 0-9 and _", ErrTable, i, e.Code, maxCode)
		case strings.TrimSpace(e.Text[English]) == "":
			return fmt.Errorf("%w: reason %d (%s) has no English text", ErrTable, i, e.Code)
		case seen[k]:
			return fmt.Errorf("%w: reason %d: feature %.60q appears twice", ErrTable, i, e.Feature)
		}
		seen[k] = true
	}
	return nil
}

// codes are the entries of one feature.
type codes struct{ given, missing *Entry }

// bind gives every feature its entries. Only an operator's table must fit.
func (t Table) bind(features []model.Feature) ([]codes, error) {
	own := t != nil
	if !own {
		t = DefaultTable()
	} else if err := t.check(); err != nil {
		return nil, err
	}
	at, taken := map[string]int{}, map[string]bool{}
	for i, f := range features {
		at[f.Name] = i
	}
	bound := make([]codes, len(features))
	for _, e := range t {
		i, ok := at[e.Feature]
		switch {
		case !ok && own:
			return nil, fmt.Errorf("%w: the model has no feature %.60q", ErrTable, e.Feature)
		case !ok:
			continue
		case e.Missing:
			bound[i].missing = &e
		default:
			bound[i].given = &e
		}
		taken[e.Code] = true
	}
	for i, f := range features {
		b := &bound[i]
		if b.given == nil {
			b.given = automatic(f.Name, taken)
		}
		if b.missing == nil {
			b.missing = b.given
		}
	}
	return bound, nil
}

const maxCode = 40

// automatic makes an entry of a feature's name; equal codes are numbered in
// the order of the features.
func automatic(name string, taken map[string]bool) *Entry {
	code := codeOf(name)
	if code == "" {
		code = "FEATURE"
	}
	unique := code
	for n := 2; taken[unique]; n++ {
		suffix := fmt.Sprint("_", n)
		unique = strings.TrimRight(code[:min(len(code), maxCode-len(suffix))], "_") + suffix
	}
	taken[unique] = true
	return &Entry{Code: unique, Feature: name, Text: map[string]string{
		English: "Value of " + name, Portuguese: "Valor de " + name,
	}}
}

// codeOf turns LoanAmount, "Loan amount" and loan_amount into LOAN_AMOUNT.
func codeOf(name string) string {
	var code strings.Builder
	before := ' '
	for _, r := range name {
		word := r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r))
		if code.Len() > 0 && (!word && before != '_' || word && unicode.IsUpper(r) && unicode.IsLower(before)) {
			code.WriteByte('_')
		}
		before = '_'
		if word {
			code.WriteRune(unicode.ToUpper(r))
			before = r
		}
	}
	text := strings.TrimRight(code.String(), "_")
	return strings.TrimRight(text[:min(len(text), maxCode)], "_")
}
