package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// outcome is what became of a file's rows, as text.
type outcome struct {
	Rows    []string
	Rejects []string
	Next    int64
	Lines   int64
}

// byRows reads a file a row at a time.
func byRows(tb testing.TB, text string, o ScannerOptions) outcome {
	tb.Helper()
	head, s := openText(tb, text, o, nil)
	if head == nil {
		return outcome{}
	}
	d := head.Decoder()
	var out outcome
	var app Application
	for s.Scan() {
		rec := s.Record()
		if err := d.Decode(rec, &app); err != nil {
			out.Rejects = append(out.Rejects, refusedRow(rec, err))
			continue
		}
		var line strings.Builder
		fmt.Fprint(&line, rec.Offset)
		for c := range NumColumns {
			if !d.has(c) {
				continue
			}
			fmt.Fprintf(&line, " %v=", c)
			if v, ok := app.Number(c); ok {
				fmt.Fprint(&line, v)
			}
			if v, ok := app.TextBytes(c); ok {
				fmt.Fprintf(&line, "%q", v)
			}
		}
		for _, i := range d.Extras() {
			fmt.Fprintf(&line, " +%q", rec.Fields[i])
		}
		out.Rows = append(out.Rows, line.String())
	}
	out.Next, out.Lines = s.Next(), s.Lines()
	return out
}

// byBlocks reads it by blocks, from pieces that wrap makes.
func byBlocks(tb testing.TB, text string, o ScannerOptions, wrap func(io.Reader) io.Reader) outcome {
	tb.Helper()
	head, s := openText(tb, text, o, wrap)
	if head == nil {
		return outcome{}
	}
	var out outcome
	d := head.Decoder()
	r := NewBlockReader(s, d, BlockOptions{Reject: func(rec *Record, err error) error {
		out.Rejects = append(out.Rejects, refusedRow(rec, err))
		return nil
	}})
	var b Block
	for more := true; more; {
		var err error
		if more, err = r.Read(&b); err != nil {
			tb.Fatal(err)
		}
		for i := range b.Rows {
			out.Rows = append(out.Rows, blockRow(tb, d, &b, i))
		}
	}
	out.Next, out.Lines = s.Next(), s.Lines()
	return out
}

func blockRow(tb testing.TB, d *RowDecoder, b *Block, i int) string {
	tb.Helper()
	var line strings.Builder
	fmt.Fprint(&line, b.Offsets[i])
	for c := range NumColumns {
		if !d.has(c) {
			continue
		}
		fmt.Fprintf(&line, " %v=", c)
		if c.Numeric() {
			n := &b.Numbers[c]
			if len(n.Rows) != b.Rows || len(n.Codes) != b.Rows || n.IsPlain {
				tb.Fatalf("%v has %d values and %d codes for %d rows", c, len(n.Rows), len(n.Codes), b.Rows)
			}
			v := n.Rows[i]
			if by := n.Values[n.Codes[i]]; math.Float64bits(v) != math.Float64bits(by) {
				tb.Fatalf("%v: row %d is %v, and %v by code %d", c, i, v, by, n.Codes[i])
			}
			if !math.IsNaN(v) {
				fmt.Fprint(&line, v)
			}
			continue
		}
		if text := b.Texts[c].text(i); len(text) > 0 {
			fmt.Fprintf(&line, "%q", text)
		}
	}
	for j := range d.Extras() {
		fmt.Fprintf(&line, " +%q", b.Extras[j].Row(i))
	}
	return line.String()
}

func (c *TextColumn) text(i int) []byte {
	if c.IsRaw {
		return c.Raw.Row(i)
	}
	if c.Codes[i] == 0 {
		return nil
	}
	return []byte(c.Names[c.Codes[i]])
}

func refusedRow(rec *Record, err error) string { return fmt.Sprintf("%v %q", err, rec.Raw) }

