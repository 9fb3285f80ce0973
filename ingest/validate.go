package ingest

import (
	"math"
	"strings"
	"unicode"
)

// Limits of text in a validated application, in bytes.
const (
	MaxText   = 256
	MaxLoanID = 64
)

// ValidationError lists everything that is wrong with the fields of one application:
// first the published columns in published order, then unknown fields in the order of the document.
type ValidationError struct {
	Fields []FieldError `json:"errors"`
}

// FieldError is one wrong field of an application.
type FieldError struct {
	Pointer string `json:"pointer"` // JSON pointer (RFC 6901), for example "/LoanAmount"
	Code    string `json:"code"`    // one of FieldCodes
	Detail  string `json:"detail"`  // for people, for example "must be greater than 0"; never the value
}

// Error names every wrong field. It holds no values.
func (e *ValidationError) Error() string {
	var b strings.Builder
	b.WriteString("application is not valid")
	for i, f := range e.Fields {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		b.WriteString(sep + f.Pointer + " " + f.Detail + " (" + f.Code + ")")
	}
	return b.String()
}

// Validate checks every rule for a single application and returns nil or a *ValidationError with all that is wrong:
// the rules of CSV rows, and text without control characters of at most MaxText bytes (Loan_ID MaxLoanID).
func (a *Application) Validate() error {
	var faults faults
	return a.validate(&faults, nil)
}

// faults holds at most one fault for each published column.
type faults [NumColumns]fault

// fault is a broken rule; the zero value is none.
type fault struct{ code, detail string }

// validate completes the faults that decoding found, and appends those of unknown fields.
func (a *Application) validate(found *faults, unknown []FieldError) error {
	var fields []FieldError
	for c := range NumColumns {
		f := found[c]
		if f.code == "" {
			f = a.fault(c)
			if f.code == CodeMissingValue && c != PropertyArea && found[TotalIncome].code != "" {
				continue // an income was given, and what is wrong with it is said below
			}
		}
		if f.code == "" {
			f = a.textFault(c)
		}
		if f.code != "" {
			fields = append(fields, FieldError{Pointer: "/" + c.String(), Code: f.code, Detail: f.detail})
		}
	}
	if fields = append(fields, unknown...); len(fields) > 0 {
		return &ValidationError{Fields: fields}
	}
	return nil
}

// fault returns the first rule that the value of column c breaks. The rules are the same for JSON and CSV.
func (a *Application) fault(c Column) fault {
	switch c {
	case ApplicantIncome, CoapplicantIncome:
		return a.incomeFault(c)
	case TotalIncome:
		return a.totalFault()
	case LoanAmount, LoanAmountTerm:
		if v, ok := a.Number(c); ok && !(v > 0) {
			return fault{CodeOutOfRange, "must be greater than 0"}
		}
	case CreditHistory:
		if v, ok := a.Number(c); ok && v != 0 && v != 1 {
			return fault{CodeOutOfRange, "must be 0 or 1, or left out when it is not known"}
		}
	case PropertyArea:
		return a.areaFault()
	}
	return fault{}
}

func (a *Application) incomeFault(c Column) fault {
	v, ok := a.Number(c)
	switch {
	case !ok && a.Has(TotalIncome):
		return fault{}
	case !ok && c == ApplicantIncome:
		return fault{CodeMissingValue, "is required together with CoapplicantIncome, unless TotalIncome is given"}
	case !ok:
		return fault{CodeMissingValue, "is required together with ApplicantIncome, unless TotalIncome is given; 0 when there is none"}
	case v < 0:
		return fault{CodeOutOfRange, "must be 0 or greater"}
	case c == CoapplicantIncome && math.IsInf(v+a.numbers[ApplicantIncome], 0) && a.Has(ApplicantIncome):
		return fault{CodeOverflow, "is too large to be added to ApplicantIncome"}
	}
	return fault{}
}

// totalFault compares a given TotalIncome with the incomes next to it. What remains between two decimals
// and their sum after rounding to binary is no contradiction.
func (a *Application) totalFault() fault {
	total, ok := a.Number(TotalIncome)
	if !ok {
		return fault{}
	}
	if total < 0 {
		return fault{CodeOutOfRange, "must be 0 or greater"}
	}
	applicant, ok1 := a.Number(ApplicantIncome)
	coapplicant, ok2 := a.Number(CoapplicantIncome)
	sum := applicant + coapplicant // a missing one counts 0
	tolerance := 1e-9 * total
	if sum-total > tolerance || (ok1 && ok2 && total-sum > tolerance) {
		return fault{CodeInconsistent, "must be the sum of ApplicantIncome and CoapplicantIncome"}
	}
	return fault{}
}

func (a *Application) areaFault() fault {
	area, ok := a.TextBytes(PropertyArea)
	if !ok {
		return fault{CodeMissingValue, "is required: Rural, Semiurban or Urban"}
	}
	if category(PropertyArea, area) != "" {
		return fault{}
	}
	return fault{CodeUnknownCategory, "must be Rural, Semiurban or Urban, by name"}
}

// textFault holds the rules for text that CSV cells are not put to, because there a record limit bounds them.
func (a *Application) textFault(c Column) fault {
	text, ok := a.TextBytes(c)
	if !ok {
		return fault{}
	}
	switch {
	case c == LoanID && len(text) > MaxLoanID:
		return fault{CodeTooLong, "must be at most 64 bytes of UTF-8"}
	case len(text) > MaxText:
		return fault{CodeTooLong, "must be at most 256 bytes of UTF-8"}
	case strings.ContainsFunc(string(text), unicode.IsControl):
		return fault{CodeControlCharacter, "must not contain control characters"}
	}
	return fault{}
}
