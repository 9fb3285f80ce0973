package ingest

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/loanscorer/loanscorer/ingest/workbook"
)

// openSheet opens a sheet of a workbook as text, whose dialect is always the same.
func openSheet(at *sourceAt, files []*zip.File, d *Dialect) (io.ReadCloser, error) {
	part := workbook.InZip(files, func(f *zip.File) (io.ReadCloser, error) { return openMember(at, f) })
	rows, name, err := workbook.Open(part, d.Member)
	if err != nil {
		return nil, sheetFault(at, err)
	}
	*d = Dialect{
		Packing: PackingXLSX, Member: name, Encoding: EncodingUTF8, Delimiter: ",", Decimal: ".", Newline: NewlineRow,
	}
	return &sheetText{rows: rows, at: at}, nil
}

// sheetText is the text of a sheet.
type sheetText struct {
	rows *workbook.Rows
	at   *sourceAt
	n    int64
}

// Read implements io.Reader.
func (s *sheetText) Read(p []byte) (int, error) {
	n, err := s.rows.Read(p)
	s.n += int64(n)
	if s.n > FreeRatio && s.n/MaxRatio > s.at.at { // a cell far to the right makes a row of thousands of empty ones
		return 0, tooMuch(PackingXLSX, s.at.at, s.n)
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, sheetFault(s.at, err)
}

// Close implements io.Closer.
func (s *sheetText) Close() error { return errors.Join(s.rows.Close(), s.at.Close()) }

// sheetFault tells what is wrong with a workbook, unless it is the source or the archive.
func sheetFault(at *sourceAt, err error) error {
	var refused *FileError
	var none *workbook.SheetError
	switch {
	case at.err != nil:
		return at.err
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &none):
		var names []string
		for _, name := range none.Sheets {
			names = append(names, shown(name))
		}
		reason := "the workbook has no sheet that can be read"
		if len(names) > 0 {
			reason = "the workbook has the sheets " + strings.Join(names, ", ") + ", and no other that can be read"
		}
		return refuse(CodeSheet, reason, "name one of its sheets with the sheet option, or save the sheet as CSV UTF-8")
	case errors.Is(err, workbook.ErrTooLarge):
		return refuseAt(at.at, CodeUnpacksTooLarge, fmt.Sprintf("the workbook: %v", err), "save the sheet as CSV UTF-8")
	}
	return refuseAt(at.at, CodeCorrupt, fmt.Sprintf("the workbook is damaged, near byte %d: %v", at.at, err), "save it again, or as CSV UTF-8")
}
