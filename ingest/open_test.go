package ingest

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gzipped(tb testing.TB, texts ...string) string {
	tb.Helper()
	var b bytes.Buffer
	for _, text := range texts {
		w := gzip.NewWriter(&b)
		write(tb, w, text)
		finish(tb, w)
	}
	return b.String()
}

func zstded(tb testing.TB, texts ...string) string {
	tb.Helper()
	var b bytes.Buffer
	for _, text := range texts {
		w, err := zstd.NewWriter(&b)
		if err != nil {
			tb.Fatal(err)
		}
		write(tb, w, text)
		finish(tb, w)
	}
	return b.String()
}

func zipped(tb testing.TB, members ...string) string { // name, text, name, text
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		f, err := w.Create(members[i])
		if err != nil {
			tb.Fatal(err)
		}
		write(tb, f, members[i+1])
	}
	finish(tb, w)
	return b.String()
}

func write(tb testing.TB, w io.Writer, text string) {
	tb.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		tb.Fatal(err)
	}
}

func finish(tb testing.TB, c io.Closer) {
	tb.Helper()
	if err := c.Close(); err != nil {
		tb.Fatal(err)
	}
}

func sourceOf(file string) Source { return FileSource(strings.NewReader(file), int64(len(file))) }

// rowsOf opens a file and decodes its rows, twice: as it is opened first, and by its head as JSON would keep it.
func rowsOf(tb testing.TB, file string, given Given) ([]string, *Head, error) {
	tb.Helper()
	text, err := Open(sourceOf(file), given)
	if err != nil {
		return nil, nil, err
	}
	rows, err := decodeText(tb, text.Head, text)
	finish(tb, text)
	if !text.Head.Dialect.Streamed() {
		return rows, text.Head, err
	}
	again, err2 := text.Head.Open(sourceOf(file))
	if err2 != nil {
		tb.Fatal(err2)
	}
	rows2, err2 := decodeText(tb, text.Head, again)
	finish(tb, again)
	if diff := cmp.Diff(rows, rows2); diff != "" || (err == nil) != (err2 == nil) {
		tb.Fatalf("opened again it is another text, errors %v and %v: (-first +again)\n%s", err, err2, diff)
	}
	return rows, text.Head, err
}

// failure 47, failure 50: the rows of a file are the same however it is packed and encoded.
func TestOpenGivesTheSameRows(t *testing.T) {
	t.Parallel()
	plain := syntheticFile(200)
	want := decodeFile(t, plain)
	half := strings.Index(plain[len(plain)/2:], "\n") + len(plain)/2
	semicolons := strings.ReplaceAll(strings.ReplaceAll(plain, ",", ";"), ".", ",")
	skipped := "\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
	for name, c := range map[string]struct{ file, dialect string }{
		"plain":                     {plain, "UTF-8, commas"},
		"gzip":                      {gzipped(t, plain), "gzip, UTF-8, commas"},
		"gzip, several members":     {gzipped(t, plain[:half], "", plain[half:]), "gzip, UTF-8, commas"},
		"gzip of semicolons":        {gzipped(t, semicolons), "gzip, UTF-8, semicolons, decimal comma"},
		"zstd":                      {zstded(t, plain), "zstd, UTF-8, commas"},
		"zstd, several frames":      {zstded(t, plain[:half], plain[half:]), "zstd, UTF-8, commas"},
		"zstd, a frame to skip":     {skipped + zstded(t, plain), "zstd, UTF-8, commas"},
		"zip":                       {zipped(t, "loans.csv", plain), `zip ("loans.csv"), UTF-8, commas`},
		"zip of any name":           {zipped(t, "export", plain), `zip ("export"), UTF-8, commas`},
		"zip made on a Mac":         {zipped(t, "a/", "", "a/loans.CSV", plain, "__MACOSX/a/._loans.CSV", "x", "a/.DS_Store", "y"), `zip ("a/loans.CSV"), UTF-8, commas`},
		"zip with a readme":         {zipped(t, "README.md", "read me", "loans.csv", plain), `zip ("loans.csv"), UTF-8, commas`},
		"zip with a text":           {zipped(t, "leiame.txt", "x", "loans.csv", plain), `zip ("loans.csv"), UTF-8, commas`},
		"zip of .tsv":               {zipped(t, "README.md", "x", "loans.tsv", plain), `zip ("loans.tsv"), UTF-8, commas`},
		"gzip filled up with zeros": {gzipped(t, plain) + strings.Repeat("\x00", 100_000), "gzip, UTF-8, commas"},
		"UTF-16 LE":                 {"\xff\xfe" + utf16Text(plain, binary.LittleEndian), "UTF-16 LE, commas"},
		"UTF-16 BE":                 {"\xfe\xff" + utf16Text(plain, binary.BigEndian), "UTF-16 BE, commas"},
		"Excel's Unicode text":      {"\xff\xfe" + utf16Text(strings.NewReplacer(",", "\t", "\n", "\r\n").Replace(plain), binary.LittleEndian), "UTF-16 LE, tabs"},
		"gzip of UTF-16":            {gzipped(t, "\xff\xfe"+utf16Text(plain, binary.LittleEndian)), "gzip, UTF-16 LE, commas"},
		"zip of lines ended by CR":  {zipped(t, "mac.csv", strings.ReplaceAll(plain, "\n", "\r")), `zip ("mac.csv"), UTF-8, commas, lines ended by CR`},
		"a byte order mark in gzip": {gzipped(t, utf8BOM+plain), "gzip, UTF-8, commas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, head, err := rowsOf(t, c.file, Given{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-plain +%s)\n%s", name, diff)
			}
			if head.Dialect.String() != c.dialect {
				t.Errorf("dialect %v, want %s", head.Dialect, c.dialect)
			}
		})
	}
	if got, _, err := rowsOf(t, utf16Text(plain, binary.LittleEndian), Given{Encoding: "utf-16le"}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("UTF-16 without a mark, given: %v", err)
	}
	if _, head, err := rowsOf(t, zipped(t, "a.csv", "x", "b/b.csv", plain), Given{Sheet: "b.csv"}); err != nil || head.Dialect.Member != "b/b.csv" {
		t.Errorf("a file chosen by name: %+v, %v", head, err)
	}
}

