package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
)

const (
	schemaPrefix = "#/components/schemas/"
	yamlType     = "application/yaml"
	htmlType     = "text/html; charset=utf-8"
)

// config sets huma up: OpenAPI 3.1, our problems instead of its own, and none
// of its own pages, which load scripts from elsewhere.
func (s *service) config() huma.Config {
	registry := huma.NewMapRegistry(schemaPrefix, schemaName)
	registry.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	format := huma.Format{Marshal: writeJSON}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "loanscorer", Version: s.o.Version,
				Description: "Submit loan applications, and ask what became of them and of uploaded CSV files. " +
					"Applications are taken in at once and scored shortly after: keep the id and ask again, " +
					"or wait a few seconds with the Prefer header. Errors are RFC 9457 problems.",
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			ExternalDocs: &huma.ExternalDocs{Description: "States, headers and problems explained", URL: DocsURL},
			Tags: []*huma.Tag{
				{Name: "applications", Description: "One application, or up to 1,000, at a time."},
				{Name: "batches", Description: "CSV files that were uploaded to the bucket."},
				{Name: "article", Description: "The endpoint of the article that this project grew out of."},
				{Name: "service", Description: "The service itself."},
			},
			Components: &huma.Components{Schemas: registry},
		},
		Formats:       map[string]huma.Format{jsonType: format, "json": format}, // "json" is the end of problem+json
		DefaultFormat: jsonType,
		Transformers:  []huma.Transformer{ownProblem},
	}
}

// writeJSON is how huma writes the problems that handlers return.
func writeJSON(w io.Writer, value any) error {
	body, err := encode(value)
	if err != nil {
		return err
	}
	_, _ = w.Write(body) // a client that is gone is nobody's error
	return nil
}

func schemaName(t reflect.Type, hint string) string {
	if t == reflect.TypeFor[status.Problem]() || t == reflect.TypeFor[*status.Problem]() {
		return "StatusError"
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// ownProblem replaces huma's own errors: they are about parameters.
func ownProblem(ctx huma.Context, _ string, value any) (any, error) {
	theirs, ok := value.(*huma.ErrorModel)
	if !ok {
		return value, nil
	}
	code := CodeInvalid
	if theirs.Status >= http.StatusInternalServerError {
		code = CodeInternal
	}
	p := newProblem(code, "")
	p.Status = theirs.Status // it is sent already
	for _, e := range theirs.Errors {
		_, name, _ := strings.Cut(e.Location, ".") // query.limit
		fault := FieldProblem{Parameter: name, Code: ingest.CodeOutOfRange, Detail: e.Message}
		if _, unread := e.Value.(string); unread {
			fault.Code = ingest.CodeWrongType
		}
		p.Errors = append(p.Errors, fault)
	}
	if code == CodeInternal {
		p.Errors, p.RequestID = nil, requestOf(ctx.Context()).id
	}
	return p, nil
}

// document is what the OpenAPI document says of a route. huma would derive the
// body from a Go type that it decodes by itself; ours are read raw, so they are
// added once the route is registered.
type document struct {
	op   huma.Operation
	body *huma.RequestBody
}

func (d *document) finish(item *huma.PathItem, method string) *huma.Operation {
	op := map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodHead: item.Head, http.MethodPost: item.Post,
	}[method]
	op.RequestBody = d.body
	for code, response := range op.Responses {
		if n, err := strconv.Atoi(code); err == nil && n == http.StatusServiceUnavailable {
			response.Headers = headers("Retry-After")
		}
	}
	return op
}

// describe makes the OpenAPI document and the page that shows it.
func (s *service) describe() error {
	doc := s.huma.OpenAPI()
	schemas := doc.Components.Schemas.Map()
	for name, nullable := range map[string][]string{
		"ApplicationStatus": {"error"},
		"Accepted":          {"error"},
		"Validation":        {"refused", "dialect"},
		"BatchStatus":       {"source", "dialect", "duplicate_loan_ids", "output", "model", "policy", "error"},
	} {
		for _, property := range nullable {
			orNull(schemas[name].Properties, property)
		}
	}
	// The outcome is only there when there is one.
	accepted := schemas["Accepted"]
	accepted.Required = slices.DeleteFunc(accepted.Required, func(name string) bool {
		return name == "attempts" || name == "error"
	})
	compact, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("json: %w", err)
	}
	var plain any
	if err := json.Unmarshal(compact, &plain); err != nil {
		return fmt.Errorf("json: %w", err)
	}
	pretty, err := json.MarshalIndent(plain, "", "  ")
	if err != nil {
		return fmt.Errorf("json: %w", err)
	}
	yaml, err := doc.YAML()
	if err != nil {
		return fmt.Errorf("yaml: %w", err)
	}
	s.openapiJSON = &reply{Status: http.StatusOK, ContentType: jsonType, CacheControl: "no-cache", Body: append(pretty, '\n')}
	s.openapiYAML = &reply{Status: http.StatusOK, ContentType: yamlType, CacheControl: "no-cache", Body: yaml}
	s.docs, err = docsPage(doc, s.order)
	return err
}

// orNull lets a property that is an object be null.
func orNull(properties map[string]*huma.Schema, name string) {
	p := properties[name]
	if p.Ref == "" {
		return
	}
	properties[name] = &huma.Schema{
		Description: p.Description,
		AnyOf:       []*huma.Schema{{Ref: p.Ref}, {Type: "null"}},
	}
}

// schemaOf returns a reference to the schema of a Go value's type.
func (s *service) schemaOf(value any) *huma.Schema {
	return s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(value), true, "")
}

// jsonResponse describes an answer with a body of that value's type.
func (s *service) jsonResponse(description string, value, example any, headerNames ...string) *huma.Response {
	return &huma.Response{
		Description: description,
		Headers:     headers(headerNames...),
		Content:     map[string]*huma.MediaType{jsonType: {Schema: s.schemaOf(value), Example: example}},
	}
}

func headers(names ...string) map[string]*huma.Header {
	text := map[string]string{
		"Location":           "Where to ask for the decision; only for a single application",
		"Retry-After":        "Seconds until it is worth asking again; absent when done",
		"Cache-Control":      "no-store",
		"ETag":               "Changes with the body",
		"Preference-Applied": "The preferences that were honoured",
	}
	list := map[string]*huma.Header{}
	for _, name := range names {
		schema := &huma.Schema{Type: huma.TypeString}
		if name == "Retry-After" {
			schema = &huma.Schema{Type: huma.TypeInteger}
		}
		list[name] = &huma.Header{Description: text[name], Schema: schema}
	}
	return list
}

// textDoc describes a page without parameters.
func textDoc(id, summary, contentType string) *document {
	return &document{op: huma.Operation{
		OperationID: id, Summary: summary, Tags: []string{"service"},
		Responses: map[string]*huma.Response{
			"200": {Description: "The document", Content: map[string]*huma.MediaType{contentType: {}}},
			"304": {Description: "Unchanged since If-None-Match"},
		},
	}}
}
