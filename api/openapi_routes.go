package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

const exampleID = "01JZX6V0M4T8Y2K5C9R3B7N1QWZ4H8F2D6S0G5M1KT"

func (s *service) submitDoc() *document {
	accepted := map[string]any{
		"id": exampleID, "state": "queued", "done": false,
		"status_url": applicationURL(exampleID), "submitted_at": "2026-01-02T03:04:05.678Z",
	}
	single := s.jsonResponse("Accepted. One object answers one object; an array or NDJSON is answered by an entry for each, "+
		"accepted or with its own problem. With Prefer: wait the outcome is there if it came in time.",
		Accepted{}, accepted, "Location", "Retry-After", "Cache-Control", "Preference-Applied")
	single.Content[jsonType].Schema = &huma.Schema{OneOf: []*huma.Schema{s.schemaOf(Accepted{}), s.schemaOf(Submissions{})}}
	ref := s.applicationSchema()
	return &document{
		op: huma.Operation{
			OperationID: "submit-applications", Summary: "Submit one application, or up to 1,000", Tags: []string{"applications"},
			Description: "Takes applications in and answers at once; they are scored shortly after. " +
				"JSON is read strictly: unknown fields, duplicate names and wrong types are refused. An application is at most 64 KiB.",
			DefaultStatus: http.StatusAccepted,
			Responses:     map[string]*huma.Response{"202": single},
			Errors:        []int{400, 408, 413, 415, 422, 500, 503},
		},
		body: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			jsonType: {
				Schema: &huma.Schema{OneOf: []*huma.Schema{
					ref, {Type: huma.TypeArray, Items: ref, MinItems: new(1), MaxItems: new(maxApplications)},
				}},
				Example: exampleApplication(),
			},
			ndjsonType: {
				Schema:  &huma.Schema{Type: huma.TypeString, Description: "One application as a JSON object on each line, at most 1,000"},
				Example: `{"TotalIncome":5849,"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}` + "\n",
			},
		}},
	}
}

func exampleApplication() map[string]any {
	return map[string]any{
		"Loan_ID": "LP001002", "ApplicantIncome": 4583, "CoapplicantIncome": 1508, "LoanAmount": 128,
		"Loan_Amount_Term": 360, "Credit_History": 1, "Property_Area": "Rural",
	}
}

// applicationSchema describes what package ingest reads.
func (s *service) applicationSchema() *huma.Schema {
	text := map[ingest.Column]string{
		ingest.LoanID:            "Your own key; it comes back with the decision. At most 64 bytes",
		ingest.Gender:            "Carried along, never used",
		ingest.Married:           "Carried along, never used",
		ingest.Dependents:        "Carried along, never used; \"3+\" or an integer",
		ingest.Education:         "Carried along, never used",
		ingest.SelfEmployed:      "Carried along, never used",
		ingest.ApplicantIncome:   "Monthly. Required together with CoapplicantIncome, unless TotalIncome is given",
		ingest.CoapplicantIncome: "Monthly; 0 when there is none",
		ingest.LoanAmount:        "In thousands; left out or null when it is not known",
		ingest.LoanAmountTerm:    "In months",
		ingest.CreditHistory:     "1: debts were repaid, 0: they were not; left out or null when it is not known",
		ingest.PropertyArea:      "Rural, Semiurban or Urban, in any case",
		ingest.LoanStatus:        "A known outcome; carried along, never used",
		ingest.TotalIncome:       "Monthly, instead of the two incomes, or their sum",
	}
	schema := &huma.Schema{
		Type: huma.TypeObject, Description: "One loan application, by the published column names.",
		Properties: map[string]*huma.Schema{}, Required: []string{ingest.PropertyArea.String()},
		AdditionalProperties: false, Examples: []any{exampleApplication()},
	}
	for c := range ingest.NumColumns {
		p := &huma.Schema{Type: huma.TypeString, Nullable: true, Description: text[c]}
		if c.Numeric() {
			p.Type = huma.TypeNumber
		}
		schema.Properties[c.String()] = p
	}
	constrain(schema.Properties)
	registry := s.huma.OpenAPI().Components.Schemas
	registry.Map()["Application"] = schema
	return &huma.Schema{Ref: schemaPrefix + "Application"}
}

// constrain adds the ranges that ingest checks.
func constrain(p map[string]*huma.Schema) {
	for _, c := range []ingest.Column{ingest.ApplicantIncome, ingest.CoapplicantIncome, ingest.TotalIncome} {
		p[c.String()].Minimum = new(0.0)
	}
	for _, c := range []ingest.Column{ingest.LoanAmount, ingest.LoanAmountTerm} {
		p[c.String()].ExclusiveMinimum = new(0.0)
	}
	for _, c := range []ingest.Column{
		ingest.Gender, ingest.Married, ingest.Education, ingest.SelfEmployed, ingest.LoanStatus,
	} {
		p[c.String()].MaxLength = new(ingest.MaxText)
	}
	p[ingest.LoanID.String()].MaxLength = new(ingest.MaxLoanID)
	p[ingest.CreditHistory.String()].Enum = []any{0, 1, nil}
	p[ingest.PropertyArea.String()].Nullable = false
	dependents := p[ingest.Dependents.String()]
	p[ingest.Dependents.String()] = &huma.Schema{
		Description: dependents.Description,
		AnyOf:       []*huma.Schema{{Type: huma.TypeString, MaxLength: new(ingest.MaxText)}, {Type: huma.TypeInteger, Minimum: new(0.0)}, {Type: "null"}},
	}
}