func openText(tb testing.TB, text string, o ScannerOptions, wrap func(io.Reader) io.Reader) (*Head, *Scanner) {
	tb.Helper()
	head, err := ParseHead([]byte(text), true, Given{})
	if err != nil {
		return nil, nil
	}
	var in io.Reader = strings.NewReader(text[head.DataStart:])
	if wrap != nil {
		in = wrap(in)
	}
	if o.Dialect.Encoding != "" {
		head.Dialect.Encoding = o.Dialect.Encoding
	}
	if o.Dialect.Decimal != "" {
		head.Dialect.Decimal = o.Dialect.Decimal
	}
	o.FirstLine, o.Dialect = head.DataLine, head.Dialect
	return head, NewScanner(in, head.DataStart, o)
}

// Where the comma is both delimiter and decimal sign, it is a decimal sign inside quotes only.
func TestBlocksOfDecimalCommasBetweenCommas(t *testing.T) {
	t.Parallel()
	file := "Property_Area,TotalIncome,LoanAmount,Credit_History\n" + strings.Repeat("Urban,5849,128,1\nUrban,\"5849,50\",128,1\nUrban,5849,50,128,1,1\n", 20)
	o := ScannerOptions{Dialect: Dialect{Decimal: ","}}
	want := byRows(t, file, o)
	if len(want.Rows) != 40 || !strings.Contains(want.Rows[1], "TotalIncome=5849.5") {
		t.Fatalf("%+v", want)
	}
	if diff := cmp.Diff(want, byBlocks(t, file, o, nil)); diff != "" {
		t.Errorf("(-rows +blocks)\n%s", diff)
	}
}

// A text is not the same text before a NUL.
func TestBlocksRefuseNUL(t *testing.T) {
	t.Parallel()
	file := "Gender,Property_Area,TotalIncome,LoanAmount,Credit_History\n" + strings.Repeat("Male,Urban,5849,128,1\n,Urban,5849,128,1\n", 3)
	for _, cell := range []string{"Male\x00", "Male\x00\x00\x00\x00", "\x00", "\x00\x00\x00\x00\x00\x00\x00\x00\x00"} {
		text := file + cell + ",Urban,5849,128,1\nMale,Urban\x00,5849,128,1\n"
		want := byRows(t, text, ScannerOptions{})
		if len(want.Rows) != 6 || len(want.Rejects) != 2 {
			t.Fatalf("%+v", want)
		}
		if diff := cmp.Diff(want, byBlocks(t, text, ScannerOptions{}, nil)); diff != "" {
			t.Errorf("%q (-rows +blocks)\n%s", cell, diff)
		}
	}
}

// blockCells are cells of every sort, the usual ones first and more often.
var blockCells = map[Column][]string{
	LoanID:            {"LP001", "LP001002", "x", "a long identifier of a loan", "", " LP1", "LP1 ", "LP 1", "sixteen letters.", "fifteen letters ", "sixteen letters ", `"LP,1"`, `"L""P"`, "São Paulo", "a\"b", "LP\x00", "\xff", "L\rP"},
	Gender:            {"Male", "Female", "", "Male\x00", "\x00", " Male", `"Male"`, "Männlich", "abcdefghijklmnop", "abcdefg", "abcdefgh", "abcdefghi", "abcdefghijklmno", `"a` + "\n" + `b"`, `"""x"`, `"x`},
	ApplicantIncome:   {"5849", "0", "4583.5", "", "-1", "007", "1e3", "12345678901234567", "1.", ".5", "+1", "abc", "1,5", "0.1", " 12", "1_0", "999999999999999", "1e400", `"77"`},
	CoapplicantIncome: {"1508", "0", "2358.25", "", "00", "-0", "1E2"},
	LoanAmount:        {"128", "66.5", "", "0", "-5", "0.0"},
	LoanAmountTerm:    {"360", "", "12", "0", "x"},
	CreditHistory:     {"1", "0", "", "1.0", "0.5", "2", "0.9"},
	PropertyArea:      {"Urban", "Rural", "Semiurban", "urban", "URBAN ", "", "Urban\x00", "Mars", `"Rural"`},
	TotalIncome:       {"7357", "5849", "", "1"},
}

