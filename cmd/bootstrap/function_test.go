package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/loanscorer/loanscorer/internal/runtimetest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

// want fails the test unless the invocation ended so.
func want(t *testing.T, a runtimetest.Answer, outcome runtimetest.Outcome, payload string) {
	t.Helper()
	if a.Outcome != outcome || (payload != "" && string(a.Payload) != payload) {
		t.Errorf("%s: %s, want %s: %s", a.Outcome, a.Payload, outcome, payload)
	}
}

// Events that no retry would make ours are acknowledged and logged.
//
// failure 32
func TestWorkerAcknowledgesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	const logged = "event ignored"
	tests := []struct{ name, payload, answer, log string }{
		{"s3 test event from the bucket", string(fixture(t, "s3-test-event.json")), "null", logged},
		{"s3 test event by the queue", string(queued(t, testBulk, fixture(t, "s3-test-event.json"))), noFailures, "nothing to do"},
		{"deletion from the bucket", string(fixture(t, "s3-deleted.json")), "null", "nothing to do"},
		{"deletion by the queue", string(queued(t, testBulk, fixture(t, "s3-deleted.json"))), noFailures, "nothing to do"},
		{"deletion by an unknown queue", string(queued(t, "other", fixture(t, "s3-deleted.json"))), noFailures, "nothing to do"},
		{"upload that is gone", string(fixture(t, "s3-direct.json")), "null", "upload gone before it was scored"},
		{"sns", string(fixture(t, "sns.json")), "null", logged},
		{"schedule", string(fixture(t, "scheduled.json")), "null", logged},
		{"api gateway", string(fixture(t, "apigw-v2-get.json")), "null", logged},
		{"poison", string(fixture(t, "sqs.json")), noFailures, "message refused for good"},
		{"poison of another queue", string(queued(t, "other", []byte(`{"hello":"world"}`))), noFailures, "message refused for good"},
		{"not an object", `[1,2]`, "null", logged},
		{"text", `"hello"`, "null", logged},
		{"empty object", `{}`, "null", logged},
		{"no records", `{"Records":[]}`, "null", logged},
	}
	c := newCloud(t, time.Minute)
	f := c.function(t, roleWorker)
	for _, tt := range tests {
		before := len(f.Log())
		want(t, f.Invoke(t.Context(), []byte(tt.payload)), runtimetest.OK, tt.answer)
		if log := f.Log()[before:]; !strings.Contains(log, tt.log) {
			t.Errorf("%s: log %q, want %q", tt.name, log, tt.log)
		}
	}
}

const noFailures = `{"batchItemFailures":null}`

// queued is the event of one message of a queue.
func queued(t *testing.T, queue string, bodies ...[]byte) []byte {
	t.Helper()
	var event lambdaevents.SQSEvent
	for i, body := range bodies {
		event.Records = append(event.Records, lambdaevents.SQSMessage{
			MessageId: fmt.Sprintf("m%d", i), Body: string(body), EventSource: "aws:sqs",
			EventSourceARN: "arn:aws:sqs:us-east-1:123456789012:" + queue,
			Attributes:     map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1717505086000"},
		})
	}
	return encoded(t, event)
}

