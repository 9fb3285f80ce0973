package ingest

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// maxUnknown bounds how many unknown fields of one document are reported.
const maxUnknown = 32

// DecodeJSON reads one application: a JSON object whose members are published columns in their exact spelling,
// numbers as JSON numbers, text as strings (Dependents also as an integer), null for what is missing.
//
// What is not one well-formed document is an error that wraps ErrMalformed or ErrTooLarge; wrong fields are a
// *ValidationError that lists them all. No error quotes a value. The result does not keep data.
func DecodeJSON(data []byte) (*Application, error) {
	a := new(Application)
	if err := a.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	return a, nil
}

// UnmarshalJSON is DecodeJSON into a, which is emptied first.
func (a *Application) UnmarshalJSON(data []byte) error {
	a.Reset()
	members, err := parseObject(data)
	if err != nil {
		return err
	}
	var found faults
	var unknown []FieldError
	for _, m := range members {
		c, ok := exactColumn(m.name)
		switch {
		case ok:
			found[c] = a.setJSON(c, m.value)
		case len(unknown) < maxUnknown:
			unknown = append(unknown, unknownField(m.name))
		}
	}
	return a.validate(&found, unknown)
}

// setJSON stores one member.
func (a *Application) setJSON(c Column, value []byte) fault {
	if string(value) == "null" {
		return fault{}
	}
	if c.Numeric() {
		return a.setJSONNumber(c, value)
	}
	if value[0] == '"' {
		var text string
		if json.Unmarshal(value, &text) != nil || a.SetText(c, text) != nil {
			return fault{CodeWrongType, "must be a string"} // not reached: the document was checked
		}
		return fault{}
	}
	if _, n := digits(value, 0); c == Dependents && n == len(value) {
		a.putText(c, value)
		return fault{}
	}
	if c == Dependents {
		return fault{CodeWrongType, `must be a string such as "3+", or an integer`}
	}
	return fault{CodeWrongType, "must be a string"}
}

func (a *Application) setJSONNumber(c Column, value []byte) fault {
	if value[0] != '-' && (value[0] < '0' || value[0] > '9') {
		return fault{CodeWrongType, "must be a number"}
	}
	number, err := ParseNumber(value)
	if err != nil { // the document was checked, so it can only be ErrOverflow
		return fault{CodeOverflow, "is too large for a 64-bit number"}
	}
	a.putNumber(c, number)
	return fault{}
}

func unknownField(name string) FieldError {
	detail := "is not a field of an application"
	if near := nearest(name, columnNames[:]); near != "" {
		detail += "; did you mean " + near + "?"
	}
	const most = 64 // bytes of a name that the client chose
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "..."
	}
	pointer := "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	return FieldError{Pointer: pointer, Code: CodeUnknownField, Detail: detail}
}

// MarshalJSON writes the published names that have a value, in published order. Decoding gives the same
// application again, numbers bit for bit, if it is valid.
func (a Application) MarshalJSON() ([]byte, error) {
	out := make([]byte, 0, 384)
	out = append(out, '{')
	for c := range NumColumns {
		if !a.Has(c) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = append(out, c.String()...)
		out = append(out, '"', ':')
		if number, ok := a.Number(c); ok {
			out = appendNumber(out, number)
			continue
		}
		text, _ := a.Text(c)
		quoted, err := json.Marshal(text)
		if err != nil {
			return nil, err
		}
		out = append(out, quoted...)
	}
	return append(out, '}'), nil
}

// appendNumber writes the shortest decimal that reads back to the same bits.
func appendNumber(out []byte, number float64) []byte {
	format := byte('f')
	if size := math.Abs(number); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(out, number, format, -1, 64)
}
