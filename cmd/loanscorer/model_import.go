package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/train"
)

// importFlags are the flags of model import as they were given.
type importFlags struct {
	output, name, version, positive string
	reference                       string
	features                        []string
	categories, missing             []string
	approveAbove, declineAt         float64
}

func importCommand(s streams) *cobra.Command {
	var o importFlags
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Turn a scikit-learn forest into a model file",
		Long: `Read a saved scikit-learn model as data, executing nothing of it, and write a
model file. FILE is a pickle or joblib file, packed or not, or an ONNX file of a
RandomForestClassifier, ExtraTreesClassifier or DecisionTreeClassifier, alone or
in a Pipeline behind a SimpleImputer. What it does not say is assumed and
printed, or given by flags.`,
		Example: `  loanscorer model import forest.pkl -o forest.json
  loanscorer model import forest.joblib -o forest.json --missing LoanAmount=146.4 --missing Credit_History=1
  loanscorer model import forest.pkl -o forest.json --reference loans.csv
  loanscorer model import forest.pkl -o forest.json --features a,b,c --category c=low,high --positive Y`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			opts, err := o.options(cmd.Flags().Changed)
			if err != nil {
				return err
			}
			return importModel(s, args[0], &o, opts)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "model.json", "model file to write, or - for standard output")
	f.StringVar(&o.name, "name", "", "name of the model")
	f.StringVar(&o.version, "model-version", "", "version of the model")
	f.StringVar(&o.positive, "positive", "", "label of the class that means approval (default: the second of two)")
	f.StringSliceVar(&o.features, "features", nil, "names of the features, in order (default: the pickle's)")
	f.StringArrayVar(&o.categories, "category", nil, "FEATURE=NAME,NAME,...: a category's names in the order of its codes; FEATURE= for a number")
	f.StringArrayVar(&o.missing, "missing", nil, "FEATURE=VALUE: what replaces a missing value")
	f.StringVar(&o.reference, "reference", "", "CSV file of the training rows: their distributions go into the model, for drift")
	f.Float64Var(&o.approveAbove, "approve-above", 0.5, "approve above this probability")
	f.Float64Var(&o.declineAt, "decline-at", 0.5, "decline at or below this probability; between, refer to a person")
	return cmd
}

func (o *importFlags) options(changed func(string) bool) (model.ImportOptions, error) {
	opts := model.ImportOptions{
		Name: o.name, Version: o.version, Positive: o.positive, FeatureNames: o.features,
		Categories: map[string][]string{}, Missing: map[string]float64{},
	}
	for _, c := range o.categories {
		name, list, ok := strings.Cut(c, "=")
		if !ok {
			return opts, usagef("--category %s: must be FEATURE=NAME,NAME,...", c)
		}
		opts.Categories[name] = slices.DeleteFunc(strings.Split(list, ","), func(s string) bool { return s == "" })
	}
	for _, m := range o.missing {
		name, text, ok := strings.Cut(m, "=")
		value, err := strconv.ParseFloat(text, 64)
		if !ok || err != nil {
			return opts, usagef("--missing %s: must be FEATURE=NUMBER", m)
		}
		opts.Missing[name] = value
	}
	if changed("approve-above") || changed("decline-at") {
		if o.declineAt < 0 || o.approveAbove > 1 || !(o.declineAt <= o.approveAbove) {
			return opts, usagef("--decline-at %g --approve-above %g: must satisfy 0 <= decline-at <= approve-above <= 1", o.declineAt, o.approveAbove)
		}
		opts.Policy = &model.Policy{ApproveAbove: o.approveAbove, DeclineAt: o.declineAt}
	}
	return opts, nil
}

func importModel(s streams, path string, o *importFlags, opts model.ImportOptions) error {
	// Little garbage: a stranger's file is read within 256 MiB.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	data, err := readModelFile(path)
	if err != nil {
		return err
	}
	spec, err := model.Import(data, opts)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if o.reference != "" {
		if err := addReference(spec, o.reference); err != nil {
			return err
		}
	}
	text, err := model.Encode(spec)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	notes := spec.Notes // the rest may go
	m, err := model.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, note := range notes {
		_, _ = fmt.Fprintf(s.err, "note: %s\n", note)
	}
	output := o.output
	if output == "-" {
		_, err := s.out.Write(text)
		return err
	}
	p, err := newPending(output)
	if err != nil {
		return err
	}
	if _, err := p.file.Write(text); err != nil {
		_ = p.drop()
		return err
	}
	if err := p.publish(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s  %d trees  sha256 %s\n", output, m.Stats().Trees, m.SHA256())
	return err
}

// addReference puts the distributions of a file's rows into the model, and the
// file's SHA-256 into its training record.
func addReference(spec *model.Spec, path string) (err error) {
	rows, err := openRows(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.close()) }()
	in, err := rows.features(spec.Features)
	if err != nil {
		return err
	}
	d := &train.Data{}
	for _, f := range spec.Features {
		d.Columns = append(d.Columns, train.Column{Name: f.Name, Categories: f.Categories})
	}
	for ok, rowErr := rows.next(); ok; ok, rowErr = rows.next() {
		var x []float64
		if rowErr == nil {
			x, rowErr = in.row()
		}
		if rowErr != nil {
			return fmt.Errorf("%s: %w", path, rowErr)
		}
		for i, v := range x {
			d.Columns[i].Values = append(d.Columns[i].Values, v)
		}
	}
	if err := rows.err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	spec.Reference = train.Reference(d)
	sum, err := rows.sha256()
	if err != nil {
		return err
	}
	var record map[string]any
	if err := json.Unmarshal(spec.Training, &record); err != nil {
		return err
	}
	record["reference_data"], record["reference_sha256"] = filepath.Base(path), sum
	spec.Training, err = json.Marshal(record)
	return err
}

// maxModelFile is the size of the largest saved model that is read, in bytes.
const maxModelFile = 64 << 20

// readModelFile takes one buffer of the file's size: a hostile file must not
// take more memory than it has bytes.
func readModelFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s: is a directory", path)
	}
	var b bytes.Buffer
	b.Grow(int(min(max(info.Size(), 0), maxModelFile)) + bytes.MinRead)
	n, err := b.ReadFrom(io.LimitReader(f, maxModelFile+1))
	if err != nil {
		return nil, err
	}
	if n > maxModelFile {
		return nil, fmt.Errorf("%s: larger than %d MiB; limit max_depth or n_estimators", path, maxModelFile>>20)
	}
	return b.Bytes(), nil
}
