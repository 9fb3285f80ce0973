package sklearn

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/loanscorer/loanscorer/model/pickle"
	"github.com/loanscorer/loanscorer/model/unpack"
)

// MaxBytes is the size of the largest pickle that is read, unpacked: about
// 800,000 tree nodes of two classes.
const MaxBytes = 64 << 20

// UnsupportedError says that the file is not one plain forest.
type UnsupportedError struct {
	Found  string // what it is: a class name, or a kind of file
	Advice string // what to do, a sentence without a full stop
}

// Error gives both.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s is not supported: %s", e.Found, e.Advice)
}

// Read reads one file. Errors wrap [pickle.ErrMalformed], [pickle.ErrLimit],
// [unpack.ErrMalformed] or [unpack.ErrTooLarge], or are an
// [*UnsupportedError], or come from r.
func Read(r io.Reader) (*Forest, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return Decode(data)
}

// Decode is [Read] for bytes in memory.
func Decode(data []byte) (*Forest, error) {
	kind := unpack.Kind(data)
	data, err := unpack.Bytes(data, MaxBytes)
	if err != nil {
		return nil, err
	}
	if inner := unpack.Kind(data); kind != "" && inner != "" {
		return nil, &UnsupportedError{"a " + inner + " file inside a " + kind + " file", "unpack it first"}
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes; limit max_depth or n_estimators", pickle.ErrLimit, MaxBytes)
	}
	if err := sniff(data); err != nil {
		return nil, err
	}
	root, err := pickle.Decode(data, pickle.Options{Allow: allowed, Follow: arrayBehind})
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
	if _, isArray := readArray(o); isArray {
		return nil, &UnsupportedError{"a pickled numpy array", adviseForest}
	}
	c := converter{bytesLeft: len(data)}
	return c.model(o)
}

// refuse names the class that was saved and the name inside it that is not
// allowed.
func refuse(e *pickle.ForbiddenError) error {
	if isOldJoblib(e.Global) {
		return &UnsupportedError{"a file of joblib before 0.10, whose arrays are in other files,", "load it and save it again with pickle.dump"}
	}
	found := e.First.String()
	if e.First != e.Global {
		found += " that refers to " + e.Global.String()
	}
	return &UnsupportedError{found, "nothing was run; " + advise(e.First)}
}

// sniff refuses by name the files that people take for a pickle.
func sniff(data []byte) error {
	for _, kind := range []struct{ magic, name, advice string }{
		{"PK\x03\x04", "a zip file", "unpack it first, or save the model with pickle.dump"},
		{"\x28\xb5\x2f\xfd", "a zstd file", "unpack it first"},
		{"\x04\x22\x4d\x18", "an lz4 file", "unpack it first, or save the model with another compression"},
		{"ZF", "a file of joblib before 0.10", "load it and save it again with pickle.dump"},
		{"\x89HDF", "an HDF5 file", adviseForest},
		{"\x93NUMPY", "a numpy array file", adviseForest},
		{"{\"", "a JSON file", "a model file needs no import; pass it where a model is wanted"},
		{"{\n", "a JSON file", "a model file needs no import; pass it where a model is wanted"},
		{"<?xml", "an XML file", adviseForest},
		{"<PMML", "an XML file", adviseForest},
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
