package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/loanscorer/loanscorer/internal/runtimetest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/scorer"
)

// deployment is everything that template.yaml would make: two queues with
// their mappings, and a function for each role.
type deployment struct {
	*cloud
	api    *runtimetest.Function
	worker *runtimetest.Function // of the applications queue
	files  *runtimetest.Function
}

// deploy starts the mappings; they end with the test.
func deploy(t *testing.T, visibility time.Duration, env ...string) *deployment {
	t.Helper()
	c := newCloud(t, visibility)
	d := &deployment{cloud: c, api: c.function(t, roleAPI), worker: c.function(t, roleWorker, env...), files: c.function(t, roleWorker, env...)}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, m := range []*runtimetest.Mapping{
		{Client: c.queues, Queue: c.applications, Function: d.worker, Pollers: 2},
		{Client: c.queues, Queue: c.bulk, Function: d.files, Batch: 1, Pollers: 2},
	} {
		wg.Go(func() { m.Run(ctx) })
	}
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return d
}

// request sends a request through the api role.
func (d *deployment) request(t *testing.T, method, path, body string) (int, map[string]string, []byte) {
	t.Helper()
	event := decoded[lambdaevents.APIGatewayV2HTTPRequest](t, fixture(t, "apigw-v2-submit.json"))
	event.RequestContext.HTTP.Method, event.RawPath, event.Body = method, path, body
	a := d.api.Invoke(t.Context(), encoded(t, event))
	if a.Outcome != runtimetest.OK {
		t.Fatalf("%s %s: %s: %s", method, path, a.Outcome, a.Payload)
	}
	answer := decoded[lambdaevents.APIGatewayV2HTTPResponse](t, a.Payload)
	return answer.StatusCode, answer.Headers, []byte(answer.Body)
}

// state is what a poller is told of an application or a batch.
type state struct {
	ID       string `json:"id"`
	State    string `json:"state"`
	Done     bool   `json:"done"`
	Decision string `json:"decision"`
	Counts   struct {
		Rows, Decided, Rejected int64
	} `json:"counts"`
}

// poll asks until it is done.
func (d *deployment) poll(t *testing.T, path string, limit time.Duration) state {
	t.Helper()
	end := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		code, _, body := d.request(t, http.MethodGet, path, "")
		if code != http.StatusOK {
			t.Fatalf("%s: %d: %s", path, code, body)
		}
		s := decoded[state](t, body)
		if s.Done {
			return s
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: not done within %s: %s", path, limit, body)
		}
	}
}

const goodApplication = `{"Loan_ID":"SYN-1","ApplicantIncome":5849,"CoapplicantIncome":0,"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}`

// An application that comes in as an event of API Gateway ends as a decision
// that the api role reads.
func TestApplicationEndToEnd(t *testing.T) {
	t.Parallel()
	d := deploy(t, time.Minute)
	code, headers, body := d.request(t, http.MethodPost, "/v1/applications", goodApplication)
	if code != http.StatusAccepted || headers["Location"] == "" || headers["Retry-After"] != "1" {
		t.Fatalf("%d, %v: %s", code, headers, body)
	}
	s := d.poll(t, headers["Location"], 30*time.Second)
	if s.State != "decided" || s.Decision != "approved" {
		t.Errorf("%+v", s)
	}
	// The id belongs to its caller: failure 63.
	event := decoded[lambdaevents.APIGatewayV2HTTPRequest](t, fixture(t, "apigw-v2-get.json"))
	event.RawPath = headers["Location"]
	other := decoded[lambdaevents.APIGatewayV2HTTPResponse](t, d.api.Invoke(t.Context(), encoded(t, event)).Payload)
	if other.StatusCode != http.StatusNotFound {
		t.Errorf("another caller is told %d: %s", other.StatusCode, other.Body)
	}
	if rows := d.rows(t); rows[s.ID] != 1 || len(rows) != 1 {
		t.Errorf("rows %v", rows)
	}
	for _, log := range []string{d.api.Log(), d.worker.Log()} {
		for _, secret := range []string{"SYN-1", "5849", testSecret} { // failure 69
			if strings.Contains(log, secret) {
				t.Errorf("the log tells %q", secret)
			}
		}
	}
}

// A CSV file that is put to S3 ends as a proved summary.
func TestFileEndToEnd(t *testing.T) {
	t.Parallel()
	d := deploy(t, time.Minute, envChunkSize+"=65536")
	const rows = 5000
	id := d.upload(t, "uploads/loans of May+1.csv", rows)
	s := d.poll(t, "/v1/batches/"+id, time.Minute)
	if s.State != "succeeded_with_rejects" || s.Counts.Rows != rows || s.Counts.Decided+s.Counts.Rejected != rows {
		t.Errorf("%+v", s)
	}
	report, err := scorer.Verify(t.Context(), d.objects, id)
	if err != nil || !report.OK() || report.Rows != rows {
		t.Errorf("%v: %+v", err, report)
	}
}

