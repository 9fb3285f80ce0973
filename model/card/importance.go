package card

import "github.com/loanscorer/loanscorer/model"

// importances returns each feature's share of the decrease in Gini impurity:
// the mean over the trees of what scikit-learn's feature_importances_ gives
// each. It is nil where the file does not say how many rows reached a node.
func (w *writer) importances() []float64 {
	if w.origin.Source == "onnx" {
		return nil
	}
	spec := w.m.Spec()
	sum, total := make([]float64, len(w.features)), 0.0
	for i := range spec.Trees {
		tree, all := treeImportances(&spec.Trees[i], len(w.features))
		if all <= 0 {
			continue
		}
		for f, v := range tree {
			sum[f] += v / all
		}
		total++
	}
	if total == 0 {
		return nil
	}
	for f := range sum {
		sum[f] /= total
	}
	return sum
}

func treeImportances(t *model.Tree, features int) (of []float64, all float64) {
	of = make([]float64, features)
	for n, left := range t.Left {
		if left < 0 {
			continue
		}
		decrease := t.Samples[n]*gini(t.Value[n]) - t.Samples[left]*gini(t.Value[left]) - t.Samples[t.Right[n]]*gini(t.Value[t.Right[n]])
		of[t.Feature[n]] += decrease
		all += decrease
	}
	return of, all
}

// gini is the probability that two rows of a node differ in class.
func gini(value []float64) float64 {
	sum, squares := 0.0, 0.0
	for _, v := range value {
		sum += v
		squares += v * v
	}
	return 1 - squares/(sum*sum)
}
