package onnx

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	advise      = "convert one RandomForestClassifier, ExtraTreesClassifier or DecisionTreeClassifier with skl2onnx, or import its pickle"
	maxNodes    = 2 << 20
	maxTrees    = 10_000
	maxClasses  = 1000
	maxFeatures = 1 << 20
)

// graph is what is needed of a ModelProto.
type graph struct {
	producer string
	version  string
	nodes    []*node
	inputs   []string
	constant map[string]bool // names of initializers
	width    int             // columns of the last input, 0 when unknown
}

// Decode reads one ONNX file. Errors wrap [ErrMalformed] or are an
// [*UnsupportedError].
func Decode(data []byte) (*Forest, error) {
	if len(data) > MaxBytes {
		return nil, malformed("more than %d bytes", MaxBytes)
	}
	g, err := readGraph(data)
	if err != nil {
		return nil, err
	}
	f := &Forest{Producer: g.producer + " " + g.version}
	trees, err := g.chain(f)
	if err != nil {
		return nil, err
	}
	return f, f.read(trees, g.width)
}

func readGraph(data []byte) (*graph, error) {
	g := &graph{constant: map[string]bool{}}
	r := &reader{left: maxElements}
	err := each(data, func(num protowire.Number, _ uint64, b []byte) error {
		switch num {
		case 2:
			g.producer = string(b[:min(len(b), 40)])
		case 3:
			g.version = string(b[:min(len(b), 40)])
		case 7:
			return g.read(r, b)
		}
		return r.take(1)
	})
	return g, err
}

func (g *graph) read(r *reader, message []byte) error {
	return each(message, func(num protowire.Number, _ uint64, b []byte) error {
		switch num {
		case 1:
			if len(g.nodes) > 100 {
				return &UnsupportedError{"a graph of more than 100 operators", advise}
			}
			n, err := r.node(b)
			g.nodes = append(g.nodes, n)
			return err
		case 5: // initializer: only its name (8)
			return each(b, func(num protowire.Number, _ uint64, b []byte) error {
				if num == 8 {
					g.constant[string(b)] = true
				}
				return r.take(nameCost)
			})
		case 11:
			return g.input(r, b)
		}
		return r.take(1)
	})
}

// input reads a ValueInfoProto: name, and type.tensor_type.shape.dim.
func (g *graph) input(r *reader, message []byte) error {
	dims := []uint64{}
	within := func(b []byte, want protowire.Number, f func(b []byte) error) error {
		return each(b, func(num protowire.Number, _ uint64, b []byte) error {
			if num == want && b != nil {
				return f(b)
			}
			return r.take(1)
		})
	}
	err := within(message, 1, func(name []byte) error {
		g.inputs = append(g.inputs, string(name))
		return r.take(1)
	})
	if err != nil {
		return err
	}
	err = within(message, 2, func(b []byte) error {
		return within(b, 1, func(b []byte) error {
			return within(b, 2, func(b []byte) error {
				return within(b, 1, func(dim []byte) error {
					size := uint64(0)
					err := each(dim, func(num protowire.Number, v uint64, _ []byte) error {
						if num == 1 {
							size = v
						}
						return nil
					})
					dims = append(dims, size)
					return err
				})
			})
		})
	})
	if len(dims) == 2 && dims[1] <= maxFeatures {
		g.width = int(dims[1])
	}
	return err
}

// chain follows the operators from the one input to the trees, and refuses
// what would change a value on the way.
func (g *graph) chain(f *Forest) (*node, error) {
	inputs := slices.DeleteFunc(slices.Clone(g.inputs), func(name string) bool { return g.constant[name] })
	if len(inputs) != 1 {
		return nil, &UnsupportedError{fmt.Sprintf("a graph with %d inputs", len(inputs)), "convert it with one input of all columns"}
	}
	x := map[string]bool{inputs[0]: true} // names of x on its way
	var trees *node
	for _, n := range g.nodes {
		if len(n.inputs) == 0 || len(n.outputs) == 0 {
			return nil, &UnsupportedError{"an ONNX operator " + short(n.op) + " without input", advise}
		}
		on := x[n.inputs[0]]
		switch {
		case n.op == "TreeEnsembleClassifier" && n.domain == "ai.onnx.ml" && on && trees == nil:
			trees = n
		case n.op == "Imputer" && n.domain == "ai.onnx.ml" && on && trees == nil && f.Filled == nil:
			if err := f.imputer(n); err != nil {
				return nil, err
			}
			x = map[string]bool{n.outputs[0]: true}
		case n.op == "Cast" || n.op == "Identity" || trees != nil && (n.op == "ZipMap" || n.op == "Reshape" || n.op == "ArrayFeatureExtractor"):
			x[n.outputs[0]] = on
		default:
			return nil, &UnsupportedError{"an ONNX file with the operator " + short(n.op), advise}
		}
	}
	if trees == nil {
		return nil, &UnsupportedError{"an ONNX file without a TreeEnsembleClassifier", advise}
	}
	return trees, nil
}

// imputer reads what replaces missing values.
func (f *Forest) imputer(n *node) error {
	replaced, ok := n.attributes["replaced_value_float"]
	if !ok || len(replaced.floats) != 1 || !math.IsNaN(float64(replaced.floats[0])) {
		return &UnsupportedError{"an Imputer of other values than NaN", "mark missing values as NaN before fitting"}
	}
	values, ok := n.attributes["imputed_value_floats"]
	if !ok || len(values.floats) == 0 || len(values.floats) > maxFeatures {
		return &UnsupportedError{"an Imputer without floats", advise}
	}
	for _, v := range values.floats {
		f.Filled = append(f.Filled, float64(v))
	}
	return nil
}

func short(s string) string { return fmt.Sprintf("%.60q", s) }
