package cost

import (
	"errors"
	"fmt"
	"math"
)

// Assumptions are what an estimate rests on beside the prices. Sizes are in
// bytes, times in milliseconds unless they say otherwise.
type Assumptions struct {
	Polls           float64 `json:"polls"`                     // how often a caller asks for each decision
	Burst           float64 `json:"burst"`                     // the busiest hour, in averages; sizes servers
	APIMillis       float64 `json:"api_ms"`                    // of the function, a request
	WorkerMillis    float64 `json:"worker_ms"`                 // of the function, a batch of one
	ClaimMillis     float64 `json:"claim_ms"`                  // added by each further application; 16 are written at a time
	WindowSeconds   float64 `json:"window_seconds"`            // how long the worker gathers
	APIGB           float64 `json:"api_gb"`                    // memory of the api and worker functions
	BulkGB          float64 `json:"bulk_gb"`                   // memory of the bulk function
	RowBytes        float64 `json:"row_bytes"`                 // of a row of CSV
	RowsPerFile     float64 `json:"rows_per_file"`             //
	ChunkBytes      float64 `json:"chunk_bytes"`               //
	RowsPerSecond   float64 `json:"rows_per_second"`           // one processor
	ResultRowBytes  float64 `json:"result_row_bytes"`          // of a row in Parquet
	DocumentBytes   float64 `json:"document_bytes"`            // kept of a single application, its share of Parquet included
	KeepMonths      float64 `json:"keep_months"`               // of decisions and results
	UploadMonths    float64 `json:"upload_months"`             // of uploads
	LogBytes        float64 `json:"log_bytes"`                 // of a request or a run
	PerVCPU         float64 `json:"applications_per_vcpu"`     // a second, of a server
	AlarmMetrics    float64 `json:"alarm_metrics"`             // in template.yaml
	SyncMillis      float64 `json:"synchronous_ms"`            // of the article's function, which loads Python and scikit-learn
	SyncGB          float64 `json:"synchronous_gb"`            // memory of it
	MaintenanceSecs float64 `json:"maintenance_seconds_a_run"` // every 5 minutes
}

// DefaultAssumptions are measured where docs/performance.md has a figure, and
// guesses on the high side otherwise.
func DefaultAssumptions() Assumptions {
	return Assumptions{
		Polls: 2, Burst: 10, APIMillis: 20, WorkerMillis: 100, ClaimMillis: 2, WindowSeconds: 1, APIGB: 0.5, BulkGB: 1769.0 / 1024,
		RowBytes: 62, RowsPerFile: 1e6, ChunkBytes: 16 << 20, RowsPerSecond: 1_800_000, ResultRowBytes: 13.5,
		DocumentBytes: 1500, KeepMonths: 25, UploadMonths: 3, LogBytes: 700, PerVCPU: 100, AlarmMetrics: 20,
		SyncMillis: 60, SyncGB: 1, MaintenanceSecs: 1,
	}
}

// check names an assumption that cannot be.
func (a *Assumptions) check() error {
	for name, v := range map[string]float64{
		"polls": a.Polls, "burst": a.Burst, "rows-per-file": a.RowsPerFile, "row-bytes": a.RowBytes,
		"rows-per-second": a.RowsPerSecond, "applications-per-vcpu": a.PerVCPU, "chunk-bytes": a.ChunkBytes,
		"keep-months": a.KeepMonths,
	} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 || v == 0 && name != "polls" && name != "keep-months" {
			return fmt.Errorf("%s %v: must be positive", name, v)
		}
	}
	if a.Burst < 1 {
		return errors.New("burst: must be 1 or more")
	}
	return nil
}
