package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

// Bounds of one validation: what is sent, what it may unpack to, and the
// Loan_IDs that are counted exactly.
const (
	maxValidate     = 8 << 20
	maxValidateText = 64 << 20
	maxValidateIDs  = 1 << 16
)

// Validation is what was found out about a CSV file, or the start of one,
// without storing or scoring it.
type Validation struct {
	OK             bool                `json:"ok" doc:"The file would be scored; single rows may still be rejected"`
	Refused        *ingest.FileError   `json:"refused" doc:"Why the file would be refused as a whole; null if it would not"`
	Dialect        *ingest.Dialect     `json:"dialect" doc:"How the file is written; null if it is refused before that is known"`
	Columns        []ingest.HeadColumn `json:"columns" nullable:"false" doc:"The columns of the file, and what they are known as; columns that are not known are carried along as text"`
	Rows           int64               `json:"rows" doc:"Rows that were looked at"`
	Rejected       int64               `json:"rejected" doc:"Rows of these that would be rejected"`
	RejectedByCode map[string]int64    `json:"rejected_by_code" nullable:"false"`
	Problems       []RowError          `json:"problems" nullable:"false" doc:"The first 20 of them"`
	Duplicates     status.Duplicates   `json:"duplicate_loan_ids"`
	Complete       bool                `json:"complete" doc:"The whole file was looked at, not only its start"`
	Bytes          int64               `json:"bytes" doc:"Bytes of text that were looked at"`
	RowsEstimate   int64               `json:"rows_estimate" doc:"Rows of the whole file: counted if complete, else estimated; 0 if not known"`
	Seconds        float64             `json:"seconds_estimate" doc:"Time to score them with one worker, at 1,800,000 rows a second: what one core was measured to do with the built-in model"`
}

// validateInput are the parameters of POST /v1/batches:validate; the body is
// read raw.
type validateInput struct {
	Size      int64  `query:"size" minimum:"0" doc:"Bytes of the whole file, when only its start is sent"`
	Delimiter string `query:"delimiter" doc:"comma, semicolon, tab, bar or a character; found out if it is not given"`
	Decimal   string `query:"decimal" doc:"point or comma"`
	Encoding  string `query:"encoding" doc:"utf-8, utf-16le, utf-16be or windows-1252"`
	Sheet     string `query:"sheet" doc:"The sheet of a workbook, or the file in a zip archive"`
}

// validateBatch answers POST /v1/batches:validate.
func (s *service) validateBatch(ctx context.Context, in *validateInput) (*reply, error) {
	given := ingest.Given{Delimiter: in.Delimiter, Decimal: in.Decimal, Encoding: in.Encoding, Sheet: in.Sheet}
	if err := given.Check(); err != nil {
		return nil, newProblem(CodeInvalid, err.Error()).because(err)
	}
	body, err := io.ReadAll(io.LimitReader(requestOf(ctx).body, maxValidate+1))
	switch {
	case err != nil:
		return nil, bodyProblem(err)
	case len(body) > maxValidate:
		return nil, newProblem(CodeTooLarge, "The body is at most 8 MiB. Send the start of the file, and its size in bytes as ?size=.")
	}
	size := int64(len(body))
	report, err := ingest.Check(ctx, ingest.FileSource(bytes.NewReader(body), size), ingest.CheckOptions{
		Given: given, MaxText: maxValidateText, Partial: in.Size > size, Size: in.Size, IDs: maxValidateIDs,
	})
	if err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	return newReply(http.StatusOK, validationOf(report))
}

func validationOf(r *ingest.Report) *Validation {
	v := &Validation{
		OK: r.OK, Refused: r.Refused, Dialect: r.Dialect, Columns: r.Columns, Rows: r.Rows, Rejected: r.Rejected,
		RejectedByCode: r.RejectedCodes, Problems: []RowError{}, Duplicates: status.Duplicates(r.Duplicates), Complete: r.Complete,
		Bytes: r.Bytes, RowsEstimate: r.RowsEstimate, Seconds: r.Seconds,
	}
	for _, p := range r.Problems {
		v.Problems = append(v.Problems, RowError{Line: &p.Line, Offset: p.Offset, Column: p.Column, Code: p.Code, Reason: p.Reason})
	}
	return v
}

func (s *service) validateDoc() *document {
	file := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary", Description: "A CSV file, packed or not"}}
	return &document{
		op: huma.Operation{
			OperationID: "validate-batch", Summary: "Look at a CSV file without scoring it", Tags: []string{"batches"},
			Description: "Tells how the file is written, which columns it has, which rows would be rejected and why. " +
				"Nothing is stored. The body is the file, or its first bytes up to 8 MiB; of a packed file at most 64 MiB of text are looked at. " +
				"A zip archive or a workbook must be sent whole.",
			Responses: map[string]*huma.Response{"200": s.jsonResponse("What was found, also when the file would be refused", Validation{}, nil)},
			Errors:    []int{400, 408, 413, 422, 500},
		},
		body: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"text/csv": file, "application/octet-stream": file}},
	}
}
