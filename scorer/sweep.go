package scorer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// Sweep announces every upload that no batch was planned for, as if the store
// had: an event can be late or lost. It returns how many it announced. It reads
// one receipt per upload.
func Sweep(ctx context.Context, objects Objects, queue Queue, bucket string) (int, error) {
	announced := 0
	for info, err := range objects.List(ctx, status.UploadsPrefix, "") {
		if err != nil {
			return announced, fmt.Errorf("sweep: %w", err)
		}
		if strings.HasSuffix(info.Key, "/") {
			continue
		}
		planned, err := hasReceipt(ctx, objects, info)
		if err != nil {
			return announced, fmt.Errorf("sweep: %w", err)
		}
		if planned {
			continue
		}
		body, err := announcement(bucket, info)
		if err != nil {
			return announced, fmt.Errorf("sweep: %w", err)
		}
		if err := errors.Join(queue.SendAll(ctx, []string{body}, "")...); err != nil {
			return announced, fmt.Errorf("sweep: %w", err)
		}
		announced++
	}
	return announced, nil
}

func hasReceipt(ctx context.Context, objects Objects, info store.Info) (bool, error) {
	data, _, err := objects.Get(ctx, status.ReceiptKey(info.Key), maxDocument)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var r status.Receipt
	if err := status.Decode(data, &r); err != nil {
		return false, nil //nolint:nilerr // an unreadable receipt is none
	}
	// A HEAD tells the time in seconds, a listing may tell more.
	same := r.Source.LastModified.Truncate(time.Second).Equal(info.LastModified.Truncate(time.Second))
	return same && r.Source.ETag == info.ETag && r.Source.Size == info.Size, nil
}

// announcement is what S3 would have sent for the object.
func announcement(bucket string, info store.Info) (string, error) {
	event := lambdaevents.S3Event{Records: []lambdaevents.S3EventRecord{{
		EventVersion: "2.1", EventSource: "aws:s3", EventName: "ObjectCreated:Put", EventTime: info.LastModified.UTC().Truncate(time.Millisecond),
		S3: lambdaevents.S3Entity{
			SchemaVersion: "1.0", Bucket: lambdaevents.S3Bucket{Name: bucket},
			Object: lambdaevents.S3Object{
				Key: url.QueryEscape(info.Key), Size: info.Size, ETag: strings.Trim(info.ETag, `"`),
			},
		},
	}}}
	body, err := json.Marshal(event)
	if err != nil {
		return "", err
	}
	if _, err := events.ParseBulk(body); err != nil {
		return "", err
	}
	return string(body), nil
}
