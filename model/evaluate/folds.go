package evaluate

import (
	"fmt"
	"slices"

	"github.com/loanscorer/loanscorer/model/train"
)

// Fold is one division of the rows into those to fit on and those to test on.
type Fold struct {
	Repeat      int // 0, 1, ...
	Train, Test []int
}

// KFold divides n rows into k runs of neighbours, as scikit-learn's KFold
// without shuffling: the first n%k have a row more.
func KFold(n, k int) ([]Fold, error) {
	if k < 2 || k > n {
		return nil, fmt.Errorf("%d folds of %d rows: want 2 to %d", k, n, n)
	}
	of := make([]int, n)
	row := 0
	for fold := range k {
		for range n/k + min(1, max(0, n%k-fold)) {
			of[row] = fold
			row++
		}
	}
	return divide(of, k, 0), nil
}

// Stratified divides rows so that each fold has every class's share, as
// scikit-learn's StratifiedKFold without shuffling.
func Stratified(labels []int, k int) ([]Fold, error) {
	return stratified(labels, k, 0, nil)
}

// RepeatedStratified divides the shuffled rows anew repeats times, as
// scikit-learn's RepeatedStratifiedKFold with random_state seed.
func RepeatedStratified(labels []int, k, repeats int, seed uint32) ([]Fold, error) {
	if repeats < 1 {
		return nil, fmt.Errorf("%d repeats: want 1 or more", repeats)
	}
	r := train.NewRandomState(seed)
	var folds []Fold
	for repeat := range repeats {
		more, err := stratified(labels, k, repeat, r)
		if err != nil {
			return nil, err
		}
		folds = append(folds, more...)
	}
	return folds, nil
}

// stratified is _make_test_folds of sklearn/model_selection/_split.py.
func stratified(labels []int, k, repeat int, r *train.RandomState) ([]Fold, error) {
	if k < 2 || k > len(labels) {
		return nil, fmt.Errorf("%d folds of %d rows: want 2 to %d", k, len(labels), len(labels))
	}
	classes := inOrderOfAppearance(labels)
	sorted := make([]int, 0, len(labels)) // classes by number, each as often as it occurs
	for class := range classes {
		for range count(labels, classes[class]) {
			sorted = append(sorted, class)
		}
	}
	of := make([]int, len(labels))
	for class, label := range classes {
		var folds []int // the fold of each row of the class
		for fold := range k {
			for i := fold; i < len(sorted); i += k {
				if sorted[i] == class {
					folds = append(folds, fold)
				}
			}
		}
		if len(folds) < k {
			return nil, fmt.Errorf("a class has %d rows, fewer than %d folds: take fewer folds, or leave its rows out", len(folds), k)
		}
		if r != nil {
			r.Shuffle(len(folds), func(i, j int) { folds[i], folds[j] = folds[j], folds[i] })
		}
		next := 0
		for row, l := range labels {
			if l == label {
				of[row] = folds[next]
				next++
			}
		}
	}
	return divide(of, k, repeat), nil
}

func inOrderOfAppearance(labels []int) []int {
	var classes []int
	for _, l := range labels {
		if !slices.Contains(classes, l) {
			classes = append(classes, l)
		}
	}
	return classes
}

func count(labels []int, label int) int {
	n := 0
	for _, l := range labels {
		if l == label {
			n++
		}
	}
	return n
}

// divide makes k folds of each row's fold.
func divide(of []int, k, repeat int) []Fold {
	folds := make([]Fold, k)
	for i := range folds {
		folds[i].Repeat = repeat
		for row, fold := range of {
			if fold == i {
				folds[i].Test = append(folds[i].Test, row)
			} else {
				folds[i].Train = append(folds[i].Train, row)
			}
		}
	}
	return folds
}
