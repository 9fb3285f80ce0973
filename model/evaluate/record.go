package evaluate

import "encoding/json"

// Library is what a [Record] names as its maker.
const Library = "loanscorer"

// Record is the training record that loanscorer train puts into a model file:
// how the model was made, and how good it was found. It holds aggregates only.
type Record struct {
	Library        string         `json:"library"`
	LibraryVersion string         `json:"library_version"`
	Algorithm      string         `json:"algorithm"`
	Params         map[string]any `json:"params"` // under scikit-learn's names
	Seed           uint32         `json:"seed"`
	Data           string         `json:"data"` // name of the file
	DataSHA256     string         `json:"data_sha256"`
	Rows           int            `json:"rows"`
	RowsSkipped    int            `json:"rows_skipped"`
	Label          RecordLabel    `json:"label"`
	ClassBalance   map[string]int `json:"class_balance"` // rows of each class
	Metrics        RecordMetrics  `json:"metrics"`
}

// RecordLabel is the column with the outcome, and what its values are called.
type RecordLabel struct {
	Column  string            `json:"column"`
	Classes map[string]string `json:"classes"`
}

// RecordMetrics is how good the model was found. The measures with cv are from
// rows that the forests were not fitted on; they are absent without
// cross-validation.
type RecordMetrics struct {
	TrainAccuracy    float64            `json:"train_accuracy"`
	TrainAUC         float64            `json:"train_auc"`
	Folds            int                `json:"cv_folds,omitempty"`
	Split            string             `json:"cv_split,omitempty"` // how, for people
	Accuracy         *Spread            `json:"cv_accuracy,omitempty"`
	AUC              *Spread            `json:"cv_auc,omitempty"`
	LogLoss          *Spread            `json:"cv_log_loss,omitempty"`
	Brier            *Spread            `json:"cv_brier,omitempty"`
	Recall           map[string]float64 `json:"cv_recall,omitempty"`
	Confusion        [][]int            `json:"cv_confusion,omitempty"` // [class][predicted class] rows, in the model's order
	Calibration      []Bin              `json:"cv_calibration,omitempty"`
	CalibrationError float64            `json:"cv_calibration_error,omitempty"`
	Baselines        []Baseline         `json:"baselines"`
}

// Fill sets the measures of a cross-validation. split says how its folds were
// made; classes are the labels.
func (m *RecordMetrics) Fill(cv *CrossValidation, split string, classes []string) {
	m.Folds, m.Split = cv.Folds, split
	m.Accuracy, m.AUC, m.LogLoss, m.Brier = &cv.Accuracy, &cv.AUC, &cv.LogLoss, &cv.Brier
	m.Confusion, m.Recall = cv.Pooled.Confusion, map[string]float64{}
	m.Calibration, m.CalibrationError = cv.Curves.Bins, cv.Curves.CalibrationError
	for i, recall := range cv.Pooled.Recall {
		m.Recall[classes[i]] = recall
	}
}

// ReadRecord reads a model's training record; false when it was not written by
// loanscorer train.
func ReadRecord(training json.RawMessage) (*Record, bool) {
	var r Record
	err := json.Unmarshal(training, &r)
	return &r, err == nil && r.Library == Library
}
