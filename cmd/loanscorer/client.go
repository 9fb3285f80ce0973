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
	server string
	http   *http.Client
}

func newClient(server string) *client {
	return &client{server: strings.TrimSuffix(server, "/"), http: &http.Client{Timeout: 40 * time.Second}}
}

// problem is what the API says went wrong (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Code    string `json:"code"`
		Detail  string `json:"detail"`
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
		lines = append(lines, fmt.Sprintf("  %s: %s (%s)", strings.TrimPrefix(e.Pointer, "/"), e.Detail, e.Code))
	}
	return strings.Join(lines, "\n")
}

// application is what the API tells about one application.
type application struct {
	ID          string   `json:"id"`
	State       string   `json:"state"`
	Done        bool     `json:"done"`
	LoanID      string   `json:"loan_id"`
	Decision    string   `json:"decision"`
	Probability *float64 `json:"probability"`
	Imputed     []string `json:"imputed"`
	StatusURL   string   `json:"status_url"`
	Error       *problem `json:"error"`
}

// batch is what the API tells about one batch.
type batch struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Done   bool   `json:"done"`
	Source struct {
		Key  string `json:"key"`
		Size int64  `json:"size"`
	} `json:"source"`
	Counts struct {
		Rows       int64 `json:"rows"`
		Decided    int64 `json:"decided"`
		Approved   int64 `json:"approved"`
		Declined   int64 `json:"declined"`
		Referred   int64 `json:"referred"`
		Rejected   int64 `json:"rejected"`
		Chunks     int   `json:"chunks"`
		ChunksDone int   `json:"chunks_done"`
	} `json:"counts"`
	Progress    float64 `json:"progress"`
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

// waitApplication asks until the application is done.
func (c *client) waitApplication(ctx context.Context, id string) (*application, []byte, error) {
	for {
		a, err := c.do(ctx, http.MethodGet, "/v1/applications/"+url.PathEscape(id), nil, http.Header{"Prefer": {"wait=20"}})
		if err != nil {
			return nil, nil, err
		}
		var app application
		if err := json.Unmarshal(a.body, &app); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", c.server, err)
		}
		if app.Done {
			return &app, a.body, nil
		}
		if err := pause(ctx, a.retryAfter); err != nil {
			return nil, nil, err
		}
	}
}

// batchOf finds the batch that an upload became: the newest one of that key
// that is not known from before the upload.
func (c *client) batchOf(ctx context.Context, key, before string) (*batch, error) {
	var list struct {
		Batches []batch `json:"batches"`
	}
	for {
		if _, err := c.get(ctx, "/v1/batches?limit=1&source="+url.QueryEscape(key), &list); err != nil {
			return nil, err
		}
		if len(list.Batches) > 0 && list.Batches[0].ID != before {
			return &list.Batches[0], nil
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// waitBatch asks until the batch is done and tells the progress on the way.
func (c *client) waitBatch(ctx context.Context, id string, progress func(share float64)) (*batch, []byte, error) {
	for wait := 200 * time.Millisecond; ; wait = min(wait*3/2, 2*time.Second) {
		var b batch
		a, err := c.get(ctx, "/v1/batches/"+url.PathEscape(id), &b)
		if err != nil {
			return nil, nil, err
		}
		progress(b.Progress)
		if b.Done {
			return &b, a.body, nil
		}
		if err := pause(ctx, wait); err != nil {
			return nil, nil, err
		}
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
