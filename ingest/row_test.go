package ingest

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// decodeFile returns for each row its JSON, or its error.
func decodeFile(tb testing.TB, file string) []string {
	tb.Helper()
	h, err := ParseHead([]byte(file), true, Given{})
	if err != nil {
		tb.Fatal(err)
	}
	rows, err := decodeText(tb, h, strings.NewReader(file[h.DataStart:]))
	if err != nil {
		tb.Fatal(err)
	}
	return rows
}

// decodeText is decodeFile from the first row on, and the error of reading.
func decodeText(tb testing.TB, h *Head, text io.Reader) ([]string, error) {
	tb.Helper()
	s := NewScanner(text, h.DataStart, ScannerOptions{FirstLine: h.DataLine, Dialect: h.Dialect})
	d := h.Decoder()
	var a Application
	var out []string
	for s.Scan() {
		if err := d.Decode(s.Record(), &a); err != nil {
			out = append(out, err.Error())
			continue
		}
		text, err := json.Marshal(&a)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, string(text))
	}
	return out, s.Err()
}

// failure 46, failure 48, failure 49
func TestDecodeRow(t *testing.T) {
	t.Parallel()
	const head = "id,applicantincome,CoapplicantIncome,TotalIncome,LoanAmount,Loan_Amount_Term,Credit_History,Property_Area,Dependents\n"
	cases := map[string]string{
		`x,1,2,,,,,Urban,`:                   `{"ApplicantIncome":1,"CoapplicantIncome":2,"Property_Area":"Urban"}`,
		` x , 1	, 2 ,, ,	,, "",`:             `line 2, byte 117: a quote stands inside a cell that does not begin with one; quote the whole cell, without spaces before it, and double the quotes in it (bad_quote)`,
		` x , 1	, 2 ,, ,	,, SEMIURBAN ,3+ `:  `{"Dependents":"3+","ApplicantIncome":1,"CoapplicantIncome":2,"Property_Area":"SEMIURBAN"}`,
		`x,,,16.12000084,66,360,1.0,Rural,0`: `{"Dependents":"0","LoanAmount":66,"Loan_Amount_Term":360,"Credit_History":1,"Property_Area":"Rural","TotalIncome":16.12000084}`,
		`x,0.1,0.2,0.3,1,1,0,Rural,`:         `{"ApplicantIncome":0.1,"CoapplicantIncome":0.2,"LoanAmount":1,"Loan_Amount_Term":1,"Credit_History":0,"Property_Area":"Rural","TotalIncome":0.3}`,
		`x,1,2,3,4,5,0,Rural`:                `line 2, byte 117: the row has 8 cells, the header has 9 (wrong_field_count)`,
		`x,1,000,2,3,4,5,0,Rural,1`:          `line 2, byte 117: the row has 10 cells, the header has 9; put quotes around a cell that contains a comma (wrong_field_count)`,
		`x,"5,000",2,,1,1,0,Rural,`:          `line 2, byte 117, column applicantincome: is not a number: write 4583.5, with a decimal point and no thousands separators (bad_number)`,
		`x,NA,2,,1,1,0,Rural,`:               `line 2, byte 117, column applicantincome: is not a number: leave the cell empty when the value is not known (bad_number)`,
		`x,1,0x10,,1,1,0,Rural,`:             `line 2, byte 117, column CoapplicantIncome: is not a number: write digits with or without a decimal point, such as 4583.5 (bad_number)`,
		`x,1,2,,1e400,1,0,Rural,`:            `line 2, byte 117, column LoanAmount: is too large for a 64-bit number (overflow)`,
		`x,1,2,,0,x,0,Rural,`:                `line 2, byte 117, column Loan_Amount_Term: is not a number: leave the cell empty when the value is not known (bad_number)`,
		`x,-1,2,,0,1,0,Rural,`:               `line 2, byte 117, column applicantincome: must be 0 or greater (out_of_range)`,
		`x,1,2,,0,1,0,Rural,`:                `line 2, byte 117, column LoanAmount: must be greater than 0 (out_of_range)`,
		`x,1,2,,1,1,5,Rural,`:                `line 2, byte 117, column Credit_History: must be 0 or 1, or left out when it is not known (out_of_range)`,
		`x,1,2,,1,1,0,Suburb,`:               `line 2, byte 117, column Property_Area: must be Rural, Semiurban or Urban, by name (unknown_category)`,
		`x,1,2,,1,1,0,1,`:                    `line 2, byte 117, column Property_Area: must be Rural, Semiurban or Urban, by name (unknown_category)`,
		`x,1,2,,1,1,0,,`:                     `line 2, byte 117, column Property_Area: is required: Rural, Semiurban or Urban (missing_value)`,
		`x,1,,,1,1,0,Urban,`:                 `line 2, byte 117, column CoapplicantIncome: is required together with ApplicantIncome, unless TotalIncome is given; 0 when there is none (missing_value)`,
		`,,,,,,,,`:                           `line 2, byte 117, column applicantincome: every cell of the row is empty: remove the line (missing_value)`,
		`x,1,2,4,1,1,0,Urban,`:               `line 2, byte 117, column TotalIncome: must be the sum of ApplicantIncome and CoapplicantIncome (inconsistent)`,
		` ,"	",,,,,,,`:                       `line 2, byte 117, column applicantincome: every cell of the row is empty: remove the line (missing_value)`,
		`   `:                                `line 2, byte 117: every cell of the row is empty: remove the line (wrong_field_count)`,
		"\x1a":                               `line 2, byte 117: the row has 1 cell, the header has 9; it is the control character (Ctrl-Z) that ended files in DOS: remove it (wrong_field_count)`,
		`# end`:                              `line 2, byte 117: the row has 1 cell, the header has 9 (wrong_field_count)`,
		`"x,1,2,,1,1,0,Urban,"`:              `line 2, byte 117: the row has 1 cell, the header has 9; remove the quotes around the row (wrong_field_count)`,
		`x,1,2,,1,1,0,Urban,,, `:             `line 2, byte 117: the row has 11 cells, the header has 9; remove the empty cells at its end, or give them a column in the header (wrong_field_count)`,
		`x,"5849,5",2,,1,1,0,Urban,`:         `line 2, byte 117, column applicantincome: is not a number: write 4583.5, with a decimal point and no thousands separators, or read the file with decimal commas (bad_number)`,
		`x,Applicant Income,2,,1,1,0,Urban,`: `line 2, byte 117, column applicantincome: is not a number: the row repeats the header: remove it (bad_number)`,
		`x,-,2,,1,1,0,Urban,`:                `line 2, byte 117, column applicantincome: is not a number: leave the cell empty when the value is not known (bad_number)`,
		`x,#N/A,2,,1,1,0,Urban,`:             `line 2, byte 117, column applicantincome: is not a number: leave the cell empty when the value is not known (bad_number)`,
		`x,1,2,,.,1,0,Urban,`:                `line 2, byte 117, column LoanAmount: is not a number: leave the cell empty when the value is not known (bad_number)`,
		`x,1,2,,1,1,TRUE,Urban,`:             `line 2, byte 117, column Credit_History: is not a number: write 1 or 0, or leave the cell empty when it is not known (bad_number)`,
		"x,5\u00a0849,2,,1,1,0,Urban,":       `line 2, byte 117, column applicantincome: is not a number: it holds a space that is not an ordinary one, such as a no-break space: remove it (bad_number)`,
		"x,\u00a05849\u202f ,2,,1,1,0,Urban\u00a0,\ufeff3+": `{"Dependents":"3+","ApplicantIncome":5849,"CoapplicantIncome":2,"LoanAmount":1,"Loan_Amount_Term":1,"Credit_History":0,"Property_Area":"Urban"}`,
		"x,1,2,,1,1,0,Urban,\"a\nb\"":                       `{"Dependents":"a\nb","ApplicantIncome":1,"CoapplicantIncome":2,"LoanAmount":1,"Loan_Amount_Term":1,"Credit_History":0,"Property_Area":"Urban"}`,
		"x,1,2,,1,1,0,\"Ur\x00ban\",":                       `line 2, byte 117: the row holds a NUL byte; the file may be damaged or not be text (nul)`,
		"x,1,2,,1,1,0,Urban,ãé\xe9":                         `line 2, byte 117: the row is not UTF-8; save the file as CSV UTF-8, or say that all of it is windows-1252 (bad_utf8)`,
		`"x,1,2,,1,1,0,Urban,`:                              `line 2, byte 117: a quote opens a cell and is not closed; only this line is rejected (unclosed_quote)`,
		"x,1,2,,1,1,0,Urban\r,":                             `line 2, byte 117: a carriage return stands alone outside quotes; end lines with a line feed (bare_cr)`,
		`x,1,2,,1,1,0,"Urban"x,`:                            `line 2, byte 117: text follows a closing quote; double a quote that is part of a cell (bad_quote)`,
		strings.Repeat("x", MaxRecord+1) + `,1`:             `line 2, byte 117: the line is longer than 65536 bytes; a line break may be missing (record_too_long)`,
	}
	for row, want := range cases {
		if got := decodeFile(t, head+row); len(got) != 1 || got[0] != want {
			t.Errorf("%.60s\n got %q\nwant %q", row, got, want)
		}
	}
}

