package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/cost"
	"github.com/loanscorer/loanscorer/internal/status"
)

// asking is how a command asks a running service and shows the answers.
type asking struct {
	streams
	*client
	wait   bool // until done
	asJSON bool
}

// client talks to a running API.
type client struct {
	server  string
	http    *http.Client
	reached bool // has answered before
}

func newClient(server string) *client {
	return &client{server: strings.TrimSuffix(server, "/"), http: &http.Client{Timeout: 40 * time.Second}}
}

// serverFlag adds --server, which must be a URL.
func serverFlag(f *pflag.FlagSet) *serverURL {
	s := serverURL("http://" + defaultAPIAddr)
	f.Var(&s, "server", "address of the HTTP API")
	return &s
}

// serverURL is the value of --server.
type serverURL string

// String implements pflag.Value.
func (s *serverURL) String() string { return string(*s) }

// Type implements pflag.Value.
func (s *serverURL) Type() string { return "url" }

// Set implements pflag.Value.
func (s *serverURL) Set(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("must be a URL such as http://127.0.0.1:8080")
	}
	*s = serverURL(text)
	return nil
}

func (s *serverURL) client() *client { return newClient(string(*s)) }

// problem is what the API says went wrong (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Pointer   string `json:"pointer"`
		Parameter string `json:"parameter"`
		Code      string `json:"code"`
		Detail    string `json:"detail"`
	} `json:"errors"`
}

// Error tells the problem with every field at fault.
func (p *problem) Error() string {
	text := p.Title
	if p.Detail != "" && p.Detail != p.Title {
		text += ": " + p.Detail
	}
	lines := []string{text}
	for _, e := range p.Errors {
		lines = append(lines, fmt.Sprintf("  %s: %s (%s)", strings.TrimPrefix(e.Pointer+e.Parameter, "/"), e.Detail, e.Code))
	}
	return strings.Join(lines, "\n")
}

// application is what the API tells about one application.
type application struct {
	ID          string    `json:"id"`
	State       string    `json:"state"`
	Done        bool      `json:"done"`
	LoanID      string    `json:"loan_id"`
	Decision    string    `json:"decision"`
	Probability *float64  `json:"probability"`
	Reasons     []grounds `json:"reasons"`
	Imputed     []string  `json:"imputed"`
	StatusURL   string    `json:"status_url"`
	Error       *problem  `json:"error"`
}

// grounds are one reason of a decision, or of many.
type grounds struct {
	Code string `json:"code"`
	Rows int64  `json:"rows"` // of a batch
	Text string `json:"text"`
}

// batch is what the API tells about one batch.
type batch struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Done   bool   `json:"done"`
	Source struct {
		Key          string    `json:"key"`
		ETag         string    `json:"etag"`
		LastModified time.Time `json:"last_modified"`
	} `json:"source"`
	Shadow     *status.Shadow     `json:"shadow"`
	Dialect    *ingest.Dialect    `json:"dialect"`
	Duplicates *ingest.Duplicates `json:"duplicate_loan_ids"`
	Counts     struct {
		Rows       int64 `json:"rows"`
		Decided    int64 `json:"decided"`
		Approved   int64 `json:"approved"`
		Declined   int64 `json:"declined"`
		Referred   int64 `json:"referred"`
		Rejected   int64 `json:"rejected"`
		Chunks     int   `json:"chunks"`
		ChunksDone int   `json:"chunks_done"`
	} `json:"counts"`
	Reasons     []grounds           `json:"reasons"`
	Statistics  *status.Statistics  `json:"statistics"`
	Histogram   []int64             `json:"score_histogram"`
	Cost        *cost.BatchEstimate `json:"cost_estimate"`
	PlannedAt   time.Time           `json:"planned_at"`
	ClosedAt    time.Time           `json:"closed_at"`
	Progress    float64             `json:"progress"`
	FirstErrors []struct {
		Line   int64  `json:"line"`
		Column string `json:"column"`
		Code   string `json:"code"`
		Reason string `json:"reason"`
	} `json:"first_errors"`
	Output struct {
		Parts   json.RawMessage `json:"parts"`
		Rejects string          `json:"rejects"`
		Summary string          `json:"summary"`
	} `json:"output"`
	Error *problem `json:"error"`
}

// answer is one response with a 2xx status.
type answer struct {
	body       []byte
	retryAfter time.Duration
}