// A file is scored beside the shadow model of the bucket that the environment
// names. The api needs none of it.
func TestFileWithShadow(t *testing.T) {
	t.Parallel()
	spec := model.Default().Spec()
	spec.Trees = spec.Trees[:5]
	data, err := model.Encode(spec)
	if err != nil {
		t.Fatal(err)
	}
	challenger, err := model.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	d := deploy(t, time.Minute, envChunkSize+"=65536", envShadow+"="+challenger.SHA256())
	d.api = d.function(t, roleAPI, envShadow+"=/nowhere/model.json")
	if _, err := d.objects.Put(t.Context(), status.ModelKey(challenger.SHA256()), data, store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	id := d.upload(t, "uploads/compared.csv", 5000)
	s := d.poll(t, "/v1/batches/"+id, time.Minute)
	summary, err := scorer.ReadSummary(t.Context(), d.objects, id)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Shadow == nil || summary.Shadow.Model.SHA256 != challenger.SHA256() || summary.Stats.Shadow.Rows != s.Counts.Decided || summary.Stats.Shadow.Rows == 0 {
		t.Errorf("%+v, %+v", summary.Shadow, summary.Stats.Shadow)
	}
	report, err := scorer.Verify(t.Context(), d.objects, id)
	if err != nil || !report.OK() {
		t.Errorf("%v: %+v", err, report)
	}
}

// upload puts a file, one row in a hundred of it wrong, and waits for its batch.
func (c *cloud) upload(t *testing.T, key string, rows int) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area\n")
	for i := range rows {
		income := strconv.Itoa(1500 + i*7%20000)
		if i%100 == 50 {
			income = "unknown"
		}
		fmt.Fprintf(&b, "R%d,%s,%d,%d,%d,%s\n", i, income, i%3*900, 60+i%300, i%7&1, []string{"Rural", "Semiurban", "Urban"}[i%3])
	}
	if _, err := c.objects.Put(t.Context(), key, b.Bytes(), store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	end := time.After(time.Minute)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		data, _, err := c.objects.Get(t.Context(), status.ReceiptKey(key), 1<<20)
		if err == nil {
			return decoded[status.Receipt](t, data).Batch
		}
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("no receipt: %v", err)
		}
	}
}

// Functions that are killed while they work lose nothing and double nothing.
//
// failure 5, failure 6, failure 7, failure 8, failure 15
func TestKillMinusNine(t *testing.T) {
	t.Parallel()
	d := deploy(t, 2*time.Second, envChunkSize+"=65536", envLease+"=1s")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { // kills at moments that depend on nothing the functions do
		tick := time.NewTicker(130 * time.Millisecond)
		defer tick.Stop()
		for range 25 {
			select {
			case <-tick.C:
				d.worker.KillAll()
				d.files.KillAll()
			case <-ctx.Done():
				return
			}
		}
	})
	defer wg.Wait()
	defer cancel()
	const rows, applications = 20_000, 60
	var ids []string
	for range applications {
		code, _, body := d.request(t, http.MethodPost, "/v1/applications", goodApplication)
		if code != http.StatusAccepted {
			t.Fatalf("%d: %s", code, body)
		}
		ids = append(ids, decoded[state](t, body).ID)
	}
	batch := d.upload(t, "uploads/loans.csv", rows)
	wg.Wait()
	t.Logf("%d invocations ended, %d were killed", d.worker.Count(runtimetest.OK)+d.files.Count(runtimetest.OK),
		d.worker.Count(runtimetest.Exited)+d.files.Count(runtimetest.Exited))
	for _, id := range ids {
		if s := d.poll(t, "/v1/applications/"+id, time.Minute); s.State != "decided" {
			t.Errorf("%+v", s)
		}
	}
	if s := d.poll(t, "/v1/batches/"+batch, time.Minute); s.State != "succeeded_with_rejects" || s.Counts.Rows != rows {
		t.Errorf("%+v", s)
	}
	report, err := scorer.Verify(t.Context(), d.objects, batch)
	if err != nil || !report.OK() || report.Rows != rows {
		t.Errorf("%v: %+v", err, report)
	}
	found := d.rows(t)
	for _, id := range ids {
		if found[id] != 1 {
			t.Errorf("application %s has %d rows", id, found[id])
		}
	}
	if len(found) != applications {
		t.Errorf("%d applications have rows, want %d", len(found), applications)
	}
	for _, queue := range []string{d.applications, d.bulk} {
		if !runtimetest.Drain(t.Context(), d.queues, queue, 30*time.Second) {
			t.Errorf("%s does not drain", queue)
		}
	}
}