// failure 55, failure 56: a function that cannot work says so before it takes
// any work, and names the variable.
func TestInitFailure(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute)
	broken := t.TempDir() + "/model.json"
	if err := os.WriteFile(broken, []byte(`{"format":"loanscorer/model","v":1`), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, env, want string }{
		{"no role", envRole + "=", envRole + ": not set"},
		{"unknown role", envRole + "=scorer", envRole + `: "scorer": must be api, worker or maintenance`},
		{"no bucket", envBucket + "=", envBucket + ": not set"},
		{"queue by name", envBulk + "=loanscorer-bulk", envBulk + ": must be the queue's URL"},
		{"no secret", envSecret + "=", envSecret + ": not set"},
		{"short secret", envSecret + "=0011", envSecret + ": secret 0 has 2 bytes"},
		{"secret that is no hex", envSecret + "=sesame", envSecret + ": id secret: must be hexadecimal digits"},
		{"receives", envReceives + "=many", envReceives + `: "many": must be a number from 1 to 1000`},
		{"lease", envLease + "=15", envLease + `: "15": must be a duration such as 15s`},
		{"chunk size", envChunkSize + "=1", envChunkSize + `: "1": must be a number`},
		{"level", envLogLevel + "=loud", envLogLevel + `: "loud": must be debug`},
		{"endpoint", envS3 + "=localhost", envS3 + `: "localhost": must be a URL, or aws`},
		{"retention", envRetention + "=14d", envRetention + `: "14d": must be a duration`},
		{"direct intake", envDirect + "=yes", envDirect + `: "yes": must be false or true`},
		{"reasons missing", envReasons + "=/nowhere/reasons.json", envReasons + ": open /nowhere/reasons.json"},
		{"reasons broken", envReasons + "=" + broken, envReasons + ": "},
		{"anonymous", envAnonymous + "=yes", envAnonymous + `: "yes": must be refuse or allow`},
		{"model file missing", envModel + "=/nowhere/model.json", envModel + ": open /nowhere/model.json"},
		{"model file broken", envModel + "=" + broken, envModel + ": "},
		{"shadow missing", envShadow + "=/nowhere/model.json", envShadow + ": open /nowhere/model.json"},
		{"shadow broken", envShadow + "=" + broken, envShadow + ": "},
		{"shadow not in the bucket", envShadow + "=" + strings.Repeat("0", 64), envShadow + ": "},
		{"model not in the bucket", envModel + "=" + strings.Repeat("0", 64), envModel + ": "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := c.function(t, roleWorker, tt.env).Invoke(t.Context(), fixture(t, "sqs.json"))
			if a.Outcome != runtimetest.InitError {
				t.Fatalf("%s: %s", a.Outcome, a.Payload)
			}
			e := decoded[struct{ ErrorType, ErrorMessage string }](t, a.Payload)
			if e.ErrorType != errorType || !strings.Contains(e.ErrorMessage, tt.want) {
				t.Errorf("%+v, want %q", e, tt.want)
			}
			if strings.Contains(e.ErrorMessage, "sesame") || strings.Contains(e.ErrorMessage, "0011") {
				t.Errorf("the secret is told: %s", e.ErrorMessage)
			}
		})
	}
}

// Everything that is wrong is told at once.
func TestConfigurationTellsAllFaults(t *testing.T) {
	t.Parallel()
	_, err := readConfiguration(func(string) string { return "" })
	var got []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		name, _, _ := strings.Cut(line, ":")
		got = append(got, name)
	}
	if diff := cmp.Diff([]string{envRole, envBucket, envSecret, envRegion}, got); diff != "" {
		t.Error(diff)
	}
}

// A message that makes the worker panic fails alone, and nothing of it is told.
//
// failure 18
func TestPanicOfOneMessage(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute)
	f := runtimetest.New(t, runtimetest.Options{
		Program: []string{os.Args[0]}, Env: c.env(roleWorker, envTestHandler+"=panic"),
	})
	logAtEnd(t, f)
	good, bad := application(t, "A-1"), application(t, "PANIC")
	a := f.Invoke(t.Context(), queued(t, testApplications, good, bad, application(t, "A-2")))
	want(t, a, runtimetest.OK, `{"batchItemFailures":[{"itemIdentifier":"m1"}]}`)
	again := f.Invoke(t.Context(), queued(t, testApplications, bad))
	want(t, again, runtimetest.Failed, "") // nothing of the batch could be done
	if again.Cold {
		t.Error("the process did not survive the panic")
	}
	if strings.Contains(f.Log(), "CANARY") || strings.Contains(string(again.Payload), "CANARY") {
		t.Error("the panic's value is told")
	}
}

// failure 14: shortly before the deadline the function answers with what is
// unfinished; nothing that is not written is acknowledged.
func TestStopsBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute)
	slow := newProxy(t, c.server.S3Endpoint())
	slow.stall("/applications/")
	f := runtimetest.New(t, runtimetest.Options{
		Program: []string{program}, Env: c.env(roleWorker, envS3+"="+slow.url()), Timeout: 5 * time.Second,
	})
	logAtEnd(t, f)
	event := queued(t, testApplications, application(t, "A-1"), []byte(`{"hello":"world"}`))
	want(t, f.Invoke(t.Context(), event), runtimetest.OK, `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`)
	slow.stall("")
	a := f.Invoke(t.Context(), event)
	want(t, a, runtimetest.OK, noFailures)
	if a.Cold {
		t.Error("the process was killed at the deadline")
	}
}

