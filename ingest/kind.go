package ingest

import (
	"bytes"
	"errors"
)

// What to do about a file of another kind.
const (
	exportIt = "export it as CSV UTF-8"
	unpackIt = "unpack it, or pack it with gzip or zstd"
)

// kindOfFile is a kind of file by its first bytes.
type kindOfFile struct{ magic, code, what, hint string }

// binaryKinds are the kinds that are told by their very first bytes.
func binaryKinds() []kindOfFile {
	return []kindOfFile{
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", CodeXLS, "is an old Excel workbook, or one with a password", "save it as .xlsx without a password, or as CSV UTF-8"},
		{"PAR1", CodeNotCSV, "is a Parquet file", exportIt},
		{"ARROW1", CodeNotCSV, "is an Arrow (Feather) file", exportIt},
		{"ORC", CodeNotCSV, "is an ORC file", exportIt},
		{"Obj\x01", CodeNotCSV, "is an Avro file", exportIt},
		{"%PDF-", CodeNotCSV, "is a PDF document", exportIt},
		{"{\\rtf", CodeNotCSV, "is an RTF document", exportIt},
		{"SQLite format 3\x00", CodeNotCSV, "is an SQLite database", exportIt},
		{"$FL2", CodeNotCSV, "is an SPSS file", exportIt},
		{"$FL3", CodeNotCSV, "is an SPSS file", exportIt},
		{"<stata_dta>", CodeNotCSV, "is a Stata file", exportIt},
		{"RDX", CodeNotCSV, "is a file of R's save", "write it with write.csv(..., na = \"\", row.names = FALSE)"},
		{"X\n\x00\x00\x00", CodeNotCSV, "is a file of R's saveRDS", "write it with write.csv(..., na = \"\", row.names = FALSE)"},
		{"\x89PNG\r\n", CodeNotCSV, "is a picture", exportIt},
		{"\xff\xd8\xff", CodeNotCSV, "is a picture", exportIt},
		{"\x7fELF", CodeNotCSV, "is a program", exportIt},
		{"version https://git-lfs", CodeNotCSV, "is a pointer of Git LFS, not the file itself", "fetch the file with git lfs pull"},
		{"\xfd7zXZ\x00", CodePacking, "is packed with xz", unpackIt},
		{"BZh", CodePacking, "is packed with bzip2", unpackIt},
		{"7z\xbc\xaf\x27\x1c", CodePacking, "is a 7z archive", unpackIt},
		{"Rar!\x1a\x07", CodePacking, "is a RAR archive", unpackIt},
		{"\x04\x22\x4d\x18", CodePacking, "is packed with lz4", unpackIt},
		{"\x1f\x9d", CodePacking, "is packed with compress", unpackIt},
		{"\xff\xfe\x00\x00", CodeUTF16, "is encoded as UTF-32", exportIt},
		{"\x00\x00\xfe\xff", CodeUTF16, "is encoded as UTF-32", exportIt},
		{"\xff\xfe", CodeUTF16, "is encoded as UTF-16", exportIt},
		{"\xfe\xff", CodeUTF16, "is encoded as UTF-16", exportIt},
	}
}

// refuseKind refuses what is no text that can be read, by its first bytes.
func refuseKind(head []byte) error {
	for _, m := range binaryKinds() {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return refuse(m.code, "the file "+m.what, m.hint)
		}
	}
	const tarMagic = 257
	if len(head) > tarMagic && bytes.HasPrefix(head[tarMagic:], []byte("ustar")) {
		return refuse(CodePacking, "the file is a tar archive", "upload the CSV file in it; pack it with gzip alone")
	}
	return refuseMarkup(head)
}

// refuseMarkup refuses pages, documents and JSON; what some programs call an Excel export is a page.
func refuseMarkup(head []byte) error {
	text, _ := cutBOM(head)
	text = bytes.TrimLeft(text[:min(len(text), 512)], " \t\r\n")
	for _, m := range [...]struct{ begin, what, hint string }{
		{"<?xml", "XML", exportIt},
		{"<", "an HTML page, whatever its name ends with", "open it in Excel and save it as .xlsx or CSV UTF-8"},
		{"{", "JSON", "export it as CSV UTF-8, or send applications to the HTTP API"},
		{"[", "JSON", "export it as CSV UTF-8, or send applications to the HTTP API"},
	} {
		if bytes.HasPrefix(text, []byte(m.begin)) {
			return refuse(CodeNotCSV, "the file is "+m.what, m.hint)
		}
	}
	return nil
}

// notText gives a better reason for refusing a header when the file is not text: its first bytes hold a NUL or several
// other control characters that no text has.
func notText(text []byte, err error) error {
	var refused *FileError
	if !errors.As(err, &refused) || refused.Code == CodeUTF16 || refused.Code == CodeNUL || refused.Code == CodeDelimiter {
		return err
	}
	const most = 3
	found := 0
	for _, c := range text[:min(len(text), 4096)] {
		switch {
		case c == 0:
			found += most
		case c < '\t', '\r' < c && c < 0x1A, c == 0x7f:
			found++
		}
	}
	if found < most {
		return err
	}
	return refuse(CodeNUL, "the file is not text: it holds bytes that no text has", "export the data as CSV UTF-8")
}
