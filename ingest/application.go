package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unicode"
	"unicode/utf8"
)

// Errors of SetText and SetNumber.
var (
	// ErrKind says that text was given for a column of numbers, or the other way round.
	ErrKind = errors.New("wrong kind of column")
	// ErrValue says that a value cannot be held: a number that is not finite, or text that is not UTF-8.
	ErrValue = errors.New("value cannot be held")
)

// Application is one loan application: for each published column a value or nothing.
// The zero value is empty. An Application owns its bytes and can be used again after Reset without allocating.
// It must not be copied once it is filled, nor used by several goroutines while one of them changes it.
type Application struct {
	present uint32 // a bit for each Column
	numbers [NumColumns]float64
	texts   [NumColumns]span
	buf     []byte // the bytes of every text
}

type span struct{ from, to int }

// Reset empties the application and keeps its memory.
func (a *Application) Reset() {
	a.present = 0
	a.buf = a.buf[:0]
}

// Has reports whether the column has a value.
func (a *Application) Has(c Column) bool {
	return c.valid() && a.present&(1<<c) != 0
}

// Text returns the value of a text column as it was given, without surrounding spaces,
// and false when it is missing or c holds numbers. The usual values of the published columns cost no allocation.
func (a *Application) Text(c Column) (string, bool) {
	b, ok := a.TextBytes(c)
	if !ok {
		return "", false
	}
	return intern(b), true
}

// TextBytes is Text without the copy: the slice must not be changed and is valid until the next change of a.
func (a *Application) TextBytes(c Column) ([]byte, bool) {
	if c.Numeric() || !a.Has(c) {
		return nil, false
	}
	s := a.texts[c]
	return a.buf[s.from:s.to:s.to], true
}

// Number returns the value of a number column, and false when it is missing or c holds text. It is always finite.
func (a *Application) Number(c Column) (float64, bool) {
	if !c.Numeric() || !a.Has(c) {
		return 0, false
	}
	return a.numbers[c], true
}

// TotalIncome returns the monthly income of the household: TotalIncome where it is given,
// otherwise the sum of the two incomes, and false when one of them is missing.
func (a *Application) TotalIncome() (float64, bool) {
	if total, ok := a.Number(TotalIncome); ok {
		return total, true
	}
	applicant, ok1 := a.Number(ApplicantIncome)
	coapplicant, ok2 := a.Number(CoapplicantIncome)
	if !ok1 || !ok2 {
		return 0, false
	}
	return applicant + coapplicant, true
}

// SetText sets a text column. Surrounding spaces are cut; what is then empty removes the value.
// It returns ErrKind for a number column and ErrValue for text that is not UTF-8. Validate checks the rest.
func (a *Application) SetText(c Column, text string) error {
	if !c.valid() || c.Numeric() {
		return fmt.Errorf("%v holds no text: %w", c, ErrKind)
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("%v is not UTF-8: %w", c, ErrValue)
	}
	from := len(a.buf)
	a.buf = append(a.buf, text...)
	a.buf = append(a.buf[:from], trim(a.buf[from:])...)
	a.markText(c, from)
	return nil
}

// SetNumber sets a number column.
// It returns ErrKind for a text column and ErrValue for a number that is not finite. Validate checks the rest.
func (a *Application) SetNumber(c Column, number float64) error {
	if !c.Numeric() {
		return fmt.Errorf("%v holds no number: %w", c, ErrKind)
	}
	if math.IsNaN(number) || math.IsInf(number, 0) {
		return fmt.Errorf("%v is not finite: %w", c, ErrValue)
	}
	a.putNumber(c, number)
	return nil
}

// Equal reports whether both applications have the same values, numbers bit for bit. go-cmp uses it.
func (a *Application) Equal(b *Application) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.present != b.present {
		return false
	}
	for c := range NumColumns {
		text1, _ := a.TextBytes(c)
		text2, _ := b.TextBytes(c)
		number1, _ := a.Number(c)
		number2, _ := b.Number(c)
		if !bytes.Equal(text1, text2) || math.Float64bits(number1) != math.Float64bits(number2) {
			return false
		}
	}
	return true
}

