package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// doctorPatience is how long a store or queue may take to answer.
const doctorPatience = 3 * time.Second

// How far the clocks may be apart: S3 refuses requests beyond 15 minutes, and
// leases last seconds.
const (
	skewWarn = 5 * time.Second
	skewFail = 5 * time.Minute
)

// checkBucket reports whether it is worth going on.
func (d *doctor) checkBucket(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	began := time.Now()
	out, err := d.s3.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &d.bucket})
	if err != nil {
		remedy := "is the name right (--bucket), and the endpoint (--s3-endpoint, --region)? is 'loanscorer serve' running?"
		if denied(err) {
			remedy = "allow s3:ListBucket on it to these credentials"
		}
		d.add("bucket", levelFail, remedy, "%s at %s: %v", d.bucket, d.s3Endpoint, shortly(err))
		return false
	}
	d.add("bucket", levelOK, "", "%s answers", d.bucket)
	if at, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok {
		d.checkClock(at, began, time.Now())
	}
	v, err := d.s3.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &d.bucket})
	switch {
	case err != nil && d.s3Endpoint == endpointAWS:
		d.add("versions", levelWarn, "allow s3:GetBucketVersioning to look", "cannot be seen: %v", shortly(err))
	case err != nil:
	case v.Status == types.BucketVersioningStatusEnabled:
		d.add("versions", levelOK, "", "are kept")
	case d.s3Endpoint == endpointAWS:
		d.add("versions", levelFail, "switch versioning on: reads of uploads are pinned to versions, and deletions can be undone", "are not kept")
	}
	return true
}

// checkClock compares the store's clock, which has whole seconds, with ours.
func (d *doctor) checkClock(theirs, began, ended time.Time) {
	skew := time.Duration(0)
	switch {
	case theirs.Before(began.Add(-time.Second)):
		skew = began.Sub(theirs)
	case theirs.After(ended.Add(time.Second)):
		skew = ended.Sub(theirs)
	}
	const remedy = "set the clock: chrony or systemd-timesyncd"
	switch {
	case skew.Abs() > skewFail:
		d.add("clock", levelFail, remedy, "is %s off that of the store", skew.Round(time.Second))
	case skew.Abs() > skewWarn:
		d.add("clock", levelWarn, remedy, "is %s off that of the store", skew.Round(time.Second))
	default:
		d.add("clock", levelOK, "", "agrees with that of the store")
	}
}

// checkShadow looks at the shadow model that workers are given, if there is one.
func (d *doctor) checkShadow(ctx context.Context) {
	if d.shadow.name == "" {
		return
	}
	err := d.shadow.fetch(ctx, d.objects)
	if err == nil {
		_, err = d.shadow.scorer()
	}
	if err != nil {
		d.add("shadow model", levelFail, "workers do not start with it", "%v", err)
		return
	}
	m := d.shadow.model.loaded
	d.add("shadow model", levelOK, "", "%s %s, %s", m.Name(), m.Version(), m.SHA256())
}

// checkObjects reads, lists and writes under conditions: the model, which
// workers put there anyway.
func (d *doctor) checkObjects(ctx context.Context) {
	_, err := d.objects.Head(ctx, status.ApplicationsPrefix+"00/doctor-looks-for-what-is-not-there.json")
	switch {
	case errors.Is(err, store.ErrNotFound):
		d.add("reading", levelOK, "", "what is missing is told so")
	case denied(err):
		d.add("reading", levelFail, "allow s3:ListBucket on the bucket: without it what is missing looks forbidden", "is forbidden")
	default:
		d.add("reading", levelFail, "", "%v", err)
	}
	if _, err := d.objects.Folders(ctx, status.UploadsPrefix); err != nil {
		d.add("listing", levelFail, "allow s3:ListBucket on the bucket", "%s: %v", status.UploadsPrefix, err)
	}
	if d.model.published() {
		if err := d.model.fetch(ctx, d.objects); err != nil {
			d.add("model", levelFail, "", "%v", err)
			return
		}
	}
	m, err := d.model.load()
	if err != nil {
		return // told before
	}
	key, o := status.ModelKey(m.SHA256()), store.PutOptions{ContentType: "application/json"}
	if _, err := d.objects.Create(ctx, key, m.Bytes(), o); err != nil && !errors.Is(err, store.ErrExists) {
		d.add("writing", levelFail, "allow s3:PutObject under models/, and the bucket's key (kms:GenerateDataKey)", "%s: %v", key, err)
		return
	}
	switch _, err := d.objects.Create(ctx, key, m.Bytes(), o); {
	case errors.Is(err, store.ErrExists):
		d.add("writing", levelOK, "", "what exists is not written over")
	case err == nil:
		d.add("writing", levelFail, "use a store that honours If-None-Match: without it applications are decided twice", "conditions are ignored")
	default:
		d.add("writing", levelFail, "", "%s: %v", key, err)
	}
	data, _, err := d.objects.Get(ctx, key, maxModelFile)
	switch {
	case err != nil:
		d.add("model", levelFail, "allow s3:GetObject, and the bucket's key (kms:Decrypt)", "%s: %v", key, err)
	case !bytes.Equal(data, m.Bytes()):
		d.add("model", levelFail, "somebody wrote over it: restore the first version of the object", "%s holds other bytes than the model", key)
	default:
		d.add("model", levelOK, "", "is in the bucket")
	}
}

// denied reports whether an error is the answer 403.
func denied(err error) bool {
	var answer *awshttp.ResponseError
	return errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusForbidden
}

// checkAnnouncement looks whether S3 announces uploads to the bulk queue.
func (d *doctor) checkAnnouncement(ctx context.Context, bulkARN string) {
	out, err := d.s3.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &d.bucket})
	if err != nil {
		var api smithy.APIError
		if d.s3Endpoint != endpointAWS && errors.As(err, &api) && !denied(err) {
			return // a store that announces in its own way, such as ours
		}
		d.add("announcements", levelWarn, "allow s3:GetBucketNotification to look", "cannot be seen: %v", shortly(err))
		return
	}
	for i := range out.QueueConfigurations {
		q := &out.QueueConfigurations[i]
		if aws.ToString(q.QueueArn) != bulkARN {
			continue
		}
		if fault := announcementFault(q); fault != "" {
			d.add("announcements", levelFail, "announce s3:ObjectCreated:* under "+status.UploadsPrefix+" to the bulk queue", "%s", fault)
			return
		}
		d.add("announcements", levelOK, "", "uploads are announced to the bulk queue")
		return
	}
	if d.s3Endpoint != endpointAWS {
		return
	}
	d.add("announcements", levelFail, "announce s3:ObjectCreated:* under "+status.UploadsPrefix+" to "+bulkARN+
		"; until then uploads are found by maintenance only", "no uploads are announced to the bulk queue")
}

// announcementFault says what is wrong with an announcement, or nothing.
func announcementFault(q *types.QueueConfiguration) string {
	all := false
	for _, e := range q.Events {
		all = all || e == "s3:ObjectCreated:*"
	}
	if !all {
		return "not every way of uploading is announced"
	}
	if q.Filter == nil || q.Filter.Key == nil || len(q.Filter.Key.FilterRules) == 0 {
		return "everything is announced, also what the service writes itself"
	}
	for _, r := range q.Filter.Key.FilterRules {
		if r.Name == types.FilterRuleNameSuffix || aws.ToString(r.Value) != status.UploadsPrefix {
			return "what is announced is not all that is under " + status.UploadsPrefix
		}
	}
	return ""
}
