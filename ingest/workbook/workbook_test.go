package workbook

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const (
	mainXML = `<?xml version="1.0"?><workbook xmlns:r="R"><workbookPr/><sheets>` +
		`<sheet name="Cover" sheetId="1" state="hidden" r:id="rId1"/><sheet name="A &amp; B" sheetId="2" r:id="rId2"/>` +
		`<sheet name="Chart" sheetId="3" r:id="rId3"/></sheets></workbook>`
	relsXML = `<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Target="/xl/worksheets/sheet2.xml" Type="x/worksheet" Id="rId2"/>` +
		`<Relationship Id="rId3" Type="x/chartsheet" Target="chartsheets/sheet1.xml"/></Relationships>`
	stylesXML = `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy;@"/><numFmt numFmtId="165" formatCode="&quot;day &quot;0.00"/></numFmts>` +
		`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>`
	stringsXML = `<sst><si><t>plain</t></si><si><r><t>ri</t></r><r><rPr><b/></rPr><t xml:space="preserve">ch </t></r></si>` +
		`<si><t>a,"b"&#10;&lt;c&gt; &amp;amp; _x000D_</t><rPh sb="0" eb="1"><t>phonetic</t></rPh></si><si><t/></si><si><t><![CDATA[<&amp;>]]></t></si></sst>`
)

func parts(sheet string) map[string]string {
	return map[string]string{
		Main: mainXML, "xl/_rels/workbook.xml.rels": relsXML, "xl/styles.xml": stylesXML, "xl/sharedStrings.xml": stringsXML,
		"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>`,
		"xl/worksheets/sheet2.xml": `<worksheet><sheetData>` + sheet + `</sheetData></worksheet>`,
	}
}

