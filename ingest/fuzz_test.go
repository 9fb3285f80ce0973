package ingest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// failure 41, failure 42: the scanner equals its reference, and any chunking equals one scan.
func FuzzScanner(f *testing.F) {
	for i, data := range oddities() {
		f.Add(data, uint8(i), uint8(i%7), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data string, limit, chunkSize, dialect uint8) {
		if len(data) > 1<<9 {
			return // the reference is quadratic
		}
		d := dialects()[int(dialect)%len(dialects())]
		checkScan(t, data, 1+int(limit), d)
		checkChunks(t, data, 1+int(limit), d, 1+int64(chunkSize))
	})
}

// Where encoding/csv and this package both define the result, it is the same: encoding/csv reads a file that has
// no carriage return outside line endings and no errors, and turns CRLF inside quotes into LF.
func FuzzScannerEqualsEncodingCSV(f *testing.F) {
	for i, data := range oddities() {
		f.Add(data, uint8(i))
	}
	f.Add(syntheticFile(3), uint8(0))
	f.Add(quoteAll(syntheticFile(3)), uint8(0))
	f.Fuzz(func(t *testing.T, data string, delimiter uint8) {
		d := Dialect{Delimiter: string(",;\t|\x1f"[delimiter%5])}
		if strings.Contains(strings.ReplaceAll(data, "\r\n", "\n"), "\r") {
			return
		}
		r := csv.NewReader(strings.NewReader(data))
		r.FieldsPerRecord, r.Comma = -1, rune(d.delimiter())
		want, err := r.ReadAll()
		rows, _, _ := scanRange(t, data, 0, ScannerOptions{MaxRecord: len(data) + 1, Dialect: d})
		var got [][]string
		for _, row := range rows {
			if row.Code == CodeNUL || row.Code == CodeBadUTF8 {
				return // encoding/csv does not look
			}
			if row.Code != "" {
				if err == nil {
					t.Fatalf("%q: row %+v is refused; encoding/csv reads %q", data, row, want)
				}
				return
			}
			fields := make([]string, len(row.Fields))
			for i, field := range row.Fields {
				fields[i] = strings.ReplaceAll(field, "\r\n", "\n")
			}
			got = append(got, fields)
		}
		if err != nil {
			t.Fatalf("%q: read as %q; encoding/csv says %v", data, got, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: (-encoding/csv +scanner)\n%s", data, diff)
		}
	})
}

// A head is refused by a known code or gives a decoder that survives any row.
func FuzzHead(f *testing.F) {
	f.Add([]byte(header+"\nLP1,,,,,,1,2,3,360,1,Urban,Y\n"), true)
	f.Add([]byte("\xEF\xBB\xBF"+strings.ReplaceAll(header, ",", ";")), true)
	f.Add([]byte("\"sep=,\"\r\n"+header), false)
	f.Add([]byte("\xff\xfeL\x00"), true)
	f.Add([]byte("L\x00o\x00a\x00n\x00\n\x00"), true)
	f.Add([]byte("TotalIncome,LoanAmount,Credit_History,Property_Area\r1,2,1,Urban"), true)
	f.Add([]byte("\n\n\"totalincome\",\"LoanAmount\",Credit_History,Property_Area,,,x\r\n1,2,,Rural,,,\"y\nz\"\r\n"), true)
	known := make(map[string]bool)
	for _, code := range FileCodes() {
		known[code] = true
	}
	f.Fuzz(func(t *testing.T, head []byte, whole bool) {
		h, err := ParseHead(head, whole, Given{})
		var refused *FileError
		if errors.As(err, &refused) {
			if !known[refused.Code] || refused.Reason == "" || refused.Hint == "" {
				t.Fatalf("%#v", refused)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.DataStart < 1 || h.DataStart > int64(len(head)) || len(h.missing()) > 0 || len(h.Columns) > MaxColumns {
			t.Fatalf("%+v", h)
		}
		checkDecode(t, h, head)
	})
}

// checkDecode decodes all rows twice, with the head and with its JSON form.
func checkDecode(t *testing.T, h *Head, file []byte) {
	t.Helper()
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var again Head
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	codes := RowCodes()
	s := NewScanner(bytes.NewReader(file[h.DataStart:]), h.DataStart, ScannerOptions{FirstLine: h.DataLine, Dialect: h.Dialect})
	var a, b Application
	for s.Scan() {
		rowErr, rowErr2 := h.Decoder().Decode(s.Record(), &a), again.Decoder().Decode(s.Record(), &b)
		if diff := cmp.Diff(rowErr, rowErr2); diff != "" {
			t.Fatal(diff)
		}
		if rowErr != nil {
			if !slices.Contains(codes, rowErr.Code) || rowErr.Reason == "" {
				t.Fatalf("%#v", rowErr)
			}
			continue
		}
		if !a.Equal(&b) {
			t.Fatal("the head's JSON form decodes otherwise")
		}
		if income, ok := a.TotalIncome(); !ok || !(income >= 0) || math.IsInf(income, 0) {
			t.Fatalf("income %v", income)
		}
	}
}

// failure 48
func FuzzParseNumber(f *testing.F) {
	for _, text := range []string{"0", "-0", "5849", "985.7999878", "1e400", "01", "+1", ".5", "5.", "0x10", "1_0", "NaN", "1e-5", "123456789012345678"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkNumber(t, text) })
}

// failure 65: a document is refused exactly when it must be, and what is accepted says the same to encoding/json.
func FuzzDecodeJSON(f *testing.F) {
	f.Add([]byte(goodJSON))
	f.Add([]byte(`{"TotalIncome":1,"Property_Area":" urban ","Dependents":2,"LoanAmount":null}`))
	f.Add([]byte(`{"TotalIncome":1,"TotalIncome":1}`))
	f.Add([]byte(`{"Loan_ID":"\ud83d\ude00\ufffd","x":[{}]}{}`))
	f.Add([]byte("{\"Loan_ID\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, document []byte) {
		a, err := DecodeJSON(document)
		var invalid *ValidationError
		switch {
		case errors.Is(err, ErrMalformed), errors.Is(err, ErrTooLarge):
			return
		case !json.Valid(document):
			t.Fatalf("%q is not JSON: %v", document, err)
		case errors.As(err, &invalid):
			if len(invalid.Fields) == 0 {
				t.Fatal("no field is wrong")
			}
			return
		case err != nil:
			t.Fatal(err)
		}
		checkSame(t, document, a)
		out, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := DecodeJSON(out)
		if err != nil || !a.Equal(b) {
			t.Fatalf("%q becomes %s: %v", document, out, err)
		}
	})
}

// checkSame compares an application with what encoding/json makes of its document.
func checkSame(t *testing.T, document []byte, a *Application) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	var members map[string]any
	if err := dec.Decode(&members); err != nil {
		t.Fatal(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("%q goes on after the document", document)
	}
	for name, value := range members {
		c, ok := exactColumn(name)
		if !ok {
			t.Fatalf("%q: unknown name %q was accepted", document, name)
		}
		switch want := value.(type) {
		case string:
			const blanks = " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u202f\u205f\u2060\u3000\ufeff"
			if got, _ := a.Text(c); got != strings.Trim(want, blanks) {
				t.Fatalf("%v is %q, want %q", c, got, want)
			}
		case json.Number:
			number, _ := want.Float64()
			text, _ := a.Text(c)
			if got, _ := a.Number(c); text != want.String() && math.Float64bits(got) != math.Float64bits(number) {
				t.Fatalf("%v is %v, want %v", c, got, want)
			}
		case nil:
			if a.Has(c) {
				t.Fatalf("%v is not missing", c)
			}
		default:
			t.Fatalf("%v accepted %T", c, value)
		}
	}
}
