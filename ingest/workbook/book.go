package workbook

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
)

// Part opens a part of the workbook by its name in the archive; nil if there is none. One part is open at a time.
type Part func(name string) (io.ReadCloser, error)

// Main is the part that makes an archive a workbook.
const Main = "xl/workbook.xml"

const maxSheets = 1024

// SheetError says that a workbook has no such sheet, and which it has.
type SheetError struct{ Wanted, Sheets []string }

// Error lists the sheets.
func (e *SheetError) Error() string {
	return fmt.Sprintf("no sheet %q; there are %q", e.Wanted, e.Sheets)
}

// sheet is one sheet of the workbook.
type sheet struct {
	name, id string
	hidden   bool
}

// book is what the parts beside the sheet say.
type book struct {
	part     Part
	sheets   []sheet
	date1904 bool
	targets  map[string]string // part of a worksheet by relation id
	dates    []bool            // by style: the number is a date
	strings  stringTable
}

// Open returns the rows of a sheet: the one of that name in any case, or the first that is not hidden; and its name.
// What is wrong with the workbook wraps ErrFormat or ErrTooLarge, or is a *SheetError.
func Open(part Part, name string) (*Rows, string, error) {
	b := &book{part: part, targets: map[string]string{}}
	if err := b.each(Main, b.workbook); err != nil {
		return nil, "", err
	}
	if err := b.each("xl/_rels/workbook.xml.rels", b.relation); err != nil {
		return nil, "", err
	}
	chosen, err := b.choose(name)
	if err != nil {
		return nil, "", err
	}
	if err := b.styles(); err != nil {
		return nil, "", err
	}
	if err := b.sharedStrings(); err != nil {
		return nil, "", err
	}
	in, err := part(b.targets[chosen.id])
	if err != nil {
		return nil, "", err
	}
	if in == nil {
		return nil, "", fmt.Errorf("no part for the sheet: %w", ErrFormat)
	}
	return &Rows{book: b, in: in, x: newTokens(in)}, chosen.name, nil
}

// each calls f at every tag of a part. A part that is not there has none.
func (b *book) each(name string, f func(*tokens) error) error {
	in, err := b.part(name)
	if err != nil || in == nil {
		return err
	}
	x := newTokens(in)
	for {
		if err = x.next(); err == nil {
			err = f(x)
		}
		if err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, in.Close())
}

func (b *book) workbook(x *tokens) error {
	switch {
	case x.starts("workbookPr"):
		b.date1904 = isTrue(x.attr("date1904"))
	case x.starts("sheet"):
		if len(b.sheets) == maxSheets {
			return fmt.Errorf("more than %d sheets: %w", maxSheets, ErrTooLarge)
		}
		state := string(x.attr("state"))
		b.sheets = append(b.sheets, sheet{
			name: string(unescape(bytes.Clone(x.attr("name")))), id: relationID(x), hidden: state == "hidden" || state == "veryHidden",
		})
	}
	return nil
}

// relationID is the attribute r:id, not another one that ends with id.
func relationID(x *tokens) string {
	for _, prefix := range [...]string{"r:id", "rel:id", "d3p1:id"} {
		if i := bytes.Index(x.attrs, []byte(prefix+"=")); i >= 0 {
			value := x.attrs[i+len(prefix)+1:]
			if len(value) > 1 {
				id, _, _ := bytes.Cut(value[1:], value[:1])
				return string(id)
			}
		}
	}
	return string(x.attr("id"))
}

func isTrue(b []byte) bool { return string(b) == "1" || string(b) == "true" }

func (b *book) relation(x *tokens) error {
	if !x.starts("Relationship") || !bytes.HasSuffix(x.attr("Type"), []byte("/worksheet")) {
		return nil
	}
	id := string(x.attr("Id"))
	target := string(unescape(bytes.Clone(x.attr("Target"))))
	if rest, ok := strings.CutPrefix(target, "/"); ok {
		target = rest
	} else {
		target = path.Join("xl", target)
	}
	if len(b.targets) < maxSheets {
		b.targets[id] = target
	}
	return nil
}

func (b *book) choose(name string) (sheet, error) {
	var names []string
	for _, s := range b.sheets {
		if b.targets[s.id] == "" { // a chart
			continue
		}
		if name == "" && !s.hidden || name != "" && strings.EqualFold(s.name, name) {
			return s, nil
		}
		if len(names) < 20 {
			names = append(names, s.name)
		}
	}
	return sheet{}, &SheetError{Wanted: []string{name}, Sheets: names}
}

// styles finds out which styles show numbers as dates.
func (b *book) styles() error {
	formats := map[string]bool{} // of numFmt ids: a date
	inCells := false
	return b.each("xl/styles.xml", func(x *tokens) error {
		switch {
		case x.starts("numFmt") && len(formats) < 1<<12:
			formats[string(x.attr("numFmtId"))] = isDateFormat(string(unescape(bytes.Clone(x.attr("formatCode")))))
		case x.ends("cellXfs"):
			inCells = false
		case x.starts("cellXfs"):
			inCells = true
		case inCells && x.starts("xf") && len(b.dates) < 1<<16:
			id := string(x.attr("numFmtId"))
			date, ok := formats[id]
			if !ok {
				n, err := strconv.Atoi(id)
				date = err == nil && (14 <= n && n <= 22 || 45 <= n && n <= 47)
			}
			b.dates = append(b.dates, date)
		}
		return nil
	})
}

// stringTable is the shared strings one after the other.
type stringTable struct {
	text []byte
	ends []uint32
}

func (t *stringTable) at(i int) ([]byte, bool) {
	if i < 0 || i >= len(t.ends) {
		return nil, false
	}
	start := uint32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.text[start:t.ends[i]], true
}

func (b *book) sharedStrings() error {
	t := &b.strings
	phonetic := false
	return b.each("xl/sharedStrings.xml", func(x *tokens) error {
		switch {
		case x.starts("t") && !x.empty && !phonetic:
			x.begin()
		case x.ends("t") && x.keep:
			t.text = append(t.text, x.take()...)
		case x.ends("rPh"):
			phonetic = false
		case x.starts("rPh"):
			phonetic = true
		case x.ends("si"):
			t.ends = append(t.ends, uint32(len(t.text)))
		}
		if len(t.text)+4*len(t.ends) > MaxStrings {
			return fmt.Errorf("more than %d bytes of shared strings: %w", MaxStrings, ErrTooLarge)
		}
		return nil
	})
}

// InZip gives the parts of a workbook that is a zip archive, each opened by open.
func InZip(files []*zip.File, open func(*zip.File) (io.ReadCloser, error)) Part {
	return func(name string) (io.ReadCloser, error) {
		for _, f := range files {
			if strings.EqualFold(f.Name, name) {
				return open(f)
			}
		}
		return nil, nil //nolint:nilnil // nil is a part that is not there, as Part says
	}
}
