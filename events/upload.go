package events

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	lambdaevents "github.com/aws/aws-lambda-go/events"
)

// Upload is one object that S3 says was created.
type Upload struct {
	Bucket    string
	Key       string // decoded
	Version   string
	ETag      string // with quotes, as the S3 API gives it
	Size      int64  // bytes
	Sequencer string
	At        time.Time
}

// parseUploads reads S3's notification. Records of other kinds than
// ObjectCreated are left out.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func parseUploads(body []byte) ([]Upload, error) {
	var event lambdaevents.S3Event
	if err := decode(body, &event); err != nil {
		return nil, err
	}
	var uploads []Upload
	for i := range event.Records {
		r := &event.Records[i]
		if !strings.HasPrefix(strings.TrimPrefix(r.EventName, "s3:"), "ObjectCreated:") {
			continue
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil || key == "" || r.S3.Bucket.Name == "" {
			return nil, fmt.Errorf("%w: record %d names no object", ErrMessage, i)
		}
		uploads = append(uploads, Upload{
			Bucket: r.S3.Bucket.Name, Key: key, Version: r.S3.Object.VersionID,
			ETag: quote(r.S3.Object.ETag), Size: r.S3.Object.Size,
			Sequencer: r.S3.Object.Sequencer, At: r.EventTime,
		})
	}
	return uploads, nil
}

// quote gives an ETag the quotes that notifications leave out.
func quote(etag string) string {
	if etag == "" || strings.HasPrefix(etag, `"`) {
		return etag
	}
	return `"` + etag + `"`
}
