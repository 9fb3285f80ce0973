package ingest

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/ingest/workbook"
)

// An archive's directory is held in memory, so it is bounded: in files, and in bytes with what is read to find it.
const (
	maxMembers   = 4096
	maxDirectory = 4 << 20
)

// unzip gives the text of the CSV file in a zip archive, or of a sheet of a workbook, which is such an archive.
// d.Member chooses one by name and is then the name of the one that was chosen; without it there must be just one file.
// Closing it does not close the source.
func unzip(src Source, d *Dialect) (io.ReadCloser, error) {
	if src.Size < 0 {
		return nil, refuse(CodeZip, "a zip archive or workbook cannot be read from a pipe", "give it as a file")
	}
	at := &sourceAt{src: src}
	files, err := members(at)
	var text io.ReadCloser
	switch {
	case err != nil:
	case hasMember(files, workbook.Main):
		text, err = openSheet(at, files, d)
	default:
		text, err = openOnly(at, files, d)
	}
	if err != nil {
		return nil, errors.Join(err, at.Close())
	}
	return text, nil
}

func hasMember(files []*zip.File, name string) bool {
	return slices.ContainsFunc(files, func(f *zip.File) bool { return strings.EqualFold(f.Name, name) })
}

// openOnly opens the one CSV file.
func openOnly(at *sourceAt, files []*zip.File, d *Dialect) (io.ReadCloser, error) {
	f, err := choose(files, d.Member)
	if err != nil {
		return nil, err
	}
	d.Member = f.Name
	text, err := openMember(at, f)
	if err != nil {
		return nil, err
	}
	return over{text, at}, nil
}

// over closes what is below, too.
type over struct {
	io.ReadCloser
	below io.Closer
}

// Close implements io.Closer.
func (o over) Close() error { return errors.Join(o.ReadCloser.Close(), o.below.Close()) }

// members lists the files of an archive that are data.
func members(at *sourceAt) ([]*zip.File, error) {
	at.most = maxDirectory
	n, err := countMembers(at)
	var archive *zip.Reader
	if err == nil && n <= maxMembers { // the reader makes room for as many as it is told of
		archive, err = zip.NewReader(at, at.src.Size)
	}
	at.most = 0
	switch {
	case at.err != nil:
		return nil, at.err
	case errors.Is(err, errMost):
		return nil, refuse(CodeZip, fmt.Sprintf("the zip archive has a directory of more than %d bytes", maxDirectory), "pack the CSV file alone")
	case n > maxMembers:
		return nil, refuse(CodeZip, fmt.Sprintf("the zip archive holds %d files", n), "pack the CSV file alone")
	case err != nil && !errors.Is(err, zip.ErrInsecurePath): // names are only shown
		return nil, refuseAt(at.src.Size, CodeTruncated, "the zip archive has no directory at its end", "it was cut off: copy or export it again")
	case len(archive.File) > maxMembers:
		return nil, refuse(CodeZip, fmt.Sprintf("the zip archive holds %d files", len(archive.File)), "pack the CSV file alone")
	}
	return slices.DeleteFunc(archive.File, func(f *zip.File) bool {
		base := path.Base(f.Name)
		return strings.HasSuffix(f.Name, "/") || strings.HasPrefix(f.Name, "__MACOSX/") || strings.HasPrefix(base, ".") ||
			base == "Thumbs.db" || base == "desktop.ini"
	}), nil
}

// choose finds the one CSV file: the one asked for, the only one named .csv, the only one that is named like one, or the
// only file.
func choose(files []*zip.File, wanted string) (*zip.File, error) {
	if hasMember(files, "xl/workbook.bin") || hasMember(files, "content.xml") && hasMember(files, "mimetype") {
		return nil, refuse(CodeXLS, "the file is a workbook of a kind that is not read (.xlsb, .ods)", "save it as .xlsx or CSV UTF-8")
	}
	var csv, likely []*zip.File
	var names []string
	for _, f := range files {
		if wanted != "" && (f.Name == wanted || path.Base(f.Name) == wanted) {
			return f, nil
		}
		switch strings.ToLower(path.Ext(f.Name)) {
		case ".csv":
			csv = append(csv, f)
		case ".tsv", ".txt", ".tab":
			likely = append(likely, f)
		}
		if len(names) < 10 {
			names = append(names, shown(f.Name))
		}
	}
	switch {
	case wanted != "":
		return nil, refuse(CodeZip, fmt.Sprintf("the zip archive has no file %s; it has %s", shown(wanted), strings.Join(names, ", ")), "name one of them")
	case len(csv) == 1:
		return csv[0], nil
	case len(csv) == 0 && len(likely) == 1:
		return likely[0], nil
	case len(files) == 1:
		return files[0], nil
	case len(files) == 0:
		return nil, refuse(CodeZip, "the zip archive is empty", "pack the CSV file")
	}
	return nil, refuse(CodeZip, fmt.Sprintf("the zip archive holds %d files: %s", len(files), strings.Join(names, ", ")),
		"pack one CSV file alone, upload them one by one, or name one with the sheet option")
}

// openMember gives the text of one file of an archive.
func openMember(at *sourceAt, f *zip.File) (io.ReadCloser, error) {
	if f.Flags&1 != 0 {
		return nil, refuse(CodeZip, "the zip archive is protected by a password", "pack it without one")
	}
	text, err := f.Open()
	switch {
	case at.err != nil:
		return nil, at.err
	case errors.Is(err, zip.ErrAlgorithm):
		return nil, refuse(CodeZip, fmt.Sprintf("the zip archive is packed by method %d, which is not read", f.Method), "pack it with the usual method, deflate")
	case err != nil:
		return nil, refuse(CodeCorrupt, "the zip archive is damaged", "copy or export it again")
	}
	return &zipMember{text: text, at: at}, nil
}

// zipMember is the text of one file of an archive.
type zipMember struct {
	text io.ReadCloser
	at   *sourceAt
	n    int64 // bytes of text
}

// Read implements io.Reader.
func (m *zipMember) Read(p []byte) (int, error) {
	n, err := m.text.Read(p)
	m.n += int64(n)
	switch {
	case m.n > MaxUnpacked, m.n > FreeRatio && m.n/MaxRatio > m.at.at:
		return 0, tooMuch(PackingZip, m.at.at, m.n)
	case err == nil, err == io.EOF: // a wrapped io.EOF is a failure
		return n, err
	case m.at.err != nil:
		return n, m.at.err
	case errors.Is(err, zip.ErrChecksum):
		return n, refuseAt(m.at.at, CodeCorrupt, fmt.Sprintf("the zip archive is damaged, near byte %d, after %d bytes of text", m.at.at, m.n),
			"copy or export it again")
	}
	return n, packedFault(PackingZip, err, m.at.at, m.n)
}

// Close implements io.Closer. What is wrong with the text was told when it was read.
func (m *zipMember) Close() error {
	_ = m.text.Close()
	return nil
}
