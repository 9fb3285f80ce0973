package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/model/onnx"
	"github.com/loanscorer/loanscorer/model/sklearn"
)

// ImportOptions says what a saved model does not. The zero value is fine for two
// classes.
type ImportOptions struct {
	Name    string // default "imported"
	Version string // default: the first 12 hexadecimal digits of the file's SHA-256

	// FeatureNames names the columns of x in order. Default: the names that
	// the forest was fitted with, else x0, x1, ... Blanks around names are left out.
	FeatureNames []string
	// Categories gives, for a feature's name, the categories' names in the
	// order of their codes 0, 1, ...; an empty list makes it a number. Default:
	// Property_Area is Rural, Semiurban, Urban; every other feature is a number.
	Categories map[string][]string
	// Missing gives, for a feature's name, the constant that replaces a missing
	// value. Default: none, so that a missing value is refused.
	Missing map[string]float64
	// Positive is the label of the class that means approval, as Class.String
	// writes it. Default: the second of two classes.
	Positive string
	// Policy holds the cut-offs. Default: DefaultPolicy.
	Policy *Policy
}

// areas are scikit-learn's codes for the published data's areas: its encoders
// number categories alphabetically.
var areas = []string{"Rural", "Semiurban", "Urban"}

// Import turns a saved scikit-learn classifier of trees into a Spec, executing
// nothing: a pickle or joblib file, packed or not, as package sklearn reads it,
// or an ONNX file, as package onnx does. Spec.Notes says what it assumed.
// Errors come from these packages, say which option is wrong, or wrap
// [ErrCorrupt].
func Import(data []byte, o ImportOptions) (*Spec, error) {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	s := &Spec{Name: o.Name, Version: o.Version, ValueUnit: Count, Policy: DefaultPolicy()}
	if s.Name == "" {
		s.Name = "imported"
	}
	if s.Version == "" {
		s.Version = hash[:12]
	}
	if o.Policy != nil {
		s.Policy = *o.Policy
	}
	var err error
	if onnx.Is(data) {
		err = s.importONNX(data, o, hash)
	} else {
		err = s.importPickle(data, o, hash)
	}
	if err != nil {
		return nil, err
	}
	return s, s.validate()
}

func (s *Spec) importPickle(data []byte, o ImportOptions, hash string) error {
	f, err := sklearn.Decode(data)
	if err != nil {
		return err
	}
	if f.Fractions {
		s.ValueUnit = Fraction
	}
	for _, t := range f.Trees {
		s.Trees = append(s.Trees, Tree(t))
	}
	for i := range s.Trees {
		s.Trees[i].clamp()
	}
	if err := s.importFeatures(f.FeatureNames, f.NumFeatures, o); err != nil {
		return err
	}
	if err := s.importClasses(f.Classes, o.Positive); err != nil {
		return err
	}
	switch {
	case f.Imputer != nil:
		s.impute(f.Imputer)
	case s.Trees[0].MissingLeft != nil:
		s.note("a missing value goes where the trees send it, as in scikit-learn; give --missing FEATURE=VALUE to fill it instead")
	}
	s.Training, err = trainingRecord(f, hash)
	return err
}

// clamp replaces scikit-learn's infinite thresholds, which part missing values
// from all others, by the float64 beyond every float32.
func (t *Tree) clamp() {
	for i, v := range t.Threshold {
		if math.IsInf(v, 0) {
			t.Threshold[i] = math.Copysign(math.MaxFloat64, v)
		}
	}
}

func (s *Spec) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// importFeatures names the n columns of x; names is nil when the file has none.
func (s *Spec) importFeatures(names []string, n int, o ImportOptions) error {
	if n > MaxFeatures {
		return corrupt("features", "has %d entries, want 1 to %d", n, MaxFeatures)
	}
	switch {
	case o.FeatureNames != nil && len(o.FeatureNames) != n:
		return fmt.Errorf("%d feature names given, the forest has %d features", len(o.FeatureNames), n)
	case o.FeatureNames != nil:
		if names != nil && !slices.Equal(names, o.FeatureNames) {
			s.note("the given feature names replace the fitted ones (%s)", strings.Join(names, ", "))
		}
		names = o.FeatureNames
	case names == nil:
		for i := range n {
			names = append(names, fmt.Sprintf("x%d", i))
		}
		s.note("the forest was fitted without feature names; they are x0 to x%d, in the order of its columns", n-1)
	}
	names = trimmed(names)
	for _, name := range names {
		s.Features = append(s.Features, s.importFeature(name, o))
	}
	for _, given := range []struct {
		option string
		names  []string
	}{{"categories", keys(o.Categories)}, {"missing values", keys(o.Missing)}} {
		for _, name := range given.names {
			if !slices.Contains(names, name) {
				return fmt.Errorf("%s given for %q, which is not a feature (%s)", given.option, name, strings.Join(names, ", "))
			}
		}
	}
	return nil
}

// trimmed returns the names without blanks around them, as the headers of files
// are read: a column "b" of "a, b" is " b" for pandas.
func trimmed(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.TrimSpace(name)
	}
	return out
}

func (s *Spec) importFeature(name string, o ImportOptions) Feature {
	f := Feature{Name: name, Kind: Number}
	categories, given := o.Categories[name]
	if !given && name == "Property_Area" {
		categories = areas
		s.note("%s is taken as a category with scikit-learn's alphabetical codes: Rural 0, Semiurban 1, Urban 2", name)
	}
	if len(categories) > 0 {
		f.Kind, f.Categories = Category, slices.Clone(categories)
	}
	if v, ok := o.Missing[name]; ok {
		f.Missing = &Missing{Rule: Constant, Value: v, Fitted: "given"}
	}
	return f
}

func (s *Spec) importClasses(classes []any, positive string) error {
	var labels []string
	for _, v := range classes {
		c := classOf(v)
		s.Classes = append(s.Classes, c)
		labels = append(labels, c.String())
	}
	switch i := slices.Index(labels, positive); {
	case positive != "" && i < 0:
		return fmt.Errorf("positive class %q is not one of %s", positive, strings.Join(labels, ", "))
	case positive != "":
		s.Positive = i
	case len(labels) == 2:
		s.Positive = 1
		s.note("class %s is taken as approval, the second of %s", labels[1], strings.Join(labels, ", "))
	default:
		return fmt.Errorf("the forest has %d classes (%s): name the one that means approval", len(labels), strings.Join(labels, ", "))
	}
	return nil
}

// classOf needs a label of a sklearn.Forest or an onnx.Forest.
func classOf(label any) Class {
	switch v := label.(type) {
	case int64:
		return IntClass(v)
	case float64:
		return FloatClass(v)
	case bool:
		return BoolClass(v)
	case string:
		return StringClass(v)
	}
	return Class{}
}

func trainingRecord(f *sklearn.Forest, hash string) (json.RawMessage, error) {
	type imputer struct {
		Strategy   string `json:"strategy"`
		Indicators int    `json:"indicators"` // columns that say what was missing
	}
	var fill *imputer
	if m := f.Imputer; m != nil {
		fill = &imputer{m.Strategy, len(m.Indicators)}
	}
	return marshal(struct {
		Library   string         `json:"library"`
		Version   string         `json:"library_version,omitempty"`
		Algorithm string         `json:"algorithm"`
		Params    map[string]any `json:"params"`
		Imputer   *imputer       `json:"imputer,omitempty"`
		Source    string         `json:"source"`
		SHA256    string         `json:"source_sha256"`
	}{"scikit-learn", f.Version, f.Class, f.Params, fill, "pickle", hash})
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