func (a *Application) putNumber(c Column, number float64) {
	a.numbers[c] = number
	a.present |= 1 << c
}

// putText takes a cell that is already trimmed and known to be UTF-8.
func (a *Application) putText(c Column, cell []byte) {
	from := len(a.buf)
	a.buf = append(a.buf, cell...)
	a.markText(c, from)
}

func (a *Application) markText(c Column, from int) {
	a.texts[c] = span{from, len(a.buf)}
	if from == len(a.buf) {
		a.present &^= 1 << c
		return
	}
	a.present |= 1 << c
}

// trim cuts blanks on both sides: spaces, tabs, and the other spaces of Unicode on a line, such as the no-break space.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	if len(b) > 0 && (b[0] >= utf8.RuneSelf || b[len(b)-1] >= utf8.RuneSelf) {
		return bytes.TrimFunc(b, func(r rune) bool { return r == ' ' || r == '\t' || isWideBlank(r) })
	}
	return b
}

// isWideBlank reports whether a character beyond ASCII shows nothing and ends no line.
func isWideBlank(r rune) bool {
	switch r {
	case '\u200B', '\u2060', '\uFEFF': // no width at all
		return true
	}
	return r > unicode.MaxASCII && unicode.Is(unicode.Zs, r)
}

// hasWideBlank reports whether there is such a character.
func hasWideBlank(b []byte) bool { return bytes.IndexFunc(b, isWideBlank) >= 0 }

// Category returns the value of a text column as models know it: the published spelling of Property_Area, Married,
// Self_Employed and Education whatever the case, spaces and hyphens, "Y" and "N" for "Yes" and "No", "Under Graduate" for
// "Not Graduate"; any other text as Text does. It is false when the value is missing or c holds numbers.
func (a *Application) Category(c Column) (string, bool) {
	b, ok := a.TextBytes(c)
	if !ok {
		return "", false
	}
	return Category(c, b), true
}

// Category is the text of column c as [Application.Category] gives it.
func Category(c Column, text []byte) string {
	if name := category(c, text); name != "" {
		return name
	}
	return intern(text)
}

// category returns the published spelling of a category, or "".
func category(c Column, text []byte) string {
	switch c {
	case PropertyArea:
		return spelled(text, "Urban", "Semiurban", "Rural")
	case Married, SelfEmployed:
		switch name := spelled(text, "Yes", "No", "Y", "N"); name {
		case "Y":
			return "Yes"
		case "N":
			return "No"
		default:
			return name
		}
	case Education:
		if name := spelled(text, "Graduate", "Not Graduate", "Under Graduate"); name != "Under Graduate" {
			return name
		}
		return "Not Graduate"
	}
	return ""
}

// spelled returns the one of the names that a text spells, or "": the case of ASCII letters, spaces, underscores and
// hyphens do not matter.
func spelled(text []byte, names ...string) string {
	for _, name := range names {
		if string(text) == name {
			return name
		}
	}
	for _, name := range names {
		if sameLetters(text, name) {
			return name
		}
	}
	return ""
}

// sameLetters compares without regard to the case of ASCII letters, spaces, underscores and hyphens.
func sameLetters(a []byte, b string) bool {
	for {
		for len(a) > 0 && isGap(a[0]) {
			a = a[1:]
		}
		for len(b) > 0 && isGap(b[0]) {
			b = b[1:]
		}
		if len(a) == 0 || len(b) == 0 {
			return len(a) == len(b)
		}
		if lower(a[0]) != lower(b[0]) {
			return false
		}
		a, b = a[1:], b[1:]
	}
}

func isGap(c byte) bool { return c == ' ' || c == '_' || c == '-' }

// intern returns b as a string, without allocating for the values that nearly every row has.
func intern(b []byte) string {
	for _, s := range [...]string{
		"Male", "Female", "Yes", "No", "0", "1", "2", "3+", "Graduate", "Not Graduate",
		"Rural", "Semiurban", "Urban", "Y", "N",
	} {
		if string(b) == s {
			return s
		}
	}
	return string(b)
}