func in(files map[string]string) Part {
	return func(name string) (io.ReadCloser, error) {
		text, ok := files[name]
		if !ok {
			return nil, nil //nolint:nilnil // as Part says
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
}

func read(t *testing.T, files map[string]string, name string) (string, error) {
	t.Helper()
	rows, _, err := Open(in(files), name)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(iotest.OneByteReader(rows))
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\x1e", "|\n"), err
}

func TestRows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ sheet, want string }{
		"numbers": {
			`<row r="1"><c r="A1"><v>5849</v></c><c r="B1" t="n"><v> 1.5E-3 </v></c><c r="C1"><v>16.120000839999999</v></c><c r="D1"><v>1234567890123456789</v></c></row>`,
			"5849,1.5E-3,16.12000084,1.2345678901234568e+18|\n",
		},
		"strings":     {`<row><c t="s"><v>0</v></c><c t="s"><v>1</v></c><c t="s"><v>2</v></c><c t="s"><v>3</v></c><c t="s"><v>4</v></c></row>`, "plain,rich ,\"a,\"\"b\"\"\n<c> &amp; \r\",,<&amp;>|\n"},
		"inline":      {`<row><c t="inlineStr"><is><t>a</t></is></c><c t="inlineStr"><is><r><t>b</t></r><r><t>c</t></r></is></c><c t="str"><f>A1&amp;"x"</f><v>ax</v></c></row>`, "a,bc,ax|\n"},
		"others":      {`<row><c t="b"><v>1</v></c><c t="b"><v>0</v></c><c t="e"><v>#N/A</v></c><c t="d"><v>2026-05-04</v></c><c><f>1+1</f></c><c s="9"/><c><v>7</v></c></row>`, "TRUE,FALSE,#N/A,2026-05-04,,,7|\n"},
		"dates":       {`<row><c s="1"><v>46146</v></c><c s="2"><v>46146.573032407410</v></c><c s="3"><v>46146</v></c><c s="1"><v>0.5</v></c><c s="1"><v>-1</v></c><c s="99"><v>46146</v></c></row>`, "2026-05-04,2026-05-04T13:45:10,46146,12:00:00,-1,46146|\n"},
		"gaps":        {`<row r="2"><c r="B2"><v>1</v></c><c r="D2"><v>2</v></c></row><row r="5"><c r="A5"><v>3</v></c></row>`, "|\n,1,,2|\n|\n|\n3,,,|\n"},
		"ghosts":      {`<row r="1"><c><v>1</v></c><c s="1"/></row><row r="2"><c s="1"/><c s="1"/><c/></row><row r="3"/>`, "1|\n|\n|\n"},
		"longer":      {`<row><c><v>1</v></c></row><row><c><v>1</v></c><c><v>2</v></c></row>`, "1|\n1,2|\n"},
		"no places":   {`<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>`, "1,2|\n3,|\n"},
		"prefixes":    {`<x:row><x:c r='A1' t='s'><x:v>0</x:v></x:c></x:row>`, "plain|\n"},
		"comments":    {`<!-- <row> -- <c> --><row><?pi <row>?><c><!-- x --><v>1<!-- y -->2</v></c></row>`, "12|\n"},
		"nothing":     {``, ""},
		"an odd text": {`<row><c t="str"><v>_x0041_ _x00 _xZZZZ_ &bogus; &#x1F600; &#0;</v></c></row>`, "A _x00 _xZZZZ_ &bogus; 😀 \x00|\n"},
	} {
		got, err := read(t, parts(c.sheet), "")
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

func TestSheets(t *testing.T) {
	t.Parallel()
	files := parts(`<row><c><v>2</v></c></row>`)
	for name, want := range map[string]string{"": "A & B", "a & B": "A & B", "cover": "Cover"} {
		rows, got, err := Open(in(files), name)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", name, got, err, want)
			continue
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
	var none *SheetError
	if _, _, err := Open(in(files), "Chart"); !errors.As(err, &none) || !cmp.Equal(none.Sheets, []string{"Cover", "A & B"}) {
		t.Errorf("%v", err)
	}
	if _, _, err := Open(in(nil), ""); !errors.As(err, &none) {
		t.Errorf("an empty archive: %v", err)
	}
	files[Main] = strings.Replace(mainXML, "<workbookPr/>", `<workbookPr date1904="1"/>`, 1)
	files["xl/worksheets/sheet2.xml"] = `<worksheet><sheetData><row><c s="1"><v>44684</v></c></row></sheetData></worksheet>`
	if got, err := read(t, files, ""); err != nil || got != "2026-05-04|\n" {
		t.Errorf("dates since 1904: %q, %v", got, err)
	}
}

// failure 50: what is wrong with a workbook is an error, in bounded memory.
func TestRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxToken+1)
	for name, c := range map[string]struct {
		change func(map[string]string)
		want   error
	}{
		"a document type":       {func(f map[string]string) { f["xl/sharedStrings.xml"] = `<!DOCTYPE x [<!ENTITY a "b">]><sst/>` }, ErrFormat},
		"no sheet part":         {func(f map[string]string) { delete(f, "xl/worksheets/sheet2.xml") }, ErrFormat},
		"a sheet that ends":     {func(f map[string]string) { f["xl/worksheets/sheet2.xml"] = `<worksheet><sheetData><row>` }, ErrFormat},
		"within a tag":          {func(f map[string]string) { f["xl/worksheets/sheet2.xml"] = `<worksheet><sheetData><row r="` }, ErrFormat},
		"rows that go back":     {func(f map[string]string) { f["xl/worksheets/sheet2.xml"] = `<sheetData><row r="2"/><row r="1"/>` }, ErrFormat},
		"a row far away":        {func(f map[string]string) { f["xl/worksheets/sheet2.xml"] = `<sheetData><row r="99999999"/>` }, ErrFormat},
		"a column far away":     {func(f map[string]string) { f["xl/worksheets/sheet2.xml"] = `<sheetData><row><c r="ZZZZ1"/>` }, ErrFormat},
		"no such shared string": {func(f map[string]string) { f["xl/worksheets/sheet2.xml"] = `<sheetData><row><c t="s"><v>5</v></c>` }, ErrFormat},
		"a long cell": {func(f map[string]string) {
			f["xl/worksheets/sheet2.xml"] = `<sheetData><row><c><v>` + long + `</v></c>`
		}, ErrTooLarge},
		"a long section": {func(f map[string]string) {
			f["xl/worksheets/sheet2.xml"] = `<sheetData><row><c><v><![CDATA[` + long + `]]></v></c>`
		}, ErrTooLarge},
		"a long tag": {func(f map[string]string) { f["xl/worksheets/sheet2.xml"] = `<sheetData><row x="` + long + `">` }, ErrTooLarge},
		"a long row": {func(f map[string]string) {
			f["xl/worksheets/sheet2.xml"] = `<sheetData><row>` + strings.Repeat(`<c><v>`+long[:40_000]+`</v></c>`, 30)
		}, ErrTooLarge},
		"very many strings": {func(f map[string]string) {
			f["xl/sharedStrings.xml"] = strings.Repeat(`<si><t>`+long[:1<<19]+`</t></si>`, 130)
		}, ErrTooLarge},
		"very many empty string": {func(f map[string]string) { f["xl/sharedStrings.xml"] = strings.Repeat(`<si/>`, MaxStrings/4+1) }, ErrTooLarge},
	} {
		files := parts("")
		c.change(files)
		if _, err := read(t, files, ""); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// failure 50: the memory of a row does not stay with its columns.
func TestLongCellsInManyColumns(t *testing.T) {
	const rows = 40
	var sheet strings.Builder
	for i := range rows {
		fmt.Fprintf(&sheet, `<row><c r="%c%c1"><v>%s</v></c></row>`, 'A'+i/26, 'A'+i%26, strings.Repeat("1", maxToken-10))
	}
	text, _, err := Open(in(parts(sheet.String())), "")
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n, err := io.Copy(io.Discard, text)
	if err != nil || n < rows*(maxToken-10) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if more := int64(after.HeapAlloc) - int64(before.HeapAlloc); more > 12*maxToken {
		t.Errorf("%d bytes are held after %d rows", more, rows)
	}
	runtime.KeepAlive(text)
}

func TestIsDateFormat(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]bool{
		"General": false, "0.00": false, "#,##0": false, "yyyy-mm-dd": true, "dd/mm/yyyy;@": true, "[$-416]d mmm": true, "[h]:mm": true,
		`"day" 0`: false, `\d0`: false, "@": false, "": false, "[Red]0": false, `R$ #.##0`: false, "h:mm AM/PM": true, `"open`: false, "[open": false,
	} {
		if got := isDateFormat(format); got != want {
			t.Errorf("%q: %v", format, got)
		}
	}
}

// FuzzRows reads anything as a sheet: the text is UTF-8 if the sheet is, and its rows are not beyond Excel's.
func FuzzRows(f *testing.F) {
	f.Add(`<row r="2"><c r="B2" t="s"><v>1</v></c><c s="1"><v>1.5</v></c></row>`)
	f.Add(`<row><c t="inlineStr"><is><t>a&#10;_x000A_</t></is></c></row><!-- --><![CDATA[`)
	f.Fuzz(func(t *testing.T, sheet string) {
		text, err := read(t, parts(sheet), "")
		if err != nil && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooLarge) {
			t.Fatal(err)
		}
		if utf8.ValidString(sheet) && !utf8.ValidString(text) {
			t.Fatalf("%q", text)
		}
		if strings.Count(text, "|\n") > maxRows+len(sheet) {
			t.Fatal("too many rows")
		}
	})
}

// FuzzTokens compares the tags with those of encoding/xml, where it reads the text.
func FuzzTokens(f *testing.F) {
	for _, text := range []string{mainXML, relsXML, stylesXML, stringsXML, `<a b='>' c="'/"><d/></a>`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want []string
		for d := xml.NewDecoder(strings.NewReader(text)); ; {
			token, err := d.RawToken()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
			switch token := token.(type) {
			case xml.StartElement:
				want = append(want, token.Name.Local)
			case xml.EndElement:
				want = append(want, "/"+token.Name.Local)
			case xml.Directive:
				return
			}
		}
		var got []string
		x := newTokens(strings.NewReader(text))
		for {
			if err := x.next(); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				break
			}
			if !x.end {
				got = append(got, string(x.name))
			}
			if x.end || x.empty {
				got = append(got, "/"+string(x.name))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q: (-encoding/xml +tokens)\n%s", text, diff)
		}
	})
}

func BenchmarkRows(b *testing.B) {
	var sheet strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&sheet, `<row r="%d"><c r="A%d" t="s"><v>0</v></c><c r="B%d"><v>%d</v></c><c r="C%d" s="1"><v>4583.5</v></c></row>`, i+1, i+1, i+1, i, i+1)
	}
	files := parts(sheet.String())
	b.SetBytes(int64(sheet.Len()))
	b.ReportAllocs()
	for b.Loop() {
		rows, _, err := Open(in(files), "")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, rows); err != nil {
			b.Fatal(err)
		}
	}
}
