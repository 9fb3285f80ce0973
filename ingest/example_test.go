package ingest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/loanscorer/loanscorer/ingest"
)

// An application as JSON: everything that is wrong is reported at once.
func ExampleDecodeJSON() {
	a, err := ingest.DecodeJSON([]byte(`{"Loan_ID":"LP1","ApplicantIncome":5849,"CoapplicantIncome":0,
		"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	income, _ := a.TotalIncome()
	fmt.Println("income", income)

	_, err = ingest.DecodeJSON([]byte(`{"TotalIncome":5849,"LoanAmount":0,"Property_Area":"Moon","Age":44}`))
	var invalid *ingest.ValidationError
	if errors.As(err, &invalid) {
		for _, f := range invalid.Fields {
			fmt.Println(f.Pointer, f.Code, f.Detail)
		}
	}
	_, err = ingest.DecodeJSON([]byte(`{"LoanAmount":NaN}`))
	fmt.Println(errors.Is(err, ingest.ErrMalformed))
	// Output:
	// income 5849
	// /LoanAmount out_of_range must be greater than 0
	// /Property_Area unknown_category must be Rural, Semiurban or Urban, by name
	// /Age unknown_field is not a field of an application
	// true
}

// The header decides whether a file is read; a refusal says what to do.
func ExampleParseHead() {
	head, err := ingest.ParseHead([]byte("property_area,LOANAMOUNT,Credit_History,TotalIncome,Branch\n"), true, ingest.Given{})
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := json.Marshal(head.Columns[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text), head.DataStart)

	_, err = ingest.ParseHead([]byte("Total Income,Loan_Amnt,Credit_History,Property_Area\n"), true, ingest.Given{})
	fmt.Println(err)
	// Output:
	// {"name":"property_area","known":"Property_Area"} 59
	// required columns are missing: LoanAmount; found: "Total Income", "Loan_Amnt", "Credit_History", "Property_Area"; rename "Loan_Amnt" to LoanAmount, add what is missing; TotalIncome can stand for the two incomes (missing_columns)
}

// A file from head to rows. Rows that cannot be scored do not stop the others.
func ExampleScanner() {
	const file = "Loan_ID,TotalIncome,LoanAmount,Credit_History,Property_Area\n" +
		"LP1,5849,128,1,Urban\n" +
		"LP2,5849,\"1,280\",1,Urban\n" +
		"LP3,6091,,,rural\n"
	head, err := ingest.ParseHead([]byte(file), true, ingest.Given{})
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := head.Decoder()
	scanner := ingest.NewScanner(strings.NewReader(file[head.DataStart:]), head.DataStart,
		ingest.ScannerOptions{FirstLine: head.DataLine})
	var a ingest.Application
	for scanner.Scan() {
		if err := rows.Decode(scanner.Record(), &a); err != nil {
			fmt.Println(err)
			continue
		}
		id, _ := a.Text(ingest.LoanID)
		amount, given := a.Number(ingest.LoanAmount)
		fmt.Println(id, amount, given)
	}
	fmt.Println("read error:", scanner.Err())
	// Output:
	// LP1 128 true
	// line 3, byte 81, column LoanAmount: is not a number: write 4583.5, with a decimal point and no thousands separators (bad_number)
	// LP3 0 false
	// read error: <nil>
}

// Ranges of a file are scanned on their own; the chain shows whether each began where the one before it ended.
func ExampleDialect_FirstRecord() {
	const file = "h\na\n\"b\nb\"\nc\n" // one record has a line feed in quotes
	const dataStart, chunkSize = 2, 4
	var dialect ingest.Dialect // UTF-8 with commas
	size := int64(len(file))
	next := int64(dataStart)
	for n := range ingest.Chunks(dataStart, size, chunkSize) {
		r := ingest.Chunk(dataStart, size, chunkSize, n)
		first := r.Start
		if n > 0 {
			first, _ = dialect.FirstRecord(strings.NewReader(file[r.Start-1:]), r.Start, r.End)
		}
		if first != next {
			fmt.Printf("range %d: %d was a wrong guess, ", n, first)
			first = next
		} else {
			fmt.Printf("range %d: ", n)
		}
		scanner := ingest.NewScanner(strings.NewReader(file[first:]), first, ingest.ScannerOptions{End: r.End})
		records := 0
		for scanner.Scan() {
			records++
		}
		next = scanner.Next()
		fmt.Printf("%d records from %d to %d\n", records, first, next)
	}
	// Output:
	// range 0: 2 records from 2 to 10
	// range 1: 7 was a wrong guess, 0 records from 10 to 10
	// range 2: 1 records from 10 to 12
}

// One grammar for every number.
func ExampleParseNumber() {
	for _, cell := range []string{"985.7999878", "1e3", "5,000", "1e400"} {
		number, err := ingest.ParseNumber([]byte(cell))
		fmt.Println(number, err)
	}
	// Output:
	// 985.7999878 <nil>
	// 1000 <nil>
	// 0 not a decimal number
	// 0 number too large
}

func ExampleLookupColumn() {
	c, ok := ingest.LookupColumn(" loan_amount_TERM ")
	fmt.Println(c, c.Numeric(), ok)
	// Output: Loan_Amount_Term true true
}