// failure 46: a row that is wrong never changes what comes after it.
func TestBadRowsDoNotStopOthers(t *testing.T) {
	t.Parallel()
	bad := []string{"a,b", `x"y,1,2,3,Urban`, "x,1,2,3,\xff", ",,,,", "x,1,2,3,Nowhere"}
	file := "TotalIncome,LoanAmount,Credit_History,Property_Area\n"
	want := 0
	random := rand.New(rand.NewPCG(11, 12))
	var b strings.Builder
	for range 1000 {
		if random.IntN(2) == 0 {
			b.WriteString(bad[random.IntN(len(bad))] + "\r\n")
			continue
		}
		b.WriteString("5849,128,1,Urban\n")
		want++
	}
	got := 0
	for _, row := range decodeFile(t, file+b.String()) {
		if strings.HasPrefix(row, "{") {
			got++
		}
	}
	if got != want {
		t.Errorf("%d good rows, want %d", got, want)
	}
}

// failure 40: the line endings change nothing.
func TestLineEndingsGiveTheSameRows(t *testing.T) {
	t.Parallel()
	lf := syntheticFile(500)
	want := decodeFile(t, lf)
	for name, file := range map[string]string{
		"CRLF":                         strings.ReplaceAll(lf, "\n", "\r\n"),
		"no final newline":             strings.TrimSuffix(lf, "\n"),
		"CRLF and no final newline":    strings.TrimSuffix(strings.ReplaceAll(lf, "\n", "\r\n"), "\r\n"),
		"blank lines":                  strings.ReplaceAll(lf, "\n", "\n\r\n\n"),
		"byte order mark":              "\xEF\xBB\xBF" + lf,
		"every cell in quotes":         quoteAll(lf),
		"every cell in quotes, CRLF":   strings.ReplaceAll(quoteAll(lf), "\n", "\r\n"),
		"spaces around unquoted cells": strings.ReplaceAll(lf, ",", " , "),
	} {
		got := decodeFile(t, file)
		if len(got) != len(want) {
			t.Fatalf("%s: %d rows, want %d", name, len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: row %d\n got %s\nwant %s", name, i, got[i], want[i])
			}
		}
	}
}

