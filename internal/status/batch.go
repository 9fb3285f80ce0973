package status

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Source pins the one version of the upload that a batch scores.
type Source struct {
	Bucket       string    `json:"bucket"`
	Key          string    `json:"key"`
	Version      string    `json:"version,omitempty"` // S3 version id where the bucket has versions
	ETag         string    `json:"etag"`              // as S3 gives it, with its quotes
	Size         int64     `json:"size"`              // bytes
	LastModified time.Time `json:"last_modified"`
}

// Batch is the plan at PlanKey, written once. Everything that could change a
// result is pinned here.
type Batch struct {
	V          int             `json:"v"`
	ID         string          `json:"id"`
	Source     Source          `json:"source"`
	Header     json.RawMessage `json:"header,omitempty"` // the columns as ingest read them
	DataStart  int64           `json:"data_start"`       // byte offset of the first record
	Model      ModelRef        `json:"model"`
	Policy     Policy          `json:"policy"`
	Reasons    *ReasonsRef     `json:"reasons,omitempty"`     // nil: rows carry no reasons
	Shadow     *Shadow         `json:"shadow,omitempty"`      // nil: rows have no columns of a shadow model
	ChunkSize  int64           `json:"chunk_size"`            // bytes; 0: one chunk, read as a stream, offsets are those of its text
	Chunks     int             `json:"chunks"`                // 0 when the file was refused
	MaxRejects *int64          `json:"max_rejects,omitempty"` // more rejected rows fail the batch; nil: any number is allowed
	PlannedAt  time.Time       `json:"planned_at"`
	Error      *Problem        `json:"error,omitempty"` // why the file was refused
}

// ScoreBins is the number of equal bins of a score histogram over [0, 1].
const ScoreBins = 20

// Tally counts the rows of a chunk or a batch. Rows = decided + rejected. The
// zero value counts too, but is written with null for empty maps.
type Tally struct {
	Rows      int64            `json:"rows"`
	Decided   map[string]int64 `json:"decided"`          // by decision
	Rejected  map[string]int64 `json:"rejected"`         // by code
	Histogram [ScoreBins]int64 `json:"score_histogram"`  // decided rows by probability
	Imputed   map[string]int64 `json:"imputed,omitzero"` // rows by imputed input
	// Reasons counts the declined and referred rows by the code of their first
	// reason; those without a reason are not counted. Nil while there are none.
	Reasons map[string]int64 `json:"reasons,omitempty"`
	// Features counts the decided rows by the bins of each feature that the
	// model has a reference distribution of.
	Features map[string]Bins `json:"features,omitempty"`
	// Areas counts the decided rows by Property_Area and decision.
	Areas map[string]map[string]int64 `json:"areas,omitempty"`
	// Shadow compares the decided rows with a shadow model; nil without one.
	Shadow *ShadowTally `json:"shadow,omitempty"`
}

// NewTally returns an empty tally.
func NewTally() Tally {
	return Tally{Decided: map[string]int64{}, Rejected: map[string]int64{}, Imputed: map[string]int64{}}
}

// Add adds o to t.
func (t *Tally) Add(o *Tally) {
	t.Rows += o.Rows
	sum(&t.Decided, o.Decided)
	sum(&t.Rejected, o.Rejected)
	sum(&t.Imputed, o.Imputed)
	sum(&t.Reasons, o.Reasons)
	for i, n := range o.Histogram {
		t.Histogram[i] += n
	}
	for feature, bins := range o.Features {
		t.Bins(feature, bins)
	}
	for area, by := range o.Areas {
		for decision, rows := range by {
			t.Area(area, decision, rows)
		}
	}
	if o.Shadow != nil {
		t.WithShadow().Add(o.Shadow)
	}
}

// WithShadow returns t.Shadow, made if it is nil.
func (t *Tally) WithShadow() *ShadowTally {
	if t.Shadow == nil {
		t.Shadow = &ShadowTally{Decisions: map[string]map[string]int64{}}
	}
	return t.Shadow
}

// Bins counts decided rows by the bins of a feature.
func (t *Tally) Bins(feature string, rows Bins) {
	if t.Features == nil {
		t.Features = map[string]Bins{}
	}
	sum := t.Features[feature]
	sum.add(rows)
	t.Features[feature] = sum
}

// Area counts rows of a Property_Area by decision.
func (t *Tally) Area(area, decision string, rows int64) {
	count(&t.Areas, area, decision, rows)
}

