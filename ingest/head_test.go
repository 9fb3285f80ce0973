package ingest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
)

const header = "Loan_ID,Gender,Married,Dependents,Education,Self_Employed,ApplicantIncome,CoapplicantIncome," +
	"LoanAmount,Loan_Amount_Term,Credit_History,Property_Area,Loan_Status"

// failure 38, failure 39, failure 40
func TestParseHead(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		data      string
		dataStart int
		dataLine  int64
		bom       bool
	}{
		"published, LF":        {header + "\nrow", len(header) + 1, 2, false},
		"published, CRLF":      {header + "\r\nrow", len(header) + 2, 2, false},
		"header only":          {header, len(header), 2, false},
		"header only, CR":      {header + "\r", len(header) + 1, 2, false},
		"byte order mark":      {"\xEF\xBB\xBF" + header + "\n", len(header) + 4, 2, true},
		"blank lines first":    {"\n\r\n" + header + "\n\n", len(header) + 4, 4, false},
		"quoted":               {`"` + strings.ReplaceAll(header, ",", `","`) + `"` + "\n", len(header) + 27, 2, false},
		"any case, spaces":     {" " + strings.ToUpper(strings.ReplaceAll(header, ",", " ,\t")) + "\n", len(header) + 26, 2, false},
		"line feed in a name":  {"\"note\nbook\"," + header + "\n", len(header) + 13, 3, false},
		"without names":        {header + ",,,\n", len(header) + 4, 2, false},
		"semicolon in a name":  {header + ",a;b;c\n", len(header) + 7, 2, false},
		"income as a total":    {"TotalIncome,LoanAmount,Credit_History,Property_Area\n", 52, 2, false},
		"header not yet ended": {header + ",x", len(header) + 2, 2, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := ParseHead([]byte(c.data), true, Given{})
			if err != nil {
				t.Fatal(err)
			}
			if h.DataStart != int64(c.dataStart) || h.DataLine != c.dataLine || h.BOM != c.bom || len(h.missing()) != 0 {
				t.Errorf("%+v", h)
			}
		})
	}
}

// failure 44
func TestHeadPermutations(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 10))
	names := append(strings.Split(header, ","), "Branch", "Note")
	cells := map[string]string{
		"Loan_ID": "LP1", "ApplicantIncome": "10", "CoapplicantIncome": "2.5", "LoanAmount": "", "Branch": "North",
		"Property_Area": "Rural", "Credit_History": "0",
	}
	for range 50 {
		random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		var values []string
		for _, name := range names {
			values = append(values, cells[name])
		}
		file := strings.Join(names, ",") + "\n" + strings.Join(values, ",") + "\n"
		h, err := ParseHead([]byte(file), true, Given{})
		if err != nil {
			t.Fatal(err)
		}
		s := NewScanner(strings.NewReader(file[h.DataStart:]), h.DataStart, ScannerOptions{FirstLine: h.DataLine, Dialect: h.Dialect})
		var a Application
		d := h.Decoder()
		if !s.Scan() || d.Decode(s.Record(), &a) != nil {
			t.Fatalf("%s", file)
		}
		if out, _ := json.Marshal(&a); string(out) != `{"Loan_ID":"LP1","ApplicantIncome":10,"CoapplicantIncome":2.5,"Credit_History":0,"Property_Area":"Rural"}` {
			t.Errorf("%s", out)
		}
		if len(d.Extras()) != 2 {
			t.Errorf("extras %v of %v", d.Extras(), names)
		}
	}
}

func utf16Text(text string, order binary.AppendByteOrder) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, unit)
	}
	return string(b)
}