// randomFile makes a file with columns in any order, mostly of plain rows.
func randomFile(r *rand.Rand, rows int) string {
	columns := []Column{LoanID, Gender, ApplicantIncome, CoapplicantIncome, LoanAmount, LoanAmountTerm, CreditHistory, PropertyArea}
	switch r.IntN(8) {
	case 0:
		columns = append(columns, TotalIncome)
	case 1:
		columns = []Column{TotalIncome, LoanAmount, CreditHistory, PropertyArea}
	}
	r.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
	extra := r.IntN(4) // 0: none; else where it stands
	var b strings.Builder
	ending := []string{"\n", "\r\n", "\n", "\r\n", "\r"}[r.IntN(5)]
	delimiter := []string{",", ",", ";", "\t", "|"}[r.IntN(5)]
	points := strings.NewReplacer() // decimal points as they are
	if delimiter == ";" && r.IntN(2) == 0 {
		points = strings.NewReplacer(".", ",", ",", ".")
	}
	line := func(cell func(c Column) string, other string) {
		for i, c := range columns {
			if i > 0 {
				b.WriteString(delimiter)
			}
			if extra > 0 && i == extra {
				b.WriteString(other + delimiter)
			}
			if c.Numeric() {
				b.WriteString(points.Replace(cell(c)))
			} else {
				b.WriteString(cell(c))
			}
		}
		b.WriteString(ending)
	}
	line(Column.String, []string{"note", ""}[r.IntN(2)])
	odd := r.IntN(3) * r.IntN(40)
	for range rows {
		if r.IntN(200) == 0 {
			b.WriteString([]string{"\n", "\r\n", "x\n", "\"open\n", ",,,,,,,,\n"}[r.IntN(5)])
		}
		line(func(c Column) string {
			cells := blockCells[c]
			if r.IntN(100) < odd {
				return cells[r.IntN(len(cells))]
			}
			return cells[r.IntN(min(2, len(cells)))]
		}, []string{"", "a note", "naïve", "7", `"q,q"`, "long text in a cell of the file"}[r.IntN(1+min(odd, 5))])
	}
	text := b.String()
	if r.IntN(6) == 0 {
		text = strings.ReplaceAll(text, "ä", "\xe4") // Windows-1252
	}
	if r.IntN(2) == 0 {
		text = strings.TrimRight(text, "\r\n")
	}
	return text
}

func TestBlocksAreRows(t *testing.T) {
	t.Parallel()
	wraps := []func(io.Reader) io.Reader{nil, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader}
	for seed := range uint64(250) {
		r := rand.New(rand.NewPCG(seed, 5))
		text := randomFile(r, r.IntN(400))
		o := ScannerOptions{}
		if r.IntN(3) == 0 {
			o.End = int64(r.IntN(len(text) + 1))
		}
		if r.IntN(3) == 0 {
			o.MaxRecord = 40 + r.IntN(200)
		}
		want := byRows(t, text, o)
		for _, wrap := range wraps {
			if diff := cmp.Diff(want, byBlocks(t, text, o, wrap)); diff != "" {
				t.Fatalf("seed %d (-rows +blocks):\n%.3000s", seed, diff)
			}
		}
	}
}

// In Windows-1252 the bytes of one text can be those of another in UTF-8.
func TestBlocksOfWindows1252(t *testing.T) {
	t.Parallel()
	head := "Gender,TotalIncome,LoanAmount,Credit_History,Property_Area\n"
	text := head + "M\xe4nnlich,1,1,1,Rural\nM\xc3\xa4nnlich,1,1,1,Rural\nM\xe4nnlich,1,1,1,Rural\nM\xc3\xa4nnlich,1,1,1,Rural\n" +
		strings.Repeat("x,1,1,1,Rural\n", 10)
	o := ScannerOptions{Dialect: Dialect{Encoding: EncodingWindows1252}}
	want := byRows(t, text, o)
	if len(want.Rows) != 14 || !strings.Contains(want.Rows[0], "Männlich") || !strings.Contains(want.Rows[1], "MÃ¤nnlich") {
		t.Fatalf("the rows prove nothing: %q", want.Rows)
	}
	if diff := cmp.Diff(want, byBlocks(t, text, o, nil)); diff != "" {
		t.Errorf("(-rows +blocks):\n%s", diff)
	}
}

