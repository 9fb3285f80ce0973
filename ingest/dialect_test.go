package ingest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const brazilian = "Loan_ID;Nome;ApplicantIncome;CoapplicantIncome;LoanAmount;Credit_History;Property_Area\r\n" +
	"LP1;Jo\xe3o;5849,50;0;128;1;Urban\r\nLP2;Ana;1.234,56;1508,00;66,5;0;Rural\r\nLP3;Z\xe9;5.849;0;;;Semiurban\r\n"

// failure 39, failure 40, failure 43, failure 47: how a file is written is found out once.
func TestDetectDialect(t *testing.T) {
	t.Parallel()
	plain := Dialect{Encoding: EncodingUTF8, Delimiter: ",", Decimal: ".", Newline: NewlineLF}
	with := func(change func(*Dialect)) Dialect {
		d := plain
		change(&d)
		return d
	}
	full := header + "\nLP1,,,,,,1,2,3,360,1,Urban,\n"
	semicolons := strings.ReplaceAll(full, ",", ";")
	numbers := func(rows ...string) string { // of semicolon files
		return "TotalIncome;LoanAmount;Credit_History;Property_Area\n" + strings.Join(rows, "\n")
	}
	cases := map[string]struct {
		text string
		want Dialect
	}{
		"commas":           {full, plain},
		"semicolons":       {semicolons, with(func(d *Dialect) { d.Delimiter = ";" })},
		"tabs":             {strings.ReplaceAll(full, ",", "\t"), with(func(d *Dialect) { d.Delimiter = "\t" })},
		"bars":             {strings.ReplaceAll(full, ",", "|"), with(func(d *Dialect) { d.Delimiter = "|" })},
		"quoted names":     {`"` + strings.ReplaceAll(header, ",", `";"`) + "\"\n", with(func(d *Dialect) { d.Delimiter = ";" })},
		"a comma in names": {"a,b;" + semicolons, with(func(d *Dialect) { d.Delimiter = ";" })},
		"many commas":      {"address (street, number, district, city, state, country, code, floor, door, a, b, c, d, e, f, and more);" + semicolons, with(func(d *Dialect) { d.Delimiter = ";" })},
		"sep=;":            {"sep=;\r\n" + semicolons, with(func(d *Dialect) { d.Delimiter = ";" })},
		"sep=TAB":          {"\"sep=\t\"\n" + strings.ReplaceAll(full, ",", "\t"), with(func(d *Dialect) { d.Delimiter = "\t" })},
		"sep=^":            {"SEP=^\n" + strings.ReplaceAll(full, ",", "^"), with(func(d *Dialect) { d.Delimiter = "^" })},
		"sep= saved again": {"sep=,,,,\n" + full, plain},
		"sep= after BOM":   {utf8BOM + "sep=,\n" + full, plain},
		"CR":               {strings.ReplaceAll(full, "\n", "\r"), with(func(d *Dialect) { d.Newline = NewlineCR })},
		"CR, LF in quotes": {"\"a\nb\"," + strings.ReplaceAll(full, "\n", "\r"), with(func(d *Dialect) { d.Newline = NewlineCR })},
		"CR CR LF":         {strings.ReplaceAll(full, "\n", "\r\r\n"), plain},
		"Windows-1252":     {"Endere\xe7o," + full, with(func(d *Dialect) { d.Encoding = EncodingWindows1252 })},
		"one damaged row":  {full + "LP2,ãé\n\xff\n", plain},
		"Brazilian": {brazilian, Dialect{
			Encoding: EncodingWindows1252, Delimiter: ";", Decimal: ",", Grouping: ".", Newline: NewlineLF,
		}},
		"decimal points":        {numbers("1.5;2;1;Urban", "1;2,5;1;Urban", "2.25;;;Rural"), with(func(d *Dialect) { d.Delimiter = ";" })},
		"a tie":                 {numbers("1.5;2;1;Urban", "1;2,5;1;Urban"), with(func(d *Dialect) { d.Delimiter = ";" })},
		"ambiguous points":      {numbers("1.500;2;1;Urban"), with(func(d *Dialect) { d.Delimiter = ";" })},
		"commas, not grouped":   {numbers("1.500;2,5;1;Urban"), with(func(d *Dialect) { d.Delimiter, d.Decimal = ";", "," })},
		"commas and one point":  {numbers("1.5;2,5;1;Urban", "1.000,5;2,5;1;Urban"), with(func(d *Dialect) { d.Delimiter, d.Decimal = ";", "," })},
		"millions":              {numbers("1.500.000;2,5;1;Urban"), with(func(d *Dialect) { d.Delimiter, d.Decimal, d.Grouping = ";", ",", "." })},
		"commas in other cells": {"a;" + numbers("1,5;1.5;2;1;Urban"), with(func(d *Dialect) { d.Delimiter = ";" })},
		"quoted in commas":      {strings.ReplaceAll(numbers("1;2;1;Urban"), ";", ",") + "\n\"1,5\",\"2,5\",1,Urban\n", plain},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := ParseHead([]byte(c.text), true, Given{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, h.Dialect); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestGivenDialect(t *testing.T) {
	t.Parallel()
	text := "TotalIncome;LoanAmount;Credit_History;Property_Area\n1.500;2;1;Urban\n"
	for _, c := range []struct {
		given Given
		want  string
	}{
		{Given{}, "UTF-8, semicolons"},
		{Given{Decimal: "comma"}, "UTF-8, semicolons, decimal comma, thousands grouped by points"},
		{Given{Decimal: "."}, "UTF-8, semicolons"},
		{Given{Delimiter: "semicolon", Encoding: "Latin-1"}, "Windows-1252, semicolons"},
	} {
		h, err := ParseHead([]byte(text), true, c.given)
		if err != nil || h.Dialect.String() != c.want {
			t.Errorf("%+v: %v, %v, want %s", c.given, h, err, c.want)
		}
	}
	var refused *FileError
	if _, err := ParseHead([]byte(text), true, Given{Delimiter: "comma"}); !errors.As(err, &refused) || refused.Code != CodeDelimiter {
		t.Errorf("%v", err)
	}
	for _, given := range []Given{
		{Delimiter: "a"}, {Delimiter: "."}, {Delimiter: "\""}, {Delimiter: ";;"}, {Decimal: "dot"}, {Encoding: "ebcdic"},
	} {
		if err := given.Check(); !errors.Is(err, ErrGiven) {
			t.Errorf("%+v: %v", given, err)
		}
	}
}

// failure 47: offsets, lines and cells of a file in Windows-1252.
func TestWindows1252(t *testing.T) {
	t.Parallel()
	h, err := ParseHead([]byte(brazilian), true, Given{})
	if err != nil {
		t.Fatal(err)
	}
	rows, _, _ := scanRange(t, brazilian, h.DataStart, ScannerOptions{FirstLine: h.DataLine, Dialect: h.Dialect})
	at := int64(len(strings.SplitAfter(brazilian, "\n")[0]))
	want := row{Offset: at, Line: 2, Raw: "LP1;João;5849,50;0;128;1;Urban", Fields: []string{"LP1", "João", "5849,50", "0", "128", "1", "Urban"}}
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	bad := "a\"\xe9\n" + strings.Repeat("\x80", 9) + "\n"
	rows, _, _ = scanRange(t, bad, 0, ScannerOptions{MaxRecord: 5, Dialect: h.Dialect})
	if len(rows) != 2 || rows[0].Raw != "a\"é" || rows[1].Raw != strings.Repeat("€", 5) {
		t.Errorf("%+v", rows)
	}
	var every []byte
	for c := range 256 {
		every = append(every, byte(c))
	}
	text := []rune(string(appendWindows1252(nil, every)))
	if len(text) != 256 || text[0x80] != '€' || text[0x9f] != 'Ÿ' || text[0xe7] != 'ç' || text[0x81] != 0x81 || text['a'] != 'a' {
		t.Errorf("%q", string(text))
	}
}

// failure 48: numbers with a decimal comma.
func TestParseComma(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"0": "0 0", "5849": "5849 5849", "-3": "-3 -3", "5849,50": "5849.5 5849.5", "0,1": "0.1 0.1", "1,5e3": "1500 1500",
		"1.234,56": "1234.56 1234.56", "12.345.678": "1.2345678e+07 1.2345678e+07", "-1.234,5": "-1234.5 -1234.5",
		"5.849": "! 5849", "100.000": "! 100000",
		"985.79": "! !", "16.12000084": "! !", "1.23,4": "! !", "1234.567,8": "! !", ".5": "! !", ",5": "! !", "5,": "! !", "1,2,3": "! !",
		"1,234.56": "! !", "1.,5": "! !", "01,5": "! !", "0.234,5": "! !", "": "! !", "-": "! !", "x": "! !", "1..234": "! !", "1 234,5": "! !",
		"+1,5": "! !", "-.123,4": "! !", "1.234.": "! !",
		strings.Repeat("9", 70) + ",5": "1e+70 1e+70",
	} {
		got := make([]string, 2)
		for i, grouped := range []bool{false, true} {
			got[i] = "!"
			if v, err := parseComma([]byte(cell), grouped); err == nil {
				got[i] = fmt.Sprint(v)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q is %v, want %s", cell, got, want)
		}
	}
}

// FuzzParseComma holds decimal commas against decimal points.
func FuzzParseComma(f *testing.F) {
	for _, cell := range []string{"5849,50", "1.234,56", "5.849", "-0,1", "1e400", "1.000.000,00"} {
		f.Add([]byte(cell))
	}
	f.Fuzz(func(t *testing.T, cell []byte) {
		got, err := parseComma(cell, true)
		point := strings.ReplaceAll(strings.ReplaceAll(string(cell), ".", ""), ",", ".")
		want, err2 := ParseNumber([]byte(point))
		if err == nil && (err2 != nil || got != want) {
			t.Fatalf("%q is %v, %q is %v, %v", cell, got, point, want, err2)
		}
		if _, err3 := parseComma(cell, false); err3 == nil && err != nil {
			t.Fatalf("%q is read only without groups", cell)
		}
	})
}

// The rows of a file are the same in every dialect.
func TestDialectsGiveTheSameRows(t *testing.T) {
	t.Parallel()
	plain := syntheticFile(300)
	want := decodeFile(t, plain)
	for name, file := range map[string]string{
		"semicolons":     strings.ReplaceAll(plain, ",", ";"),
		"tabs":           strings.ReplaceAll(plain, ",", "\t"),
		"bars":           strings.ReplaceAll(plain, ",", "|"),
		"sep=;":          "sep=;\n" + strings.ReplaceAll(plain, ",", ";"),
		"CR":             strings.ReplaceAll(plain, "\n", "\r"),
		"CR CR LF":       strings.ReplaceAll(plain, "\n", "\r\r\n"),
		"quoted, CR":     strings.ReplaceAll(quoteAll(plain), "\n", "\r"),
		"decimal commas": strings.ReplaceAll(strings.ReplaceAll(plain, ",", ";"), ".", ","),
	} {
		got := decodeFile(t, file)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}