func quoteAll(file string) string {
	return strings.TrimSuffix(`"`+strings.ReplaceAll(strings.ReplaceAll(file, ",", `","`), "\n", "\"\n\""), `"`)
}

// One set of rules: a row is accepted just when the same values are accepted as JSON.
func TestRowsAndJSONAgree(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(13, 14))
	cells := []string{"", "0", "1", "-1", "3", "2.5", "1e400", "x", "01", "-0", "3.0"}
	areas := []string{"", "urban", "Semiurban", "2", "Nowhere"}
	names := []string{"ApplicantIncome", "CoapplicantIncome", "LoanAmount", "Credit_History", "TotalIncome", "Property_Area"}
	for range 20_000 {
		var members, row []string
		for _, name := range names {
			cell := cells[random.IntN(len(cells))]
			member := cell
			if name == "Property_Area" {
				cell = areas[random.IntN(len(areas))]
				member = `"` + cell + `"`
			}
			if cell == "" {
				member = "null"
			}
			row = append(row, cell)
			members = append(members, `"`+name+`":`+member)
		}
		fromJSON, err := DecodeJSON([]byte("{" + strings.Join(members, ",") + "}"))
		got := decodeFile(t, strings.Join(names, ",")+"\n"+strings.Join(row, ","))[0]
		if err != nil {
			if strings.HasPrefix(got, "{") {
				t.Fatalf("row %v is accepted: %s; as JSON: %v", row, got, err)
			}
			continue
		}
		if text, _ := json.Marshal(fromJSON); got != string(text) {
			t.Fatalf("row %v gives %s, as JSON %s", row, got, text)
		}
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	file := syntheticFile(3000)
	h, err := ParseHead([]byte(file[:2000]), false, Given{})
	if err != nil {
		t.Fatal(err)
	}
	s := NewScanner(strings.NewReader(file[h.DataStart:]), h.DataStart, ScannerOptions{FirstLine: h.DataLine, Dialect: h.Dialect})
	d := h.Decoder()
	var a Application
	area, incomes := 0, 0.0
	next := func() {
		if !s.Scan() {
			t.Fatal("no more rows")
		}
		if err := d.Decode(s.Record(), &a); err != nil {
			t.Fatal(err)
		}
		text, _ := a.Text(PropertyArea)
		income, _ := a.TotalIncome()
		area, incomes = area+len(text), incomes+income
	}
	for range 100 {
		next()
	}
	if n := testing.AllocsPerRun(2000, next); n != 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func TestErrorsHoldNoValues(t *testing.T) {
	t.Parallel()
	const canary = "canary4711"
	var texts []string
	for _, document := range []string{
		`{"Loan_ID":"` + canary + `\u0001","Property_Area":"` + canary + `","LoanAmount":"` + canary + `","Gender":"` + strings.Repeat(canary, 30) + `"}`,
		`{"Loan_ID":"` + canary + `"`, `{"Loan_ID":"` + canary + `","Loan_ID":"` + canary + `"}`,
	} {
		_, err := DecodeJSON([]byte(document))
		if err == nil {
			t.Fatalf("%s is accepted", document)
		}
		texts = append(texts, err.Error())
	}
	texts = append(texts, decodeFile(t, "TotalIncome,LoanAmount,Credit_History,Property_Area\n"+
		canary+",1,1,Urban\n1,1,1,"+canary+"\n"+canary+"\n\""+canary+"\"x\n\""+canary+"\n")...)
	var a Application
	texts = append(texts, a.SetText(Gender, canary+"\xff").Error())
	for _, text := range texts {
		if strings.Contains(text, canary) {
			t.Errorf("%s", text)
		}
	}
}

func TestRowErrorIsTyped(t *testing.T) {
	t.Parallel()
	var err error = &RowError{Line: 3, Offset: 40, Column: "LoanAmount", Code: CodeOutOfRange, Reason: "must be greater than 0"}
	var row *RowError
	if !errors.As(err, &row) || err.Error() != "line 3, byte 40, column LoanAmount: must be greater than 0 (out_of_range)" {
		t.Errorf("%v", err)
	}
	text, _ := json.Marshal(row)
	if string(text) != `{"line":3,"offset":40,"column":"LoanAmount","code":"out_of_range","reason":"must be greater than 0"}` {
		t.Errorf("%s", text)
	}
}