// A function that hangs after its work is killed at the deadline. The work
// stands; the messages come again and are found done.
//
// failure 8, failure 15
func TestKilledAtTheDeadline(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute)
	hanging := runtimetest.New(t, runtimetest.Options{
		Program: []string{os.Args[0]}, Env: c.env(roleWorker, envTestHandler+"=hang"), Timeout: 6 * time.Second,
	})
	logAtEnd(t, hanging)
	event := queued(t, testApplications, application(t, "A-1"), application(t, "A-2"))
	want(t, hanging.Invoke(t.Context(), event), runtimetest.TimedOut, "")
	if rows := c.rows(t); len(rows) != 2 {
		t.Fatalf("rows %v, want two", rows)
	}
	a := c.function(t, roleWorker).Invoke(t.Context(), event)
	want(t, a, runtimetest.OK, noFailures)
	for id, n := range c.rows(t) {
		if n != 1 {
			t.Errorf("application %s has %d rows", id, n)
		}
	}
}

// Copies of the function that get the same messages at the same time decide
// each application once.
//
// failure 1, failure 3
func TestConcurrentCopies(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute)
	f := c.function(t, roleWorker, envLease+"=1s")
	var bodies [][]byte
	for n := range 10 {
		bodies = append(bodies, application(t, fmt.Sprintf("A-%d", n)))
	}
	event := queued(t, testApplications, bodies...)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 30 {
				a := f.Invoke(t.Context(), event)
				if a.Outcome == runtimetest.OK && string(a.Payload) == noFailures {
					return
				}
			}
			t.Error("a copy did not come to an end")
		})
	}
	wg.Wait()
	rows := c.rows(t)
	for id, n := range rows {
		if n != 1 {
			t.Errorf("application %s has %d rows", id, n)
		}
	}
	if len(rows) != 10 {
		t.Errorf("%d applications have rows, want 10", len(rows))
	}
}

// Without Lambda the program says what it is.
func TestNotInLambda(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	code := run(t.Context(), func(string) string { return "" }, &out, newHandler)
	if code != 1 || !strings.Contains(out.String(), "loanscorer serve") {
		t.Errorf("code %d: %s", code, out.String())
	}
}

// The log is JSON, and each line names its invocation.
func TestLogNamesTheInvocation(t *testing.T) {
	t.Parallel()
	f := newCloud(t, time.Minute).function(t, roleWorker)
	want(t, f.Invoke(t.Context(), fixture(t, "sns.json")), runtimetest.OK, "null")
	var line struct{ Msg, Invocation string }
	if err := json.Unmarshal([]byte(f.Log()), &line); err != nil || line.Invocation == "" || line.Msg != "event ignored" {
		t.Errorf("%v: %s", err, f.Log())
	}
}

// A model of the bucket is the one that its SHA-256 names, or none.
//
// failure 56
func TestModelOfTheBucket(t *testing.T) {
	t.Parallel()
	c := newCloud(t, time.Minute)
	sum := model.Default().SHA256()
	if _, err := c.objects.Put(t.Context(), status.ModelKey(sum), model.Default().Bytes(), store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	event := queued(t, testApplications, application(t, "A-1"))
	want(t, c.function(t, roleWorker, envModel+"="+sum).Invoke(t.Context(), event), runtimetest.OK, noFailures)
	other := bytes.Replace(model.Default().Bytes(), []byte(`"version"`), []byte(`"Version"`), 1)
	if _, err := c.objects.Put(t.Context(), status.ModelKey(sum), other, store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	a := c.function(t, roleWorker, envModel+"="+sum).Invoke(t.Context(), event)
	if a.Outcome != runtimetest.InitError || !strings.Contains(string(a.Payload), "its bytes have SHA-256") {
		t.Errorf("%s: %s", a.Outcome, a.Payload)
	}
}

// The shadow of new files is none, or the built-in model; the api has none.
func TestBuiltInShadow(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ role, shadow, want string }{
		{roleWorker, "", ""},
		{roleWorker, builtIn, model.Default().SHA256()},
		{roleMaintenance, builtIn, model.Default().SHA256()},
		{roleAPI, builtIn, ""},
	} {
		f := &function{c: &configuration{role: tc.role, shadow: documentOf(tc.shadow)}}
		s, err := f.loadShadow(t.Context())
		if err != nil || (s != nil) != (tc.want != "") || s != nil && s.Model().SHA256() != tc.want {
			t.Errorf("%s, %q: %v %v", tc.role, tc.shadow, s, err)
		}
	}
}