func (s *service) applicationDoc() *document {
	example := map[string]any{
		"id": exampleID, "state": "decided", "done": true, "submitted_at": "2026-01-02T03:04:05.678Z",
		"decided_at": "2026-01-02T03:04:05.791Z", "loan_id": "LP001002", "decision": "declined", "probability": 0.31,
		"policy": map[string]any{"approve_above": 0.5, "decline_at": 0.5}, "imputed": []any{"LoanAmount"},
		"reasons":  exampleReasons(),
		"model":    map[string]any{"name": "loan-approval-forest", "version": "1", "sha256": "3c1f…"},
		"attempts": 1, "error": nil,
	}
	return &document{op: huma.Operation{
		OperationID: "get-application", Summary: "Ask for the decision on one application", Tags: []string{"applications"},
		Description: "An id that was just handed out is known at once. Ask again after Retry-After seconds, until done is true.",
		Responses: map[string]*huma.Response{
			"200": s.jsonResponse("The application's state; a failure is the error inside", ApplicationStatus{}, example,
				"ETag", "Retry-After", "Cache-Control", "Preference-Applied"),
			"304": {Description: "Unchanged since If-None-Match", Headers: headers("ETag", "Retry-After")},
		},
		Errors: []int{404, 410, 500, 503},
	}}
}

func exampleReasons() []status.Reason {
	return []status.Reason{
		{
			Code: "CREDIT_HISTORY", Feature: "Credit_History", Contribution: -0.31,
			Text: "Credit history does not meet the guidelines", TextPT: "Histórico de crédito não atende às diretrizes",
		},
		{
			Code: "LOAN_AMOUNT_MISSING", Feature: "LoanAmount", Contribution: -0.06,
			Text: "No loan amount was given", TextPT: "Valor do empréstimo não informado",
		},
	}
}

func (s *service) applicationHeadDoc() *document {
	return &document{op: huma.Operation{
		OperationID: "head-application", Summary: "The headers of the same answer", Tags: []string{"applications"},
		Responses: map[string]*huma.Response{
			"200": {Description: "As GET, without the body", Headers: headers("ETag", "Retry-After", "Cache-Control")},
			"304": {Description: "Unchanged since If-None-Match", Headers: headers("ETag", "Retry-After")},
			"404": {Description: "No application of yours has this id"},
		},
	}}
}

func (s *service) batchesDoc() *document {
	return &document{op: huma.Operation{
		OperationID: "list-batches", Summary: "List uploaded files, newest first", Tags: []string{"batches"},
		Description: "A file appears once it is planned. With source the list has at most one entry.",
		Responses: map[string]*huma.Response{
			"200": s.jsonResponse("The newest batches", Batches{}, nil, "Cache-Control"),
		},
		Errors: []int{422, 500, 503},
	}}
}

func (s *service) batchDoc() *document {
	return &document{op: huma.Operation{
		OperationID: "get-batch", Summary: "Ask for the progress of one uploaded file", Tags: []string{"batches"},
		Responses: map[string]*huma.Response{
			"200": s.jsonResponse("The batch's state", BatchStatus{}, nil, "ETag", "Retry-After", "Cache-Control"),
			"304": {Description: "Unchanged since If-None-Match", Headers: headers("ETag", "Retry-After")},
		},
		Errors: []int{404, 500, 503},
	}}
}

func (s *service) modelDoc() *document {
	return &document{op: huma.Operation{
		OperationID: "get-model", Summary: "The model in use", Tags: []string{"service"},
		Responses: map[string]*huma.Response{
			"200": s.jsonResponse("Its identity, inputs, classes, cut-offs and how it was made", ModelCard{}, nil, "ETag"),
			"304": {Description: "Unchanged since If-None-Match", Headers: headers("ETag")},
		},
		Errors: []int{500},
	}}
}

func (s *service) predictDoc() *document {
	return &document{
		op: huma.Operation{
			OperationID: "predict", Summary: "Score four integers at once", Tags: []string{"article"},
			Description: "Answers as the article's service does, byte for byte, but refuses values that it silently bent: " +
				"anything but integers, a credit history that is not 0 or 1, an area that is not 0, 1 or 2.",
			Responses: map[string]*huma.Response{
				"200": s.jsonResponse("Approved or not", Prediction{}, map[string]any{"O Estado do Empéstimo é ": "Aprovado!"}),
			},
			Errors: []int{400, 408, 413, 415, 422, 500, 501},
		},
		body: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{jsonType: {
			Schema:  s.schemaOf(PredictionInput{}),
			Example: map[string]any{"TotalIncome": 5849, "LoanAmount": 128, "Credit_History": 1, "Property_Area": 2},
		}}},
	}
}

func (s *service) healthDoc() *document {
	return &document{op: huma.Operation{
		OperationID: "health", Summary: "Is the process alive", Tags: []string{"service"},
		Responses: map[string]*huma.Response{"200": s.jsonResponse("It is", Health{}, nil)},
		Errors:    []int{500},
	}}
}

func (s *service) readyDoc() *document {
	return &document{op: huma.Operation{
		OperationID: "ready", Summary: "Can the store, the queue and the model be reached", Tags: []string{"service"},
		Responses: map[string]*huma.Response{"200": s.jsonResponse("They can", Health{}, nil)},
		Errors:    []int{500, 503},
	}}
}
