package sqs

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// The whole way over loopback with the real client, host of the URL included.
func TestOverLoopback(t *testing.T) {
	t.Parallel()
	s := open(t, testOptions(t))
	c := networkClient(t, s)
	made, err := c.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: new("work")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(*made.QueueUrl, "http://127.0.0.1:") || !strings.HasSuffix(*made.QueueUrl, "/000000000000/work") {
		t.Errorf("queue URL %s", *made.QueueUrl)
	}
	polled := make(chan error, 1)
	go func() {
		got, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl, WaitTimeSeconds: 20})
		if err == nil && (len(got.Messages) != 1 || *got.Messages[0].Body != "héllo 🎉") {
			err = errors.New("not the message that was sent")
		}
		polled <- err
	}()
	id, err := s.Send(t.Context(), "work", "héllo 🎉", map[string]string{"a": "b"})
	if err != nil || len(id) != 36 {
		t.Fatalf("send: id %q, %v", id, err)
	}
	if err := <-polled; err != nil {
		t.Error(err)
	}
	_, err = c.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: new("nope")})
	if typed := (*types.QueueDoesNotExist)(nil); !errors.As(err, &typed) {
		t.Errorf("a missing queue: %v, want the SDK's QueueDoesNotExist", err)
	}
	_, err = c.ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: made.QueueUrl})
	if typed := (*types.UnsupportedOperation)(nil); !errors.As(err, &typed) || !strings.Contains(err.Error(), "SendMessageBatch") {
		t.Errorf("another action: %v, want UnsupportedOperation that names the actions", err)
	}
}

// A client that goes away takes no message with it.
func TestClientThatLeaves(t *testing.T) {
	t.Parallel()
	f := newFixture(t, testOptions(t), nil)
	server := httptest.NewServer(f.service)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	c := newClient(server.URL, testCredentials, &http.Client{Transport: transport, Timeout: 50 * time.Millisecond})
	_, err := c.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: f.url, WaitTimeSeconds: 20})
	if err == nil {
		t.Fatal("the client did not give up")
	}
	transport.CloseIdleConnections()
	server.Close() // waits until the handler has returned
	f.send("a")
	if got := f.one(); got.Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("receive count %s, want 1", got.Attributes["ApproximateReceiveCount"])
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, testOptions(t))
		list := func(c Credentials, change func(*http.Request)) error {
			client := newClient("http://127.0.0.1:9324", c, changing{direct{s}, change})
			_, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
			return err
		}
		nothing := func(*http.Request) {}
		header := func(name, value string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set(name, value) }
		}
		replace := func(old, with string) func(*http.Request) {
			return func(r *http.Request) {
				r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
			}
		}
		tests := map[string]struct {
			credentials Credentials
			change      func(*http.Request)
			want        string
		}{
			"good":             {testCredentials, nothing, ""},
			"unsigned header":  {testCredentials, header("Accept", "text/x"), ""},
			"wrong key":        {Credentials{"AKIDOTHER", testCredentials.SecretAccessKey}, nothing, "InvalidClientTokenId"},
			"wrong secret":     {Credentials{testCredentials.AccessKeyID, "guess"}, nothing, "SignatureDoesNotMatch"},
			"other body":       {testCredentials, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"MaxResults":2}`)) }, "SignatureDoesNotMatch"},
			"other action":     {testCredentials, header("X-Amz-Target", "AmazonSQS.DeleteQueue"), "SignatureDoesNotMatch"},
			"added amz header": {testCredentials, header("X-Amz-Meta", "x"), "SignatureDoesNotMatch"},
			"other path":       {testCredentials, func(r *http.Request) { r.URL.Path = "/x" }, "SignatureDoesNotMatch"},
			"other region":     {testCredentials, replace("us-east-1", "eu-west-1"), "SignatureDoesNotMatch"},
			"other service":    {testCredentials, replace("/sqs/", "/s3/"), "SignatureDoesNotMatch"},
			"no signature":     {testCredentials, func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationToken"},
			"basic":            {testCredentials, header("Authorization", "Basic eDp5"), "IncompleteSignature"},
			"torn":             {testCredentials, replace("SignedHeaders=", "Headers="), "IncompleteSignature"},
			"bad date":         {testCredentials, header("X-Amz-Date", "yesterday"), "IncompleteSignature"},
			"14 minutes late":  {testCredentials, func(*http.Request) { <-time.After(14 * time.Minute) }, ""},
			"16 minutes late":  {testCredentials, func(*http.Request) { <-time.After(16 * time.Minute) }, "SignatureDoesNotMatch"},
		}
		for name, test := range tests {
			if got := code(list(test.credentials, test.change)); got != test.want {
				t.Errorf("%s: %q, want %q", name, got, test.want)
			}
		}
		synctest.Wait()
	})
}

// A clock that is behind the client's refuses requests of the future.
func TestSignatureOfTheFuture(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	opts.Now = func() time.Time { return time.Now().Add(-16 * time.Minute) }
	_, err := directClient(open(t, opts)).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if code(err) != "SignatureDoesNotMatch" || !strings.Contains(err.Error(), "not yet current") {
		t.Errorf("16 minutes early: %v", err)
	}
}

// changing alters a signed request on its way.
type changing struct {
	next   direct
	change func(*http.Request)
}

func (c changing) Do(r *http.Request) (*http.Response, error) {
	c.change(r)
	return c.next.Do(r)
}

// Requests that no SDK makes get an answer that says what to do.
func TestOtherProtocols(t *testing.T) {
	t.Parallel()
	s := open(t, testOptions(t))
	get := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	query := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader("Action=ListQueues"))
	query.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	large := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(strings.Repeat("x", maxRequestBytes+1)))
	torn := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", io.MultiReader(strings.NewReader("{"), failing{}))
	tests := map[string]struct {
		request *http.Request
		status  int
		want    string
	}{
		"get":   {get, http.StatusBadRequest, "AWS JSON 1.0"},
		"query": {query, http.StatusForbidden, "<ErrorResponse><Error><Type>Sender</Type><Code>MissingAuthenticationToken"},
		"large": {large, http.StatusRequestEntityTooLarge, "longer than 8388608 bytes"},
		"torn":  {torn, http.StatusBadRequest, "ended early"},
	}
	for name, test := range tests {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, test.request)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: %d %s, want %d and %q", name, w.Code, w.Body, test.status, test.want)
		}
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	good := testOptions(t)
	tests := map[string]struct {
		edit func(*Options)
		want string
	}{
		"path":        {func(o *Options) { o.Path = "" }, "Path"},
		"credentials": {func(o *Options) { o.Credentials.SecretAccessKey = "" }, "Credentials"},
		"account":     {func(o *Options) { o.AccountID = "12345678901x" }, "AccountID"},
		"endpoint":    {func(o *Options) { o.Endpoint = "localhost" }, "Endpoint"},
		"directory":   {func(o *Options) { o.Path = "/nowhere/at/all/queues.db" }, "/nowhere/at/all/queues.db"},
	}
	for name, test := range tests {
		opts := good
		test.edit(&opts)
		if _, err := Open(t.Context(), opts); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error that names %s", name, err, test.want)
		}
	}
}
