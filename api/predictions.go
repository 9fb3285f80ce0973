package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
)

// The article's answers, byte for byte, the space at the end of the key included.
const (
	articleApproved = `{"O Estado do Empéstimo é ":"Aprovado!"}`
	articleDeclined = `{"O Estado do Empéstimo é ":"Não aprovado!"}`
)

// Prediction is the answer of the article's service, for the OpenAPI document.
type Prediction struct {
	State string `json:"O Estado do Empéstimo é " enum:"Aprovado!,Não aprovado!"`
}

// PredictionInput is the body of the article's service, for the OpenAPI document.
type PredictionInput struct {
	TotalIncome   int64 `json:"TotalIncome" minimum:"0" maximum:"9007199254740992" doc:"Applicant's and coapplicant's monthly income" example:"5849"`
	LoanAmount    int64 `json:"LoanAmount" minimum:"1" maximum:"9007199254740992" doc:"In thousands" example:"128"`
	CreditHistory int64 `json:"Credit_History" enum:"0,1" doc:"1: debts were repaid" example:"1"`
	PropertyArea  int64 `json:"Property_Area" enum:"0,1,2" doc:"0 Rural, 1 Semiurban, 2 Urban" example:"2"`
}

// maxInteger is the largest integer up to which float64 holds every one.
const maxInteger = 1 << 53

// articleFields are the fields of the article's body with what it trained on.
func articleFields() [4]articleField {
	return [4]articleField{
		{"TotalIncome", 0, maxInteger, "must be 0 or greater, and at most 2^53"},
		{"LoanAmount", 1, maxInteger, "must be greater than 0, and at most 2^53"},
		{"Credit_History", 0, 1, "must be 0 or 1"},
		{"Property_Area", 0, 2, "must be 0 (Rural), 1 (Semiurban) or 2 (Urban)"},
	}
}

type articleField struct {
	name     string
	min, max int64
	rule     string
}

const areaField = 3

// article turns the article's four integers into the model's input.
type article struct {
	model  *model.Model
	places [4]int     // of each field in the model's input
	areas  [3]float64 // the model's code of the article's Property_Area 0, 1, 2
	reason string     // why this model cannot answer; "" when it can
}

func newArticle(m *model.Model) *article {
	a := &article{model: m, areas: [3]float64{0, 1, 2}}
	features := m.Features()
	if len(features) != len(a.places) {
		a.reason = fmt.Sprintf("it has %d", len(features))
		return a
	}
	for i, field := range articleFields() {
		place := slices.IndexFunc(features, func(f model.Feature) bool { return f.Name == field.name })
		if place < 0 {
			a.reason = "it has no " + field.name
			return a
		}
		a.places[i] = place
		if features[place].Kind != model.Category {
			continue
		}
		if i != areaField {
			a.reason = "its " + field.name + " is a category"
			return a
		}
		for code, name := range []string{"Rural", "Semiurban", "Urban"} {
			at, ok := features[place].Code(name)
			if !ok {
				a.reason = "its Property_Area knows no " + name
				return a
			}
			a.areas[code] = at
		}
	}
	return a
}

// predict answers POST /predictions.
func (s *service) predict(ctx context.Context, _ *struct{}) (*reply, error) {
	if s.article.reason != "" {
		return nil, newProblem(CodeOtherFeatures,
			"This endpoint needs a model with exactly the features TotalIncome, LoanAmount, Credit_History and Property_Area; "+s.article.reason+". Use POST /v1/applications.")
	}
	req := requestOf(ctx)
	if req.mediaType() != jsonType {
		return nil, newProblem(CodeMediaType, "Send application/json.")
	}
	body, err := req.readBody(func([]byte) int64 { return ingest.MaxJSON })
	if err != nil {
		return nil, err
	}
	values, err := decodeArticle(body)
	if err != nil {
		return nil, err
	}
	approved, err := s.article.approves(values)
	if err != nil {
		return nil, err
	}
	answer := articleDeclined
	if approved {
		answer = articleApproved
	}
	return &reply{Status: http.StatusOK, ContentType: jsonType, Body: []byte(answer)}, nil
}

// approves tells whether the positive class is the most probable one, which is
// the article's rule (its classes are 0 and 1) for labels of any kind.
func (a *article) approves(values [4]int64) (bool, error) {
	x := make([]float64, len(values))
	for i, v := range values {
		x[a.places[i]] = float64(v)
	}
	x[a.places[areaField]] = a.areas[values[areaField]]
	proba := make([]float64, len(a.model.Classes()))
	if err := a.model.PredictProba(x, proba); err != nil {
		return false, fmt.Errorf("predict: %w", err)
	}
	return a.model.Predict(proba) == a.model.Positive(), nil
}

// decodeArticle reads the article's body strictly: the four integers and
// nothing else. The error is a problem that lists all that is wrong.
func decodeArticle(body []byte) ([4]int64, error) {
	var values [4]int64
	members, err := objectMembers(body)
	if err != nil {
		return values, err
	}
	p := newProblem(CodeInvalid, "")
	fault := func(name, code, detail string) {
		p.Errors = append(p.Errors, FieldProblem{Pointer: "/" + name, Code: code, Detail: detail})
	}
	for i, field := range articleFields() {
		raw, ok := members[field.name]
		delete(members, field.name)
		if !ok {
			fault(field.name, ingest.CodeMissingValue, "is required")
			continue
		}
		v, code := parseInteger(raw)
		switch {
		case code == ingest.CodeWrongType:
			fault(field.name, code, "must be an integer, without quotes, decimal point or exponent")
		case code != "" || v < field.min || v > field.max:
			fault(field.name, ingest.CodeOutOfRange, field.rule)
		}
		values[i] = v
	}
	if len(members) > 0 {
		p.Errors = append(p.Errors, FieldProblem{
			Code: ingest.CodeUnknownField, Detail: "only TotalIncome, LoanAmount, Credit_History and Property_Area are fields here",
		})
	}
	if len(p.Errors) > 0 {
		return values, p
	}
	return values, nil
}

// parseInteger reads a JSON integer; the code tells what is wrong.
func parseInteger(raw []byte) (int64, string) {
	for i, c := range raw {
		if (c < '0' || c > '9') && (c != '-' || i > 0) {
			return 0, ingest.CodeWrongType
		}
	}
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0, ingest.CodeOutOfRange
	}
	return v, ""
}

// objectMembers reads one JSON object without nested depth of interest. The
// error is a problem.
func objectMembers(body []byte) (map[string]json.RawMessage, error) {
	bad := func(detail string) (map[string]json.RawMessage, error) {
		return nil, newProblem(CodeMalformed, detail)
	}
	if !utf8.Valid(body) {
		return bad("The body is not UTF-8.")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return bad("The body must be a JSON object.")
	}
	members := map[string]json.RawMessage{}
	for dec.More() {
		token, err := dec.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return bad("The body is not JSON.")
		}
		if _, twice := members[name]; twice {
			return bad("A name is given twice.")
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return bad("The body is not JSON.")
		}
		members[name] = raw
	}
	if _, err := dec.Token(); err != nil {
		return bad("The object does not end.")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return bad("There is something after the object.")
	}
	return members, nil
}