// failure 37, failure 43, failure 44, failure 45, failure 47, failure 50
func TestParseHeadRefuses(t *testing.T) {
	t.Parallel()
	full := header + "\nLP001,,,,,,1,2,3,360,1,Urban,\n"
	cases := map[string]struct{ data, code, says string }{
		"zero bytes":               {"", CodeEmpty, "the file is empty"},
		"blank lines":              {"\r\n \n\n", CodeEmpty, "the file is empty"},
		"only a byte order mark":   {"\xEF\xBB\xBF", CodeEmpty, "the file is empty"},
		"packed":                   {"\x1f\x8b\x08\x00rest", CodePacked, "packed (gzip)"},
		"xls":                      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", CodeXLS, "old Excel workbook"},
		"parquet":                  {"PAR1rest", CodeNotCSV, "Parquet"},
		"PDF":                      {"%PDF-1.7", CodeNotCSV, "PDF"},
		"HTML named .xls":          {"\r\n<html xmlns:x=\"urn:schemas-microsoft-com:office:excel\">", CodeNotCSV, "HTML page"},
		"XML":                      {utf8BOM + "<?xml version=\"1.0\"?>", CodeNotCSV, "XML"},
		"JSON":                     {"[{\"Loan_ID\":1}]", CodeNotCSV, "JSON"},
		"bzip2":                    {"BZh91AY&SY", CodePacking, "bzip2"},
		"xz":                       {"\xfd7zXZ\x00", CodePacking, "xz"},
		"7z":                       {"7z\xbc\xaf\x27\x1c", CodePacking, "7z"},
		"UTF-16 LE":                {"\xff\xfe" + utf16Text(full, binary.LittleEndian), CodeUTF16, "CSV UTF-8"},
		"UTF-16 BE":                {"\xfe\xff" + utf16Text(full, binary.BigEndian), CodeUTF16, "CSV UTF-8"},
		"UTF-16 LE without mark":   {utf16Text(full, binary.LittleEndian), CodeUTF16, "utf-16le"},
		"UTF-16 BE without mark":   {utf16Text(full, binary.BigEndian), CodeUTF16, "utf-16be"},
		"UTF-32":                   {"\x00\x00\xfe\xff", CodeUTF16, "UTF-32"},
		"NUL":                      {"Loan_ID\x00" + full, CodeNUL, "not text"},
		"damaged UTF-8":            {"Endere\xe7o,Ação," + full, CodeBadUTF8, "not UTF-8"},
		"CR and LF":                {header + "\rLP001,,,,,,1,2,3,360,1,Urban,\nLP002\n", CodeBareCR, "carriage return"},
		"carets":                   {strings.ReplaceAll(full, ",", "^"), CodeDelimiter, "separated by '^'"},
		"colons":                   {strings.ReplaceAll(full, ",", ":"), CodeDelimiter, "separated by ':'"},
		"spaces":                   {"ApplicantIncome CoapplicantIncome   LoanAmount\n1 2 3\n", CodeDelimiter, "by spaces"},
		"lines in quotes":          {`"` + header + "\"\n", CodeBadQuote, "in quotes as a whole"},
		"sep line without a sign":  {"sep=\n" + full, CodeDelimiter, "sep="},
		"sep line of a letter":     {"sep=x\n" + full, CodeDelimiter, "sep="},
		"sep line and no more":     {"sep=;\n", CodeEmpty, "sep="},
		"a title first":            {"Loans of May;;\n\n" + strings.ReplaceAll(full, ",", ";"), CodeNoHeader, "line 3"},
		"open quote":               {"\"Loan_ID," + full, CodeBadQuote, "first line"},
		"stray quote":              {"Loan\"ID," + full, CodeBadQuote, "first line"},
		"no header":                {"LP001,Male,5849,0,128,360,1,Urban\n", CodeNoHeader, "Loan_ID,Gender"},
		"duplicate":                {"loanamount," + full, CodeDuplicateColumn, `"loanamount" and "LoanAmount" are both LoanAmount`},
		"duplicate extra":          {"note,Note," + full, CodeDuplicateColumn, `"note" and "Note"`},
		"too many":                 {strings.Repeat(",", MaxColumns) + full, CodeTooManyColumns, "512 are allowed"},
		"missing":                  {"Loan_ID,LoanAmount\n1,2\n", CodeMissingColumns, "ApplicantIncome, CoapplicantIncome, Credit_History, Property_Area; found: \"Loan_ID\", \"LoanAmount\""},
		"nearly":                   {"Income Total,Loan_Amnt,CreditHistry,Property-Aria\n", CodeMissingColumns, `rename "Loan_Amnt" to LoanAmount, rename "CreditHistry" to Credit_History, rename "Property-Aria" to Property_Area`},
		"duplicate by spelling":    {"Loan Amount," + full, CodeDuplicateColumn, `"Loan Amount" and "LoanAmount"`},
		"quite another file":       {"id,name,city\n1,x,y\n", CodeMissingColumns, `found: "id", "name", "city"`},
		"very many others":         {manyNames(100) + "\n", CodeMissingColumns, "and 70 more"},
		"binary junk, no line end": {"\x01\x02\x01\x01" + strings.Repeat("\x00", 9) + "x", CodeNUL, "not text"},
		"binary junk with lines":   {"junk\n\x01\x02\n\x00\x00\n", CodeNUL, "not text"},
		"binary junk with CR":      {"junk\r\x01\x02\n\x03\x04\n", CodeNUL, "not text"},
		"picture":                  {"\x89PNG\r\n\x1a\n", CodeNotCSV, "picture"},
		"Arrow":                    {"ARROW1\x00\x00", CodeNotCSV, "Arrow"},
		"SPSS":                     {"$FL2@(#) SPSS DATA FILE", CodeNotCSV, "SPSS"},
		"saveRDS":                  {"X\n\x00\x00\x00\x02", CodeNotCSV, "write.csv"},
		"RTF":                      {"{\\rtf1", CodeNotCSV, "RTF"},
		"LFS":                      {"version https://git-lfs.github.com/spec/v1\n", CodeNotCSV, "git lfs pull"},
		"tar":                      {strings.Repeat("a", 257) + "ustar\x00", CodePacking, "tar"},
		"control A":                {strings.ReplaceAll(full, ",", "\x01"), CodeDelimiter, "separated by '\\x01'"},
		"open quote in the header": {"\"Loan_ID,x\n", CodeBadQuote, "one opens a cell and is not closed"},
		"units":                    {"ApplicantIncome ($),CoapplicantIncome [R$],LoanAmount (thousands),Credit_History,Property_Area\n", CodeMissingColumns, `rename "ApplicantIncome ($)" to ApplicantIncome, rename "CoapplicantIncome [R$]" to CoapplicantIncome, rename "LoanAmount (thousands)" to LoanAmount`},
		"one name for two":         {"CoaplicantIncome,LoanAmount,Credit_History,Property_Area\n", CodeMissingColumns, `; rename "CoaplicantIncome" to CoapplicantIncome, add`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := ParseHead([]byte(c.data), true, Given{})
			var refused *FileError
			if !errors.As(err, &refused) {
				t.Fatalf("%+v, %v, want a *FileError", h, err)
			}
			if refused.Code != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("code %s, want %s: %v, want %q", refused.Code, c.code, err, c.says)
			}
			if refused.Hint == "" {
				t.Error("no hint")
			}
		})
	}
}

