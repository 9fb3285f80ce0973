package explain

// Path is the way of one row through one tree.
type Path struct {
	Steps       []Step  `json:"steps"`
	Probability float64 `json:"probability"` // of the leaf
}

// Step is one comparison that decided where to go.
type Step struct {
	Feature   string   `json:"feature"`
	Relation  Relation `json:"relation"` // [AtMost] went left, [MoreThan] right; a missing value as the tree routes it
	Threshold float64  `json:"threshold"`
}

// Paths returns the way of x through every tree, in file order. The errors are
// those of Explain.
func (e *Explainer) Paths(x []float64) ([]Path, error) {
	seen, err := e.model.Rounded(nil, x)
	if err != nil {
		return nil, err
	}
	paths := make([]Path, len(e.trees))
	for i := range e.trees {
		t, at := &e.trees[i], int32(0)
		paths[i].Steps = []Step{}
		for t.Left[at] != leaf {
			s := Step{Feature: e.features[t.Feature[at]].Name, Relation: MoreThan, Threshold: t.Threshold[at]}
			if t.goesLeft(at, seen) {
				s.Relation, at = AtMost, t.Left[at]
			} else {
				at = t.Right[at]
			}
			paths[i].Steps = append(paths[i].Steps, s)
		}
		paths[i].Probability = t.value[at]
	}
	return paths, nil
}
