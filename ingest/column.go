package ingest

import (
	"fmt"
)

// Column is one of the published columns of a loan application.
// The same names are the columns of a CSV file and the members of a JSON application.
type Column int

// The published columns in published order. TotalIncome may stand in for the two incomes.
const (
	LoanID            Column = iota // text, the applicant's own key; need not be unique
	Gender                          // text, usually Male or Female
	Married                         // text, usually Yes or No
	Dependents                      // text, usually 0, 1, 2 or 3+
	Education                       // text, usually Graduate or Not Graduate
	SelfEmployed                    // text, usually Yes or No
	ApplicantIncome                 // number, a month, 0 or more
	CoapplicantIncome               // number, a month, 0 or more
	LoanAmount                      // number, in thousands, greater than 0
	LoanAmountTerm                  // number, months, greater than 0
	CreditHistory                   // number, 0 or 1
	PropertyArea                    // text, Rural, Semiurban or Urban in any case
	LoanStatus                      // text, the known outcome in training data; carried, never used
	TotalIncome                     // number, ApplicantIncome + CoapplicantIncome
	NumColumns                      // how many published columns there are
)

const unknownColumn Column = -1

// columnNames holds the published spellings; an array, so that nothing can change its length.
var columnNames = [NumColumns]string{
	"Loan_ID", "Gender", "Married", "Dependents", "Education", "Self_Employed",
	"ApplicantIncome", "CoapplicantIncome", "LoanAmount", "Loan_Amount_Term",
	"Credit_History", "Property_Area", "Loan_Status", "TotalIncome",
}

// squeezedNames holds what squeeze makes of columnNames.
var squeezedNames = [NumColumns]string{
	"loanid", "gender", "married", "dependents", "education", "selfemployed",
	"applicantincome", "coapplicantincome", "loanamount", "loanamountterm",
	"credithistory", "propertyarea", "loanstatus", "totalincome",
}

// String returns the published spelling, for example "Loan_Amount_Term".
func (c Column) String() string {
	if !c.valid() {
		return fmt.Sprintf("Column(%d)", int(c))
	}
	return columnNames[c]
}

// Numeric reports whether the column holds a number; all others hold text.
func (c Column) Numeric() bool {
	switch c {
	case ApplicantIncome, CoapplicantIncome, LoanAmount, LoanAmountTerm, CreditHistory, TotalIncome:
		return true
	}
	return false
}

func (c Column) valid() bool { return c >= 0 && c < NumColumns }

// LookupColumn finds a published column by name: the case of ASCII letters, spaces, underscores, hyphens and points do
// not matter, so that "Loan Amount" and "loan_amount" are LoanAmount.
func LookupColumn(name string) (Column, bool) {
	if c, ok := exactColumn(name); ok {
		return c, true
	}
	if len(name) > maxNearName {
		return unknownColumn, false
	}
	name = squeeze(name)
	for c, published := range squeezedNames {
		if name == published {
			return Column(c), true
		}
	}
	return unknownColumn, false
}

// exactColumn finds a published column by its exact spelling, as JSON requires it.
func exactColumn(name string) (Column, bool) {
	for c, published := range columnNames {
		if name == published {
			return Column(c), true
		}
	}
	return unknownColumn, false
}

// equalFold compares without regard to the case of ASCII letters. Unlike strings.EqualFold it does not
// take the long s or the Kelvin sign for letters of the alphabet.
func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(b) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
