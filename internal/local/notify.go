package local

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/loanscorer/loanscorer/internal/local/s3gw"
)

// notifier puts S3 events into a queue, as a bucket's event notification does.
type notifier struct {
	bucket, prefix, queue, region string
	send                          func(ctx context.Context, queue, body string) error
}

// created queues the event of an object in the bucket, below the prefix. It returns after
// the message is on disk.
func (n *notifier) created(ctx context.Context, e s3gw.Event) error {
	if e.Bucket != n.bucket || !strings.HasPrefix(e.Key, n.prefix) {
		return nil
	}
	body, err := json.Marshal(notification(n.region, e))
	if err != nil {
		return err
	}
	if err := n.send(ctx, n.queue, string(body)); err != nil {
		return fmt.Errorf("queue %s: %w", n.queue, err)
	}
	return nil
}

// The message of an S3 event notification, version 2.1, as far as it means something here:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
type (
	message struct {
		Records []record `json:"Records"`
	}
	record struct {
		EventVersion string            `json:"eventVersion"`
		EventSource  string            `json:"eventSource"`
		Region       string            `json:"awsRegion"`
		EventTime    string            `json:"eventTime"`
		EventName    string            `json:"eventName"`
		UserIdentity identity          `json:"userIdentity"`
		Request      map[string]string `json:"requestParameters"`
		Response     map[string]string `json:"responseElements"`
		S3           entity            `json:"s3"`
	}
	identity struct {
		PrincipalID string `json:"principalId"`
	}
	entity struct {
		SchemaVersion   string `json:"s3SchemaVersion"`
		ConfigurationID string `json:"configurationId"`
		Bucket          bucket `json:"bucket"`
		Object          object `json:"object"`
	}
	bucket struct {
		Name          string   `json:"name"`
		OwnerIdentity identity `json:"ownerIdentity"`
		ARN           string   `json:"arn"`
	}
	object struct {
		Key       string `json:"key"` // URL-encoded, a space as "+"
		Size      int64  `json:"size"`
		ETag      string `json:"eTag"`
		VersionID string `json:"versionId,omitempty"`
		Sequencer string `json:"sequencer"`
	}
)

func notification(region string, e s3gw.Event) message {
	const nobody = "loanscorer"
	return message{Records: []record{{
		EventVersion: "2.1", EventSource: "aws:s3", Region: region,
		EventTime: e.Time.UTC().Format("2006-01-02T15:04:05.000Z"), EventName: e.Name,
		UserIdentity: identity{nobody},
		Request:      map[string]string{"sourceIPAddress": "127.0.0.1"},
		Response:     map[string]string{},
		S3: entity{
			SchemaVersion: "1.0", ConfigurationID: "loanscorer",
			Bucket: bucket{Name: e.Bucket, OwnerIdentity: identity{nobody}, ARN: "arn:aws:s3:::" + e.Bucket},
			Object: object{
				Key: encodeKey(e.Key), Size: e.Size, ETag: e.ETag,
				VersionID: e.VersionID, Sequencer: sequencer(e),
			},
		},
	}}}
}

// encodeKey encodes a key the way S3 does in events: a form value, slashes as they are.
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

// sequencer is the object's; a directory object has none and gets its time.
func sequencer(e s3gw.Event) string {
	if e.Sequencer != "" {
		return e.Sequencer
	}
	return fmt.Sprintf("%016X", e.Time.UnixNano())
}
