package store

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
)

// ClientOptions say where S3 is. The zero value is AWS itself.
type ClientOptions struct {
	Endpoint    string        // base URL of an S3-compatible endpoint; "" is AWS
	MaxAttempts int           // tries per request, 5 by default
	MaxBackoff  time.Duration // longest wait between tries, 2 s by default
	Silence     time.Duration // longest wait for an answer to begin, 60 s by default; not for a client of one's own
}

// NewClient returns an S3 client that retries with full jitter, also after 409
// ConditionalRequestConflict, which means "try again", never "exists", when KMS
// is asked too often, and when the endpoint stays silent.
func NewClient(cfg aws.Config, o ClientOptions) *s3.Client {
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 5
	}
	if o.MaxBackoff == 0 {
		o.MaxBackoff = 2 * time.Second
	}
	if o.Silence == 0 {
		o.Silence = time.Minute
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = awshttp.NewBuildableClient()
	}
	if c, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		cfg.HTTPClient = c.WithTransportOptions(func(t *http.Transport) { t.ResponseHeaderTimeout = o.Silence })
	}
	return s3.NewFromConfig(cfg, func(so *s3.Options) {
		// Ranges have no checksum; the SDK would say so for each of them.
		so.DisableLogOutputChecksumValidationSkipped = true
		if o.Endpoint != "" {
			so.BaseEndpoint = aws.String(o.Endpoint)
			so.UsePathStyle = true
		}
		so.Retryer = retry.NewStandard(func(ro *retry.StandardOptions) {
			ro.MaxAttempts = o.MaxAttempts
			ro.MaxBackoff = o.MaxBackoff
			ro.Retryables = append(ro.Retryables, retry.RetryableErrorCode{
				Codes: map[string]struct{}{"ConditionalRequestConflict": {}, "KMS.ThrottlingException": {}},
			})
		})
	})
}

// onLoopback tells whether an endpoint is on this machine.
func onLoopback(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// unsignedPayload signs a request without its body, as the SDK does over TLS: on
// this machine nobody comes between. The body needs a checksum then.
func unsignedPayload(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		unsigned := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(v4.SetPayloadHash(ctx, "UNSIGNED-PAYLOAD"), in)
		}
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("unsignedPayload", unsigned), middleware.After)
	})
}
