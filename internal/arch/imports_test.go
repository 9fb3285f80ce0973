package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/loanscorer/loanscorer/"

// allowed maps a package to the project packages that it may import.
// A package not named here may import none.
var allowed = map[string][]string{
	"api":             {"ingest", "events", "model", "internal/cost", "internal/lookup", "internal/status", "internal/store"},
	"scorer":          {"scorer/columnar", "ingest", "events", "model", "model/explain", "internal/status", "internal/store"},
	"ingest":          {"ingest/workbook"},
	"model":           {"model/axis", "model/onnx", "model/sklearn", "model/sums"},
	"model/sklearn":   {"model/pickle", "model/unpack"},
	"model/explain":   {"model", "model/axis", "model/sums"},
	"model/fairness":  {"model", "model/chart", "model/interval"},
	"model/train":     {"model"},
	"model/card":      {"model", "model/chart", "model/evaluate", "model/explain"},
	"model/diff":      {"model", "model/chart", "model/interval"},
	"model/evaluate":  {"model", "model/train", "model/chart", "model/interval"},
	"internal/cost":   {"internal/status"},
	"internal/lookup": {"internal/status", "internal/store"},
	"internal/sim":    {"events", "internal/store"},
	"internal/local":  {"internal/local/s3gw", "internal/local/sqs"},
	// Only tests import these.
	"internal/local/localtest": {"internal/local"},
	"internal/store/storetest": {"internal/store"},
	"model/train/traintest":    {"model", "model/train"},
	"cmd/bootstrap":            {"api", "scorer", "events", "model", "model/explain", "internal/status", "internal/store"},
	"cmd/loanscorer": {
		"api", "scorer", "events", "ingest", "model", "model/sklearn", "model/train", "model/evaluate", "model/explain",
		"model/card", "model/chart", "model/diff", "model/fairness", "model/interval",
		"internal/cost", "internal/local", "internal/lookup", "internal/status", "internal/store",
	},
}

func TestImportDirections(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		from := filepath.ToSlash(rel)
		for _, imp := range f.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(p, module)
			if ours && !slices.Contains(allowed[from], to) {
				t.Errorf("%s imports %s; %s may import %q", path, to, from, allowed[from])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