// Equal reports whether both count the same.
func (t *Tally) Equal(o *Tally) bool {
	return t.Rows == o.Rows && t.Histogram == o.Histogram && maps.Equal(t.Decided, o.Decided) &&
		maps.Equal(t.Rejected, o.Rejected) && maps.Equal(t.Imputed, o.Imputed) && maps.Equal(t.Reasons, o.Reasons) &&
		t.Shadow.Equal(o.Shadow) && maps.EqualFunc(t.Areas, o.Areas, maps.Equal[map[string]int64, map[string]int64]) &&
		maps.EqualFunc(t.Features, o.Features, func(a, b Bins) bool { return a.Missing == b.Missing && slices.Equal(a.Rows, b.Rows) })
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func sum(to *map[string]int64, from map[string]int64) {
	if *to == nil && len(from) > 0 {
		*to = make(map[string]int64, len(from))
	}
	for k, v := range from {
		(*to)[k] += v
	}
}

// ScoreBin is the bin of a probability in a score histogram.
func ScoreBin(probability float64) int { return min(int(probability*ScoreBins), ScoreBins-1) }

// Score counts one decided row.
func (t *Tally) Score(decision string, probability float64) {
	t.Rows++
	if t.Decided == nil {
		t.Decided = map[string]int64{}
	}
	t.Decided[decision]++
	t.Histogram[ScoreBin(probability)]++
}

// Reason counts rows that were not approved by the code of their first reason.
func (t *Tally) Reason(code string, rows int64) {
	if t.Reasons == nil {
		t.Reasons = map[string]int64{}
	}
	t.Reasons[code] += rows
}

// FirstReasons are the codes of Reasons, of the most rows first, equals by name.
func (t *Tally) FirstReasons() []string {
	return slices.SortedFunc(maps.Keys(t.Reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.Reasons[b], t.Reasons[a]), cmp.Compare(a, b))
	})
}

// DecidedRows is the number of rows with a decision.
func (t *Tally) DecidedRows() int64 { return total(t.Decided) }

// RejectedRows is the number of rows that were not scored.
func (t *Tally) RejectedRows() int64 { return total(t.Rejected) }

func total(m map[string]int64) int64 {
	var n int64
	for v := range maps.Values(m) {
		n += v
	}
	return n
}

// Object names bytes that were written.
type Object struct {
	Key    string `json:"key"`
	SHA256 string `json:"sha256"` // lower-case hex
	Size   int64  `json:"size"`   // bytes
	Rows   int64  `json:"rows"`
}

// PartLookup is what a look-up of one Loan_ID needs to know of a part before it
// reads anything of it.
type PartLookup struct {
	Tail    int64      `json:"tail"`    // where the page indexes begin; the footer follows to the end
	Filters []FilterAt `json:"filters"` // of Loan_ID, one a row group
}

// FilterAt is where the blocks of a bloom filter are in a part, 32 bytes each.
type FilterAt struct {
	Offset int64          `json:"offset"`
	Size   int64          `json:"size"`            // bytes
	Pages  *PageFiltersAt `json:"pages,omitempty"` // of the row group's pages; nil where their bounds do
}

// PageFiltersAt is where the blocks of bloom filters of single pages are: the
// first block of each page, then the second of each, and so on.
type PageFiltersAt struct {
	Offset int64 `json:"offset"`
	Pages  int   `json:"pages"`
	Blocks int   `json:"blocks"` // of each page
}

