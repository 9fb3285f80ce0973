package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
)

// application is the message of one application with a fresh id.
func application(t *testing.T, loanID string) []byte {
	t.Helper()
	ids, err := status.ParseSecrets(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	app, err := json.Marshal(map[string]any{
		"Loan_ID": loanID, "ApplicantIncome": 5849, "CoapplicantIncome": 0, "LoanAmount": 128,
		"Credit_History": 1, "Property_Area": "Urban",
	})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	body, err := events.Encode(events.NewApplication(ids.New(status.KindApplication, now, "local"), "local", now, app))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(body)
}

// rows counts the rows of each application in all result files.
func (c *cloud) rows(t *testing.T) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for info, err := range c.objects.List(t.Context(), status.ApplicationResultsPrefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		data, _, err := c.objects.Get(t.Context(), info.Key, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		type row struct {
			ID string `parquet:"application_id"`
		}
		read, err := parquet.Read[row](bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatalf("%s: %v", info.Key, err)
		}
		for _, r := range read {
			rows[r.ID]++
		}
	}
	return rows
}

// proxy stands before an endpoint and holds up requests.
type proxy struct {
	server  *httptest.Server
	stalled atomic.Value // string: requests with it in their path wait
	end     chan struct{}
}

func newProxy(t *testing.T, endpoint string) *proxy {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{end: make(chan struct{})}
	p.stalled.Store("")
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if part, _ := p.stalled.Load().(string); part != "" && strings.Contains(r.URL.Path, part) {
			select {
			case <-r.Context().Done():
			case <-p.end:
			}
			return
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		close(p.end)
		p.server.Close()
	})
	return p
}

func (p *proxy) url() string       { return p.server.URL }
func (p *proxy) stall(part string) { p.stalled.Store(part) }
