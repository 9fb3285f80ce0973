package store

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// ClientOptions say where S3 is. The zero value is AWS itself.
type ClientOptions struct {
	Endpoint    string        // base URL of an S3-compatible endpoint; "" is AWS
	MaxAttempts int           // tries per request, 5 by default
	MaxBackoff  time.Duration // longest wait between tries, 2 s by default
}

// NewClient returns an S3 client that retries with full jitter, also after 409
// ConditionalRequestConflict, which means "try again", never "exists".
func NewClient(cfg aws.Config, o ClientOptions) *s3.Client {
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 5
	}
	if o.MaxBackoff == 0 {
		o.MaxBackoff = 2 * time.Second
	}
	return s3.NewFromConfig(cfg, func(so *s3.Options) {
		if o.Endpoint != "" {
			so.BaseEndpoint = aws.String(o.Endpoint)
			so.UsePathStyle = true
		}
		so.Retryer = retry.NewStandard(func(ro *retry.StandardOptions) {
			ro.MaxAttempts = o.MaxAttempts
			ro.MaxBackoff = o.MaxBackoff
			ro.Retryables = append(ro.Retryables, retry.RetryableErrorCode{
				Codes: map[string]struct{}{"ConditionalRequestConflict": {}},
			})
		})
	})
}