// RowProblem is one row that was not scored, as the rejects file lists it
// without the row's text.
type RowProblem struct {
	Line   int64  `json:"line"`   // 1-based physical line
	Offset int64  `json:"offset"` // byte offset in the file
	Column string `json:"column,omitempty"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// MaxRowProblems is how many row problems a ledger entry and a summary list.
const MaxRowProblems = 20

// Chunk is the ledger entry at LedgerKey.
type Chunk struct {
	V           int          `json:"v"`
	Batch       string       `json:"batch"`
	N           int          `json:"n"`
	Generation  int          `json:"generation"`   // 0: the start was guessed; 1: it was given
	Start       int64        `json:"start"`        // byte range
	End         int64        `json:"end"`          // exclusive
	FirstRecord int64        `json:"first_record"` // offset of the first record of this chunk
	NextRecord  int64        `json:"next_record"`  // offset where the next chunk's first record begins
	Lines       int64        `json:"lines"`        // physical lines in [first_record, next_record)
	Tally       Tally        `json:"tally"`
	Part        Object       `json:"part"`
	Lookup      *PartLookup  `json:"lookup,omitempty"`   // of the part; nil without a Loan_ID
	Rejects     *Object      `json:"rejects,omitempty"`  // lines in it count from the chunk's start
	LoanIDs     *LoanIDs     `json:"loan_ids,omitempty"` // nil if the file has none
	Problems    []RowProblem `json:"first_errors,omitempty"`
}

// LoanIDs counts the decided rows of a chunk whose Loan_ID an earlier row of it
// has, and keeps a sample of the ids so that those in other chunks can be found.
type LoanIDs struct {
	Duplicates int64  `json:"duplicates"`
	Exact      bool   `json:"exact"`  // else it is estimated
	Sample     []byte `json:"sample"` // as package ingest encodes it
}

// Duplicates counts the decided rows of a batch whose Loan_ID an earlier row
// has. They are decided like any other row.
type Duplicates struct {
	Rows  int64 `json:"rows" doc:"Rows whose Loan_ID an earlier row has"`
	Exact bool  `json:"exact" doc:"False if it is estimated from a sample of the ids, because there are too many of them"`
}

// BatchState is what a poller is told of a batch.
type BatchState string

// The states of a batch. All but the first three are terminal.
const (
	BatchAwaitingUpload       BatchState = "awaiting_upload"
	BatchQueued               BatchState = "queued"
	BatchScoring              BatchState = "scoring"
	BatchSucceeded            BatchState = "succeeded"
	BatchSucceededWithRejects BatchState = "succeeded_with_rejects"
	BatchFailed               BatchState = "failed"
	BatchCancelled            BatchState = "cancelled"
	BatchSuperseded           BatchState = "superseded"
)

// Done reports whether a batch in this state will never change again.
func (s BatchState) Done() bool {
	switch s {
	case BatchAwaitingUpload, BatchQueued, BatchScoring:
		return false
	default:
		return true
	}
}

// CodeTooManyRejects is the code of the error of a batch that failed by its own
// limit. Its summary tells how far it got: the tally and the parts.
const CodeTooManyRejects = "too_many_rejects"

// Summary is the terminal state at SummaryKey, written once: the closed ledger.
type Summary struct {
	V          int             `json:"v"`
	ID         string          `json:"id"`
	State      BatchState      `json:"state"`
	Source     Source          `json:"source"`
	Dialect    json.RawMessage `json:"dialect,omitempty"` // how the file is written, as ingest found it; of a file that was read
	Model      ModelRef        `json:"model"`
	Policy     Policy          `json:"policy"`
	Reasons    *ReasonsRef     `json:"reasons,omitempty"` // as planned
	Shadow     *Shadow         `json:"shadow,omitempty"`  // as planned
	Chunks     int             `json:"chunks"`
	Tally      Tally           `json:"tally"`
	Duplicates *Duplicates     `json:"duplicate_loan_ids,omitempty"` // nil if the file has no Loan_ID
	Stats      *Statistics     `json:"statistics,omitempty"`         // of a batch with results
	Parts      []Object        `json:"parts"`
	Lookup     []*PartLookup   `json:"lookup,omitempty"` // of each part, where the file has a Loan_ID
	Rejects    *Object         `json:"rejects,omitempty"`
	Problems   []RowProblem    `json:"first_errors,omitempty"`
	PlannedAt  time.Time       `json:"planned_at"`
	ClosedAt   time.Time       `json:"closed_at"`
	Error      *Problem        `json:"error,omitempty"`
}

// NewSummary is the terminal state of a batch that ends now without a row:
// cancelled or failed as it is, or to be filled in.
func NewSummary(plan *Batch, state BatchState, now time.Time) *Summary {
	var header struct {
		Dialect json.RawMessage `json:"dialect"`
	}
	_ = json.Unmarshal(plan.Header, &header) // a refused file has none
	return &Summary{
		V: Version, ID: plan.ID, State: state, Source: plan.Source, Dialect: header.Dialect, Model: plan.Model, Policy: plan.Policy,
		Reasons: plan.Reasons, Shadow: plan.Shadow, Chunks: plan.Chunks, Tally: NewTally(), Parts: []Object{},
		PlannedAt: plan.PlannedAt, ClosedAt: now.UTC().Truncate(time.Millisecond),
	}
}