// The blocks of a file must be the same however it is read, or results would
// differ from run to run.
func TestBlockBoundaries(t *testing.T) {
	t.Parallel()
	text := string(plainFile(3 * BlockRows))
	long := strings.Repeat("n", 60_000)
	head := "note,TotalIncome,LoanAmount,Credit_History,Property_Area\n"
	for _, text := range []string{text, head + strings.Repeat(long+",1,1,1,Rural\n", 50)} {
		want := blockSizes(t, text, nil)
		if len(want) < 3 {
			t.Errorf("only %d blocks; the test proves nothing", len(want))
		}
		for _, wrap := range []func(io.Reader) io.Reader{iotest.HalfReader, iotest.DataErrReader} {
			if diff := cmp.Diff(want, blockSizes(t, text, wrap)); diff != "" {
				t.Errorf("blocks (-whole reads +pieces):\n%s", diff)
			}
		}
	}
}

// A row that begins where the range ends is one of the next range.
func TestBlocksEndWithTheRange(t *testing.T) {
	t.Parallel()
	text := string(plainFile(50))
	for at := range len(text) {
		if at == 0 || at%7 != 0 && text[at-1] != '\n' {
			continue
		}
		o := ScannerOptions{End: int64(at)}
		if diff := cmp.Diff(byRows(t, text, o), byBlocks(t, text, o, nil)); diff != "" {
			t.Fatalf("end %d (-rows +blocks):\n%s", at, diff)
		}
	}
}

func ignore(*Record, error) error { return nil }

func blockSizes(t *testing.T, text string, wrap func(io.Reader) io.Reader) []int {
	t.Helper()
	head, s := openText(t, text, ScannerOptions{}, wrap)
	r := NewBlockReader(s, head.Decoder(), BlockOptions{Reject: ignore})
	var b Block
	var sizes []int
	for more := true; more; {
		var err error
		if more, err = r.Read(&b); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, b.Rows)
	}
	return sizes
}

// A text that Accept refuses is refused in a column of bytes, too.
func TestManyJudgedTexts(t *testing.T) {
	t.Parallel()
	var file strings.Builder
	file.WriteString("Gender,Property_Area,TotalIncome,LoanAmount,Credit_History\n")
	for i := range 3 * maxNames {
		fmt.Fprintf(&file, "g%d,Urban,5849,128,1\nbad,Urban,5849,128,1\n", i)
	}
	head, s := openText(t, file.String(), ScannerOptions{}, nil)
	rejects := 0
	r := NewBlockReader(s, head.Decoder(), BlockOptions{
		Reject: func(*Record, error) error { rejects++; return nil },
		Accept: func(a *Application) error {
			if text, _ := a.Text(Gender); text == "bad" {
				return errors.New("bad")
			}
			return nil
		},
		Judged: []Column{Gender},
	})
	var b Block
	rows := 0
	for more := true; more; rows += b.Rows {
		var err error
		if more, err = r.Read(&b); err != nil {
			t.Fatal(err)
		}
	}
	if rows != 3*maxNames || rejects != 3*maxNames || !b.Texts[Gender].IsRaw {
		t.Errorf("%d rows, %d refused", rows, rejects)
	}
}

func TestManyTextsBecomeBytes(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("Gender,TotalIncome,LoanAmount,Credit_History,Property_Area\n")
	for i := range 2 * maxNames {
		fmt.Fprintf(&b, "gender %d,1,1,1,Rural\n", i)
	}
	if diff := cmp.Diff(byRows(t, b.String(), ScannerOptions{}), byBlocks(t, b.String(), ScannerOptions{}, nil)); diff != "" {
		t.Errorf("rows (-rows +blocks):\n%.2000s", diff)
	}
	head, s := openText(t, b.String(), ScannerOptions{}, nil)
	r := NewBlockReader(s, head.Decoder(), BlockOptions{Reject: ignore})
	var block Block
	for i := range 2 * maxNames / BlockRows {
		if _, err := r.Read(&block); err != nil {
			t.Fatal(err)
		}
		if raw := i*BlockRows >= maxNames; block.Texts[Gender].IsRaw != raw {
			t.Errorf("block %d: column is bytes: %v, want %v", i, block.Texts[Gender].IsRaw, raw)
		}
	}
}