func manyNames(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "x" + strings.Repeat("y", i)
	}
	return strings.Join(names, ",")
}

func TestParseHeadOfLongFile(t *testing.T) {
	t.Parallel()
	long := []byte(header + ",\"" + strings.Repeat("x", MaxHead))
	for name, c := range map[string]struct {
		head  []byte
		whole bool
		code  string
	}{
		"cut in the header":    {long[:200], false, CodeHeaderTooLong},
		"an endless header":    {bytes.Repeat([]byte("x"), MaxHead), false, CodeHeaderTooLong},
		"more than a head":     {bytes.Repeat([]byte("x,"), MaxHead), true, CodeHeaderTooLong},
		"blank to the end":     {bytes.Repeat([]byte("\n"), MaxHead), false, CodeHeaderTooLong},
		"a long quoted header": {long, true, CodeHeaderTooLong},
	} {
		var refused *FileError
		if _, err := ParseHead(c.head, c.whole, Given{}); !errors.As(err, &refused) || refused.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	h, err := ParseHead([]byte(header+"\nLP0"), false, Given{})
	if err != nil || h.DataStart != int64(len(header))+1 {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestHeadFromJSONDecodesTheSame(t *testing.T) {
	t.Parallel()
	h, err := ParseHead([]byte("\xEF\xBB\xBFnote,,property_area,totalincome,LoanAmount,Credit_History\n"), true, Given{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"columns":[{"name":"note","known":""},{"name":"","known":""},{"name":"property_area","known":"Property_Area"},` +
		`{"name":"totalincome","known":"TotalIncome"},{"name":"LoanAmount","known":"LoanAmount"},` +
		`{"name":"Credit_History","known":"Credit_History"}],"data_start":61,"data_line":2,"bom":true,` +
		`"dialect":{"encoding":"utf-8","delimiter":",","decimal":".","newline":"lf"}}`
	if string(text) != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	var again Head
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h.Decoder(), again.Decoder(), cmp.AllowUnexported(RowDecoder{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{0}, again.Decoder().Extras()); diff != "" {
		t.Error(diff)
	}
}
