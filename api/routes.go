package api

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Every URL of the service.
const (
	pathApplications = "/v1/applications"
	pathApplication  = "/v1/applications/{id}"
	pathBatches      = "/v1/batches"
	pathValidate     = "/v1/batches:validate"
	pathBatch        = "/v1/batches/{id}"
	pathDecisions    = "/v1/batches/{id}/decisions/{loan_id}"
	pathModel        = "/v1/model"
	pathPredictions  = "/predictions" // the article's
	pathHealth       = "/healthz"
	pathReady        = "/readyz"
	pathOpenAPIJSON  = "/openapi.json"
	pathOpenAPIYAML  = "/openapi.yaml"
	pathDocs         = "/docs"
)

// applicationURL is where the application with that id is asked for.
func applicationURL(id string) string { return pathApplications + "/" + id }

// routes registers every method of every URL. A GET route answers HEAD too.
func (s *service) routes() {
	add(s, http.MethodPost, pathApplications, s.submit, s.submitDoc())
	add(s, http.MethodGet, pathApplication, s.getApplication, s.applicationDoc())
	add(s, http.MethodHead, pathApplication, s.getApplication, s.applicationHeadDoc())
	add(s, http.MethodGet, pathBatches, s.listBatches, s.batchesDoc())
	add(s, http.MethodPost, pathValidate, s.validateBatch, s.validateDoc())
	add(s, http.MethodGet, pathBatch, s.getBatch, s.batchDoc())
	add(s, http.MethodPost, pathBatch, s.postBatch, s.cancelDoc())
	add(s, http.MethodGet, pathDecisions, s.getDecisions, s.decisionsDoc())
	add(s, http.MethodGet, pathModel, s.getModel, s.modelDoc())
	add(s, http.MethodPost, pathPredictions, s.predict, s.predictDoc())
	add(s, http.MethodGet, pathHealth, s.healthz, s.healthDoc())
	add(s, http.MethodGet, pathReady, s.readyz, s.readyDoc())
	add(s, http.MethodGet, pathOpenAPIJSON, s.page(&s.openapiJSON), textDoc("openapi-json", "This description as JSON", jsonType))
	add(s, http.MethodGet, pathOpenAPIYAML, s.page(&s.openapiYAML), textDoc("openapi-yaml", "This description as YAML", yamlType))
	add(s, http.MethodGet, pathDocs, s.page(&s.docs), textDoc("docs", "This description to read", htmlType))
}

// service is the api behind its handler.
type service struct {
	o       Options
	mux     *http.ServeMux
	huma    huma.API
	article *article
	model   *reply // of GET /v1/model
	ledger  *ledgerCache
	reasons reasonTexts
	order   []*huma.Operation // as registered

	openapiJSON, openapiYAML, docs *reply // fixed pages, made by described
	described                      func() error
}

// New returns the handler of every route. The error names the option that is
// missing or wrong. The handler is safe for concurrent use.
func New(o Options) (http.Handler, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &service{o: o, mux: http.NewServeMux(), article: newArticle(o.Model), ledger: newLedgerCache()}
	var err error
	if s.model, err = modelReply(o.Model); err != nil {
		return nil, fmt.Errorf("api options: Model: %w", err)
	}
	s.huma = humago.New(s.mux, s.config())
	s.routes()
	s.described = sync.OnceValue(s.describe)
	return http.HandlerFunc(s.serve), nil
}

// add registers one method of one URL. Errors of the handler become problems
// here and nowhere else.
func add[I any](s *service, method, path string, handler func(context.Context, *I) (*reply, error), doc *document) {
	op := doc.op
	op.Method, op.Path = method, path
	op.SkipValidateBody = true // bodies are read raw and strictly
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (*reply, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, s.report(ctx, problemOf(err))
		}
		return out, nil
	})
	s.order = append(s.order, doc.finish(s.huma.OpenAPI().Paths[path], method))
}

// report completes a problem of this side and logs what is behind it.
func (s *service) report(ctx context.Context, p *Problem) *Problem {
	if p.Status < http.StatusInternalServerError {
		return p
	}
	s.logCause(ctx, p)
	full := *p
	full.RequestID = requestOf(ctx).id
	return &full
}

// logCause logs the error behind a problem, unless it is only that the client is gone.
func (s *service) logCause(ctx context.Context, p *Problem) {
	if p.cause == nil || ctx.Err() != nil {
		return
	}
	level := slog.LevelWarn
	if p.Code == CodeInternal {
		level = slog.LevelError
	}
	s.o.Logger.LogAttrs(ctx, level, "request failed", slog.String("request_id", requestOf(ctx).id),
		slog.String("code", string(p.Code)), slog.String("error", p.cause.Error()))
}

// page answers with fixed bytes that are made when they are first asked for:
// most processes that start, such as functions, are never asked.
func (s *service) page(of **reply) func(context.Context, *struct{}) (*reply, error) {
	return func(ctx context.Context, _ *struct{}) (*reply, error) {
		if err := s.described(); err != nil {
			return nil, newProblem(CodeInternal, "").because(fmt.Errorf("openapi: %w", err))
		}
		r := **of
		return r.tag(requestOf(ctx).header.Values("If-None-Match")), nil
	}
}