// failure 37, failure 38, failure 50
func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	plain := syntheticFile(50_000)
	gz, zst, archive := gzipped(t, plain), zstded(t, plain), zipped(t, "loans.csv", plain)
	flip := func(file string, at int) string {
		b := []byte(file)
		b[at] ^= 0x55
		return string(b)
	}
	for name, c := range map[string]struct{ file, code, says string }{
		"empty":                    {"", CodeEmpty, "empty"},
		"gzip of nothing":          {gzipped(t, ""), CodeEmpty, "empty"},
		"gzip, header alone":       {gz[:8], CodeTruncated, "at byte 8"},
		"gzip, cut":                {gz[:len(gz)/2], CodeTruncated, "the gzip file ends too early, at byte"},
		"gzip, cut in the trailer": {gz[:len(gz)-3], CodeTruncated, "after 3"},
		"gzip, cut between":        {gz + gz[:5], CodeTruncated, "too early"},
		"gzip, damaged":            {flip(gz, len(gz)/2), CodeCorrupt, "near byte"},
		"gzip, wrong checksum":     {flip(gz, len(gz)-6), CodeCorrupt, "damaged"},
		"gzip, something follows":  {gz + "something else", CodeCorrupt, "something that is not gzip"},
		"gzip, a few bytes follow": {gz + "junk", CodeCorrupt, "something that is not gzip"},
		"gzip, one byte follows":   {gz + "\x1f", CodeTruncated, "too early"},
		"gzip, zeros and more":     {gz + "\x00\x00x", CodeCorrupt, "something that is not gzip"},
		"gzip twice":               {gzipped(t, gz), CodePacked, "twice"},
		"zstd, cut":                {zst[:len(zst)/2], CodeTruncated, "the zstd file ends too early"},
		"zstd, damaged":            {flip(zst, len(zst)/2), CodeCorrupt, "zstd file"},
		"zstd, a huge window":      {"\x28\xb5\x2f\xfd\x00\xa0\x01\x00\x00", CodeUnpacksTooLarge, "32 MiB"},
		"zip, cut":                 {archive[:len(archive)/2], CodeTruncated, "no directory"},
		"zip, damaged":             {flip(archive, len(archive)/2), CodeCorrupt, "damaged"},
		"zip, damaged at once":     {flip(archive, 40), CodeCorrupt, "damaged"},
		"zip of nothing":           {zipped(t), CodeZip, "is empty"},
		"zip of two files":         {zipped(t, "a.csv", "a", "b.csv", "b"), CodeZip, `2 files: "a.csv", "b.csv"`},
		"zip of two texts":         {zipped(t, "a.txt", "a", "b.tsv", "b"), CodeZip, `2 files: "a.txt", "b.tsv"`},
		"zip of a zip":             {zipped(t, "a.zip", archive), CodePacked, "twice"},
		"zip of a workbook":        {zipped(t, "mimetype", "x", "content.xml", "<"), CodeXLS, ".ods"},
		"gzip of HTML":             {gzipped(t, "<table><tr>"), CodeNotCSV, "HTML"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := rowsOf(t, c.file, Given{})
			var refused *FileError
			if !errors.As(err, &refused) || refused.Code != c.code || !strings.Contains(refused.Reason, c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %s with %q", err, c.code, c.says)
			}
		})
	}
	if rows, _, err := rowsOf(t, gzipped(t, header), Given{}); err != nil || len(rows) != 0 {
		t.Errorf("a header only: %v, %v", rows, err)
	}
}

