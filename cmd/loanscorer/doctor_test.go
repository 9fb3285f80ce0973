package main

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/model"
)

// TestDoctor breaks one thing after the other of a running service.
func TestDoctor(t *testing.T) {
	s := newServer(t)
	s.start()
	sqsEndpoint := "http://" + s.args[len(s.args)-1]
	args := []string{"--data", s.data, "--s3-endpoint", "http://" + s.s3, "--sqs-endpoint", sqsEndpoint}
	doctor := func(more ...string) result {
		return call(t, "", append(append([]string{"doctor"}, args...), more...)...)
	}

	healthy := doctor().want(t, exitOK, "ok +writing +what exists is not written over", "ok +clock", "ok +bulk dead +no dead letters")
	if strings.Contains(healthy.out, "->") {
		t.Errorf("a healthy service needs a remedy:\n%s", healthy.out)
	}
	doctor("--json").want(t, exitOK, `"check": "writing",\n +"level": "ok"`)
	doctor("--bucket", "nope").want(t, exitFailed, "FAIL +bucket +nope at .*no such bucket", "--bucket")
	doctor("--max-receives", "7").want(t, exitFailed, "FAIL +bulk queue +gives up after 5 deliveries, workers believe in 7")
	doctor("--bulk-queue", "nope").want(t, exitFailed, "FAIL +bulk queue", "--bulk-queue")
	doctor("--bulk-queue", defaultApplications).want(t, exitFailed, "FAIL +queues +both are")
	doctor("--bulk-queue", defaultBulk+"-dlq").want(t, exitFailed, "FAIL +bulk queue +has no dead-letter queue")
	doctor("--model", "nowhere.json").want(t, exitFailed, "FAIL +model")
	doctor("--model", strings.Repeat("0", 64)).want(t, exitFailed, "no model 0+ in the bucket")
	doctor("--shadow", "nowhere.json").want(t, exitFailed, "FAIL +shadow model +--shadow: model: open nowhere.json")
	doctor("--shadow", strings.Repeat("0", 64)).want(t, exitFailed, "FAIL +shadow model +--shadow: no model 0+ in the bucket")
	doctor("--shadow", "default").want(t, exitOK, "ok +shadow model +loan-approval-forest")
	doctor("--id-secret", "xyz").want(t, exitFailed, "FAIL +id secret")

	// failure 28: dead letters are told.
	c := &connection{data: s.data}
	cfg, err := c.aws(t.Context(), sqsEndpoint, "")
	if err != nil {
		t.Fatal(err)
	}
	client := events.NewClient(cfg, sqsEndpoint)
	url, err := queueURL(t.Context(), client, defaultApplications+"-dlq")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("{}")}); err != nil {
		t.Fatal(err)
	}
	doctor().want(t, exitPartly, "warn +applications dead +1 messages failed on every try", "start-message-move-task")

	// A model that somebody wrote over.
	cfg, err = c.aws(t.Context(), "http://"+s.s3, "")
	if err != nil {
		t.Fatal(err)
	}
	objects := store.New(store.NewClient(cfg, store.ClientOptions{Endpoint: "http://" + s.s3}), defaultBucket)
	if _, err := objects.Put(t.Context(), status.ModelKey(model.Default().SHA256()), []byte("{}"), store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	doctor().want(t, exitFailed, "FAIL +model +models/.* holds other bytes")
	s.terminate()
	doctor().want(t, exitFailed, "FAIL +bucket", "is 'loanscorer serve' running")
}

// failure 59
func TestDoctorClock(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for off, want := range map[time.Duration]level{
		0: levelOK, -900 * time.Millisecond: levelOK, 2 * time.Second: levelOK, -30 * time.Second: levelWarn, time.Minute: levelWarn,
		10 * time.Minute: levelFail, -time.Hour: levelFail,
	} {
		var d doctor
		d.checkClock(began.Add(off), began, began.Add(50*time.Millisecond))
		if got := d.findings[0]; got.Level != want {
			t.Errorf("%s off: %+v, want %s", off, got, want)
		}
	}
}

func TestDoctorAnnouncement(t *testing.T) {
	t.Parallel()
	filter := func(name types.FilterRuleName, value string) *types.NotificationConfigurationFilter {
		return &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{{Name: name, Value: &value}}}}
	}
	created := []types.Event{"s3:ObjectCreated:*"}
	for name, tt := range map[string]struct {
		q    types.QueueConfiguration
		want string
	}{
		"right":      {types.QueueConfiguration{Events: created, Filter: filter("prefix", "uploads/")}, ""},
		"only PUT":   {types.QueueConfiguration{Events: []types.Event{"s3:ObjectCreated:Put"}, Filter: filter("prefix", "uploads/")}, "not every way"},
		"everything": {types.QueueConfiguration{Events: created}, "writes itself"},
		"results":    {types.QueueConfiguration{Events: created, Filter: filter("prefix", "results/")}, "not all that is under uploads/"},
		"only .csv":  {types.QueueConfiguration{Events: created, Filter: filter("suffix", ".csv")}, "not all that is under uploads/"},
	} {
		if got := announcementFault(&tt.q); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
