package sklearn

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/loanscorer/loanscorer/model/pickle"
)

// MaxBytes is the size of the largest pickle that is read: about 800,000 tree
// nodes of two classes.
const MaxBytes = 64 << 20

// UnsupportedError says that the file is not one plain RandomForestClassifier.
type UnsupportedError struct {
	Found  string // what it is: a class name, or a kind of file
	Advice string // what to do, a sentence without a full stop
}

// Error gives both.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s is not supported: %s", e.Found, e.Advice)
}

const adviseForest = "save a fitted sklearn.ensemble.RandomForestClassifier by itself with pickle.dump"

// Read reads one pickle. Errors wrap [pickle.ErrMalformed] or
// [pickle.ErrLimit], or are an [*UnsupportedError], or come from r.
func Read(r io.Reader) (*Forest, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return Decode(data)
}

// Decode is [Read] for bytes in memory.
func Decode(data []byte) (*Forest, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes; limit max_depth or n_estimators", pickle.ErrLimit, MaxBytes)
	}
	if err := sniff(data); err != nil {
		return nil, err
	}
	root, err := pickle.Decode(data, pickle.Options{Allow: allowed})
	var forbidden *pickle.ForbiddenError
	if errors.As(err, &forbidden) {
		return nil, refuse(forbidden)
	}
	if err != nil {
		return nil, err
	}
	o, ok := root.(*pickle.Object)
	if !ok {
		return nil, &UnsupportedError{"a pickled " + describe(root), adviseForest}
	}
	if !isForest(o.Class) {
		return nil, &UnsupportedError{o.Class.String(), adviseForest}
	}
	c := converter{bytesLeft: len(data)}
	return c.forest(o)
}

// refuse names the class that was saved and the name inside it that is not
// allowed.
func refuse(e *pickle.ForbiddenError) error {
	if e.Global.Module == "joblib.numpy_pickle" {
		return &UnsupportedError{"a joblib file", "save the model with pickle.dump instead of joblib.dump"}
	}
	found := e.First.String()
	if e.First != e.Global {
		found += " that refers to " + e.Global.String()
	}
	return &UnsupportedError{found, "nothing was run; " + adviseForest}
}

// sniff refuses by name the files that people take for a pickle.
func sniff(data []byte) error {
	for _, kind := range []struct{ magic, name, advice string }{
		{"\x1f\x8b", "a gzip file", "unpack it first"},
		{"BZh", "a bzip2 file", "unpack it first"},
		{"\xfd7zXZ\x00", "an xz file", "unpack it first"},
		{"PK\x03\x04", "a zip file", "unpack it first, or save the model with pickle.dump"},
		{"\x89HDF", "an HDF5 file", adviseForest},
		{"\x93NUMPY", "a numpy array file", adviseForest},
		{"{\"", "a JSON file", "a model file needs no import; pass it where a model is wanted"},
		{"{\n", "a JSON file", "a model file needs no import; pass it where a model is wanted"},
		{"x\x01", "a zlib (joblib) file", "save the model with pickle.dump"},
		{"x\x5e", "a zlib (joblib) file", "save the model with pickle.dump"},
		{"x\x9c", "a zlib (joblib) file", "save the model with pickle.dump"},
		{"x\xda", "a zlib (joblib) file", "save the model with pickle.dump"},
	} {
		if bytes.HasPrefix(data, []byte(kind.magic)) {
			return &UnsupportedError{kind.name, kind.advice}
		}
	}
	if len(data) == 0 {
		return &UnsupportedError{"an empty file", adviseForest}
	}
	return nil
}

// describe names a pickled value that is not an object.
func describe(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool, int64, float64, pickle.Unread:
		return "number"
	case string, []byte:
		return "text"
	case *pickle.List:
		return "list or set"
	case pickle.Tuple:
		return "tuple"
	case *pickle.Dict:
		return "dict"
	default:
		return "class or function"
	}
}