func (c *client) do(ctx context.Context, method, path string, body []byte, header http.Header) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.server+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name := range header {
		req.Header.Set(name, header.Get(name))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var urlErr *url.Error
		if errors.As(err, &urlErr) {
			err = urlErr.Err
		}
		return nil, fmt.Errorf("no answer from %s: %w; is 'loanscorer serve' running? --server says where", c.server, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.server, err)
	}
	if resp.StatusCode/100 != 2 {
		p := problem{Title: http.StatusText(resp.StatusCode)}
		_ = json.Unmarshal(data, &p) // not every proxy answers with a problem
		p.Status = resp.StatusCode
		return nil, &p
	}
	c.reached = true
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil {
		seconds = 1
	}
	return &answer{body: data, retryAfter: time.Duration(seconds) * time.Second}, nil
}

func (c *client) get(ctx context.Context, path string, to any) (*answer, error) {
	a, err := c.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(a.body, to); err != nil {
		return nil, fmt.Errorf("%s%s: %w", c.server, path, err)
	}
	return a, nil
}

// patience is how long a wait goes on without an answer of the server.
const patience = 30 * time.Second

// ask is get for waits: an answer that may be different a moment later, such as
// 503, is asked for again for a while.
func (c *client) ask(ctx context.Context, path string, header http.Header, to any) (*answer, error) {
	for began := time.Now(); ; {
		a, err := c.do(ctx, http.MethodGet, path, nil, header)
		var p *problem
		switch {
		case err == nil:
			if err := json.Unmarshal(a.body, to); err != nil {
				return nil, fmt.Errorf("%s%s: %w", c.server, path, err)
			}
			return a, nil
		case errors.As(err, &p) && p.Status < 500 && p.Status != http.StatusTooManyRequests,
			p == nil && !c.reached, ctx.Err() != nil, time.Since(began) > patience:
			return nil, err
		}
		if err := pause(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

// waitApplication asks until the application is done.
func (c *client) waitApplication(ctx context.Context, id string) (*application, []byte, error) {
	for {
		var app application
		a, err := c.ask(ctx, "/v1/applications/"+url.PathEscape(id), http.Header{"Prefer": {"wait=20"}}, &app)
		if err != nil {
			return nil, nil, err
		}
		if app.Done {
			return &app, a.body, nil
		}
		if err := pause(ctx, a.retryAfter); err != nil {
			return nil, nil, err
		}
	}
}

// uploaded names one version of an upload.
type uploaded struct {
	key, etag string
	at        time.Time
}

// unplanned is how long an upload waits for its plan without a word.
const unplanned = 2 * time.Minute

// batchOf finds the batch that an upload became. late is told once if that
// takes long.
func (c *client) batchOf(ctx context.Context, u uploaded, late func(string)) (*batch, error) {
	for began, told := time.Now(), false; ; {
		var list struct {
			Batches []batch `json:"batches"`
		}
		if _, err := c.ask(ctx, "/v1/batches?limit=1&source="+url.QueryEscape(u.key), nil, &list); err != nil {
			return nil, err
		}
		if len(list.Batches) > 0 {
			src := &list.Batches[0].Source
			later := src.LastModified.Truncate(time.Second).After(u.at.Truncate(time.Second))
			if later || src.ETag == u.etag && src.LastModified.Truncate(time.Second).Equal(u.at.Truncate(time.Second)) {
				return &list.Batches[0], nil
			}
		}
		if !told && time.Since(began) > unplanned {
			told = true
			late(fmt.Sprintf("%s is uploaded, but not planned after %v: other files may be before it; is a worker running?", u.key, unplanned))
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// waitBatch asks until the batch is done and tells the progress on the way.
func (c *client) waitBatch(ctx context.Context, id string, progress func(share float64)) (*batch, []byte, error) {
	for wait := 200 * time.Millisecond; ; {
		var b batch
		a, err := c.ask(ctx, "/v1/batches/"+url.PathEscape(id), nil, &b)
		if err != nil {
			return nil, nil, err
		}
		progress(b.Progress)
		if b.Done {
			return &b, a.body, nil
		}
		if err := pause(ctx, wait); err != nil {
			return nil, nil, fmt.Errorf("stopped waiting; batch %s goes on: %w", id, err)
		}
		wait = min(wait*3/2, a.retryAfter, 5*time.Second)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
