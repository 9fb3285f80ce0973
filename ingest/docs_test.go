package ingest

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page for analysts lists every column and code, and its examples are what it says they are.
func TestPageForAnalysts(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "csv.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]string)
	for section := range strings.SplitSeq(string(page), "\n## ") {
		title, text, _ := strings.Cut(section, "\n")
		sections[title] = text
	}
	const rowHeader = "Loan_ID,ApplicantIncome,CoapplicantIncome,TotalIncome,LoanAmount,Credit_History,Property_Area"
	for _, c := range []struct {
		section string
		codes   []string
		code    func(example string) string
	}{
		{"Columns", columnNames[:], nil},
		{"Rows that are rejected", RowCodes(), func(row string) string { return rowCode(t, rowHeader+"\n"+row) }},
		{"Files that are refused", FileCodes(), fileCode},
		{"Single applications as JSON", FieldCodes(), jsonCode},
	} {
		var codes []string
		for _, line := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]*) \\|").FindAllStringSubmatch(sections[c.section], -1) {
			code, example := line[1], line[2]
			codes = append(codes, code)
			if c.code == nil || !strings.HasPrefix(example, "`") || !strings.HasSuffix(example, "`") {
				continue
			}
			if got := c.code(strings.Trim(example, "`")); got != code {
				t.Errorf("%s: %s gives %q, the page says %q", c.section, example, got, code)
			}
		}
		slices.Sort(codes)
		want := slices.Sorted(slices.Values(c.codes))
		if diff := cmp.Diff(want, codes); diff != "" {
			t.Errorf("%s: (-package +page)\n%s", c.section, diff)
		}
	}
	for _, row := range decodeFile(t, strings.Split(sections["A file that works"], "```\n")[1]) {
		if !strings.HasPrefix(row, "{") {
			t.Error(row)
		}
	}
}

func rowCode(t *testing.T, file string) string {
	t.Helper()
	rows := decodeFile(t, file)
	code := rows[0][strings.LastIndexByte(rows[0], '(')+1:]
	return strings.TrimSuffix(code, ")")
}

func fileCode(file string) string {
	_, err := ParseHead([]byte(file), true, Given{})
	var refused *FileError
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.Code
}

func jsonCode(document string) string {
	_, err := DecodeJSON([]byte(document))
	var invalid *ValidationError
	if !errors.As(err, &invalid) {
		return ""
	}
	return invalid.Fields[0].Code
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"Applicant Income", "Loan_Amount", "credit", "Area"}
	for name, want := range map[string]string{
		"ApplicantIncome": "Applicant Income", "LoanAmount": "Loan_Amount", "Credit_History": "", "Property_Area": "", "": "", "_": "",
		strings.Repeat("x", 65): "",
	} {
		if got := nearest(name, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
	if got := nearest("LoanAmount", []string{"", strings.Repeat("x", 65)}); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	for c := range NumColumns {
		published := c.String()
		for _, name := range []string{
			published, " " + strings.ToUpper(published) + "\t", strings.ReplaceAll(published, "_", " "),
			strings.ReplaceAll(published, "_", ""), strings.ToLower(strings.ReplaceAll(published, "I", "_I")), published + "\u00a0",
		} {
			if got, ok := LookupColumn(name); !ok || got != c {
				t.Errorf("LookupColumn(%q) = %v, %v, want %v", name, got, ok, c)
			}
		}
	}
	for _, name := range []string{"", "_", "Loan_\u0131D", "LoanAmounts", strings.Repeat(" ", 100) + "LoanAmount"} {
		if c, ok := LookupColumn(name); ok {
			t.Errorf("LookupColumn(%q) = %v", name, c)
		}
	}
	if got := Column(99).String(); got != "Column(99)" {
		t.Errorf("got %s", got)
	}
}