// failure 50: a small file that unpacks to a huge one is given up in bounded memory and time.
func TestBombs(t *testing.T) {
	t.Parallel()
	var gz, zst, archive bytes.Buffer
	z := gzip.NewWriter(&gz)
	s, err := zstd.NewWriter(&zst, zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	files := zip.NewWriter(&archive)
	member, err := files.Create("loans.csv")
	if err != nil {
		t.Fatal(err)
	}
	all := io.MultiWriter(z, s, member)
	write(t, all, header+"\n")
	line := strings.Repeat("0", 1<<20)
	for range FreeRatio>>20 + 8 {
		write(t, all, line)
	}
	finish(t, z)
	finish(t, s)
	finish(t, files)
	for name, file := range map[string]string{PackingGzip: gz.String(), PackingZstd: zst.String(), PackingZip: archive.String()} {
		text, err := Open(sourceOf(file), Given{})
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, text)
		finish(t, text)
		var refused *FileError
		if !errors.As(err, &refused) || refused.Code != CodeUnpacksTooLarge || n < FreeRatio-(1<<20) || n > FreeRatio {
			t.Errorf("%s: %d bytes of text, %v", name, n, err)
		}
	}
}

// failure 50: a workbook whose rows are of thousands of empty cells is given up like any other bomb.
func TestBombOfEmptyCells(t *testing.T) {
	t.Parallel()
	var sheet strings.Builder
	sheet.WriteString("<worksheet><sheetData><row r=\"1\">")
	for _, name := range []string{"TotalIncome", "LoanAmount", "Credit_History", "Property_Area"} {
		sheet.WriteString(`<c t="inlineStr"><is><t>` + name + `</t></is></c>`)
	}
	sheet.WriteString("</row>")
	for i := range 20_000 {
		fmt.Fprintf(&sheet, `<row r="%d"><c r="XFD%d"><v>1</v></c></row>`, i+2, i+2)
	}
	sheet.WriteString("</sheetData></worksheet>")
	file := zipped(t, "xl/workbook.xml", `<workbook><sheets><sheet name="S" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="r1" Type="x/worksheet" Target="s.xml"/></Relationships>`, "xl/s.xml", sheet.String())
	text, err := Open(sourceOf(file), Given{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, text)
	finish(t, text)
	var refused *FileError
	if !errors.As(err, &refused) || refused.Code != CodeUnpacksTooLarge || n > FreeRatio {
		t.Errorf("%d bytes of text, %v", n, err)
	}
}

// directory is a zip archive of so many empty files whose end record tells of count.
func directory(files int, count uint64) string {
	var local, central []byte
	for i := range files {
		name := fmt.Sprintf("%06d", i)
		offset := uint32(len(local))
		local = append(append(append(local, "PK\x03\x04\x14"...), make([]byte, 21)...), 6, 0, 0, 0)
		local = append(local, name...)
		central = append(append(append(central, "PK\x01\x02\x14\x00\x14"...), make([]byte, 21)...), 6)
		central = append(append(central, make([]byte, 13)...), 0, 0, 0, 0)
		binary.LittleEndian.PutUint32(central[len(central)-4:], offset)
		central = append(central, name...)
	}
	all := append(local, central...)
	end64 := uint64(len(all))
	all = append(append(append(all, "PK\x06\x06"...), 44, 0, 0, 0, 0, 0, 0, 0), make([]byte, 12)...)
	for _, n := range []uint64{count, count, uint64(len(central)), uint64(len(local))} {
		all = binary.LittleEndian.AppendUint64(all, n)
	}
	all = append(append(all, "PK\x06\x07"...), 0, 0, 0, 0)
	all = append(binary.LittleEndian.AppendUint64(all, end64), 1, 0, 0, 0)
	all = append(append(all, "PK\x05\x06"...), 0, 0, 0, 0)
	return string(append(append(all, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"...), 0, 0))
}

// failure 50: an archive of very many files does not fill the memory with its directory.
func TestDirectoriesOfArchives(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, says string }{
		"many files":               {directory(5000, 5000), "holds 5000 files"},
		"more files than it says":  {directory(100_000, 3), "a directory of more than 4194304 bytes"},
		"says more than there are": {directory(3, 1<<40), "holds 1099511627776 files"},
	} {
		_, err := Open(sourceOf(c.file), Given{})
		var refused *FileError
		if !errors.As(err, &refused) || refused.Code != CodeZip || !strings.Contains(refused.Reason, c.says) {
			t.Errorf("%s: %v, want %s", name, err, c.says)
		}
	}
	_, err := Open(sourceOf(directory(3, 3)), Given{})
	if err == nil || !strings.Contains(err.Error(), `holds 3 files: "000000"`) {
		t.Errorf("three files: %v", err)
	}
}

// An error of the source is not mistaken for a damaged file, nor a damaged file for an error of the source.
func TestOpenSourceErrors(t *testing.T) {
	t.Parallel()
	plain := syntheticFile(20_000)
	broken := errors.New("connection reset")
	for name, file := range map[string]string{
		"plain": plain, "gzip": gzipped(t, plain), "zstd": zstded(t, plain), "zip": zipped(t, "a.csv", plain),
		"UTF-16": "\xff\xfe" + utf16Text(plain, binary.LittleEndian),
	} {
		for _, reason := range []error{broken, io.ErrUnexpectedEOF} {
			for _, after := range []int{0, 2, 1000, len(file) / 2, len(file) - 2} {
				src := Source{Size: int64(len(file)), Open: func(offset int64) (io.ReadCloser, error) {
					rest := io.MultiReader(strings.NewReader(file[min(int(offset), after):after]), iotest.ErrReader(reason))
					return io.NopCloser(rest), nil
				}}
				text, err := Open(src, Given{})
				if err == nil {
					_, err = io.Copy(io.Discard, text)
					finish(t, text)
				}
				var refused *FileError
				if !errors.Is(err, reason) || errors.As(err, &refused) {
					t.Errorf("%s broken after %d bytes: %v, want %v", name, after, err, reason)
				}
			}
		}
	}
	refusing := Source{Size: 3, Open: func(int64) (io.ReadCloser, error) { return nil, broken }}
	if _, err := Open(refusing, Given{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if _, err := Open(sourceOf(plain), Given{Decimal: "x"}); !errors.Is(err, ErrGiven) {
		t.Errorf("%v", err)
	}
}

// failure 47: a row is told by the encoding that its file has.
func TestHalfACharacterOfUTF16(t *testing.T) {
	t.Parallel()
	file := utf16Text("TotalIncome,LoanAmount,Credit_History,Property_Area\n1,1,1,Urban\n2,2,0,Rural", binary.LittleEndian)
	rows, _, err := rowsOf(t, "\xff\xfe"+file+"\x00\xd8\n\x003\x00", Given{})
	if err != nil || len(rows) != 3 || !strings.HasPrefix(rows[0], "{") || !strings.Contains(rows[1], "not UTF-16: it holds half of a character") {
		t.Errorf("%q, %v", rows, err)
	}
}

// failure 47: what is no character of UTF-16 is the mistake of its row alone.
func TestUTF16Reader(t *testing.T) {
	t.Parallel()
	text := "a,é,€,😀\n"
	for name, c := range map[string]struct {
		order  binary.AppendByteOrder
		suffix []uint16
		tail   string
		want   string
	}{
		"little endian": {binary.LittleEndian, nil, "", text},
		"big endian":    {binary.BigEndian, nil, "", text},
		"high alone":    {binary.BigEndian, []uint16{0xD800, 'x'}, "", text + "\xED\xA0\x80x"},
		"low alone":     {binary.LittleEndian, []uint16{0xDFFF}, "", text + "\xED\xBF\xBF"},
		"high at end":   {binary.LittleEndian, []uint16{0xDBFF}, "", text + "\xED\xAF\xBF"},
		"half a unit":   {binary.LittleEndian, nil, "x", text + "\xFF"},
	} {
		encoding := map[bool]string{true: EncodingUTF16BE, false: EncodingUTF16LE}[c.order == binary.AppendByteOrder(binary.BigEndian)]
		file := utf16Text(text, c.order)
		for _, unit := range c.suffix {
			file = string(c.order.AppendUint16([]byte(file), unit))
		}
		file += c.tail
		for _, r := range []io.Reader{
			strings.NewReader(file), iotest.OneByteReader(strings.NewReader(file)), iotest.DataErrReader(strings.NewReader(file)),
		} {
			got, err := io.ReadAll(newUTF16Reader(r, encoding))
			if err != nil || string(got) != c.want {
				t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
			}
		}
	}
}

// FuzzOpen opens anything: it is refused by a known code or gives a text that does not change.
func FuzzOpen(f *testing.F) {
	plain := syntheticFile(3)
	for _, file := range []string{
		plain, gzipped(f, plain, plain), zstded(f, plain), zipped(f, "a.csv", plain), "\xff\xfe" + utf16Text(plain, binary.LittleEndian), brazilian,
	} {
		f.Add([]byte(file), "")
	}
	known := make(map[string]bool)
	for _, code := range FileCodes() {
		known[code] = true
	}
	f.Fuzz(func(t *testing.T, file []byte, member string) {
		_, _, err := rowsOf(t, string(file), Given{Sheet: member})
		var refused *FileError
		if err != nil && (!errors.As(err, &refused) || !known[refused.Code]) {
			t.Fatal(err)
		}
	})
}

// workbookOf is an Excel workbook of one sheet, with every cell as inline text; "" is no cell.
func workbookOf(tb testing.TB, sheet string, rows [][]string) string {
	tb.Helper()
	var b strings.Builder
	b.WriteString("<worksheet><sheetData>")
	for i, row := range rows {
		fmt.Fprintf(&b, `<row r="%d">`, i+1)
		for j, cell := range row {
			if cell == "" {
				continue
			}
			var text strings.Builder
			if err := xml.EscapeText(&text, []byte(cell)); err != nil {
				tb.Fatal(err)
			}
			fmt.Fprintf(&b, `<c r="%c%d" t="inlineStr"><is><t>%s</t></is></c>`, 'A'+j, i+1, text.String())
		}
		b.WriteString("</row>")
	}
	b.WriteString("</sheetData></worksheet>")
	return zipped(tb,
		"xl/workbook.xml", `<workbook><sheets><sheet name="`+sheet+`" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Type="t/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml", b.String())
}

// A workbook has the rows of the same table as CSV, and lines that are its rows.
func TestWorkbook(t *testing.T) {
	t.Parallel()
	plain := syntheticFile(200)
	var rows [][]string
	for line := range strings.Lines(plain) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), ","))
	}
	got, head, err := rowsOf(t, workbookOf(t, "Loans", rows), Given{})
	if err != nil || head.Dialect.String() != `Excel workbook, sheet "Loans"` {
		t.Fatalf("%+v, %v", head, err)
	}
	if diff := cmp.Diff(decodeFile(t, plain), got); diff != "" {
		t.Errorf("(-plain +workbook)\n%s", diff)
	}
	odd := [][]string{
		nil, nil,
		{"TotalIncome", "LoanAmount", "Credit_History", "Property_Area", "Note"},
		{"1", "2", "1", "Urban", "two\nlines"},
		nil,
		{"x", "2", "1", "Urban"},
		{"1", "2", "1", "Urban", "", "more"},
	}
	got, _, err = rowsOf(t, workbookOf(t, "x", odd), Given{Decimal: "comma"})
	if err != nil || len(got) != 3 || !strings.HasPrefix(got[1], "line 6, ") || !strings.HasPrefix(got[2], "line 7, ") ||
		!strings.Contains(got[2], CodeWrongFieldCount) {
		t.Errorf("%q, %v", got, err)
	}
	for name, c := range map[string]struct {
		file  string
		given Given
		code  string
	}{
		"no such sheet": {workbookOf(t, "Loans", rows), Given{Sheet: "May"}, CodeSheet},
		"no rows":       {workbookOf(t, "Loans", nil), Given{}, CodeEmpty},
		"empty rows":    {workbookOf(t, "Loans", [][]string{nil, nil}), Given{}, CodeEmpty},
		"another table": {workbookOf(t, "Loans", [][]string{{"a", "b"}}), Given{}, CodeMissingColumns},
		"a title":       {workbookOf(t, "Loans", append([][]string{{"Loans of May"}}, rows...)), Given{}, CodeNoHeader},
		"damaged":       {zipped(t, "xl/workbook.xml", "<workbook><!DOCTYPE x>"), Given{}, CodeCorrupt},
		"binary":        {zipped(t, "xl/workbook.bin", "x"), Given{}, CodeXLS},
	} {
		_, _, err := rowsOf(t, c.file, c.given)
		var refused *FileError
		if !errors.As(err, &refused) || refused.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}