func TestBlockReaderErrors(t *testing.T) {
	t.Parallel()
	text := "TotalIncome,LoanAmount,Credit_History,Property_Area\n1,1,1,Rural\n1,1,1,Mars\n"
	broken := errors.New("rejects are full")
	head, s := openText(t, text, ScannerOptions{}, nil)
	r := NewBlockReader(s, head.Decoder(), BlockOptions{Reject: func(*Record, error) error { return broken }})
	var b Block
	if _, err := r.Read(&b); !errors.Is(err, broken) {
		t.Errorf("error is %v, want that of rejects", err)
	}
	cut := errors.New("connection reset")
	head, s = openText(t, text, ScannerOptions{}, func(in io.Reader) io.Reader {
		return io.MultiReader(in, iotest.ErrReader(cut))
	})
	r = NewBlockReader(s, head.Decoder(), BlockOptions{Reject: ignore})
	if _, err := r.Read(&b); !errors.Is(err, cut) {
		t.Errorf("error is %v, want that of the source", err)
	}
}

// A row that Accept refuses never slips in by the short way, however many like
// it were accepted before.
func TestAccept(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("Gender,Education,TotalIncome,LoanAmount,Credit_History,Property_Area\n")
	for range 100 {
		b.WriteString("Male,Graduate,1,1,1,Rural\nFemale,Graduate,1,1,1,Rural\nMale,,1,1,1,Rural\nMale,Graduate,1,,1,Rural\n")
	}
	head, s := openText(t, b.String(), ScannerOptions{}, nil)
	refused := 0
	r := NewBlockReader(s, head.Decoder(), BlockOptions{
		Reject: func(*Record, error) error { refused++; return nil },
		Accept: func(a *Application) error {
			if gender, _ := a.Text(Gender); gender != "Male" || !a.Has(Education) || !a.Has(LoanAmount) {
				return errors.New("no")
			}
			return nil
		},
		Required: []Column{Education, LoanAmount},
	})
	var block Block
	if _, err := r.Read(&block); err != nil || block.Rows != 100 || refused != 300 {
		t.Errorf("%d rows, %d refused, %v; want 100 and 300", block.Rows, refused, err)
	}
}

func FuzzBlocks(f *testing.F) {
	for seed := range uint64(8) {
		f.Add([]byte(randomFile(rand.New(rand.NewPCG(seed, 6)), 20)), 0)
	}
	f.Fuzz(func(t *testing.T, data []byte, limit int) {
		o := ScannerOptions{MaxRecord: limit & 0xff}
		want := byRows(t, string(data), o)
		if diff := cmp.Diff(want, byBlocks(t, string(data), o, nil)); diff != "" {
			t.Errorf("rows and blocks differ (-rows +blocks):\n%s", diff)
		}
	})
}

func BenchmarkBlocks(b *testing.B) {
	data := plainFile(50_000)
	head, err := ParseHead(data[:MaxHead], false, Given{})
	if err != nil {
		b.Fatal(err)
	}
	d := head.Decoder()
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	var block Block
	for b.Loop() {
		s := NewScanner(bytes.NewReader(data[head.DataStart:]), head.DataStart, ScannerOptions{})
		r := NewBlockReader(s, d, BlockOptions{Reject: ignore})
		for more := true; more; {
			if more, err = r.Read(&block); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)*50_000/b.Elapsed().Seconds(), "rows/s")
}

// plainFile is a file as analysts have it, without surprises.
func plainFile(rows int) []byte {
	r := rand.New(rand.NewPCG(1, 1))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var b bytes.Buffer
	b.WriteString(strings.Join(columnNames[:LoanStatus], ",") + "\n")
	for i := range rows {
		fmt.Fprintf(&b, "LP%09d,%s,%s,%s,%s,%s,%d,%d,%s,%s,%s,%s\n", i, pick("Male", "Female", ""), pick("Yes", "No"),
			pick("0", "1", "2", "3+"), pick("Graduate", "Not Graduate"), pick("No", "Yes", ""), 1000+r.IntN(9000), r.IntN(3)*r.IntN(4000),
			pick("120", "95", "146", "88", ""), pick("360", "180", "360"), pick("1", "1", "0", ""), pick("Urban", "Rural", "Semiurban"))
	}
	return b.Bytes()
}
