package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/spf13/pflag"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/local"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// Names of what serve makes, and the defaults of the commands that use it.
const (
	defaultBucket       = "loanscorer"
	defaultRegion       = "us-east-1"
	defaultData         = "./loanscorer-data"
	defaultAPIAddr      = "127.0.0.1:8080"
	defaultS3Addr       = "127.0.0.1:9000"
	defaultSQSAddr      = "127.0.0.1:9324"
	defaultApplications = "loanscorer-applications"
	defaultBulk         = "loanscorer-bulk"

	endpointAWS  = "aws" // AWS itself, instead of an endpoint's address
	idSecretFile = "id-secret"
)

// connection says where S3 and SQS are.
type connection struct {
	data         string
	s3Endpoint   string
	sqsEndpoint  string
	bucket       string
	region       string
	applications string
	bulk         string
	idSecret     string
	given        func(flag string) bool // on the command line or by the environment
}

// storeFlags add what is needed to reach the bucket.
func (c *connection) storeFlags(f *pflag.FlagSet) {
	f.StringVar(&c.data, "data", defaultData, "data directory of 'loanscorer serve', for its credentials")
	f.StringVar(&c.s3Endpoint, "s3-endpoint", "http://"+defaultS3Addr, "S3 endpoint, or 'aws'")
	f.StringVar(&c.bucket, "bucket", defaultBucket, "bucket")
	f.StringVar(&c.region, "region", "", "region (default: the data directory's, or that of the AWS configuration)")
	c.given = f.Changed
}

// queueFlags add what is needed to reach the queues.
func (c *connection) queueFlags(f *pflag.FlagSet) {
	f.StringVar(&c.sqsEndpoint, "sqs-endpoint", "http://"+defaultSQSAddr, "SQS endpoint, or 'aws'")
	f.StringVar(&c.applications, "applications-queue", defaultApplications, "name or URL of the applications queue")
	f.StringVar(&c.bulk, "bulk-queue", defaultBulk, "name or URL of the bulk queue")
	f.StringVar(&c.idSecret, "id-secret", "", "secret behind ids, 64 or more hexadecimal digits "+
		"(default: the file id-secret in the data directory)")
}

// aws returns the SDK's configuration for an endpoint: the credentials of the
// data directory where it is that of 'loanscorer serve', otherwise the SDK's
// own. For another endpoint than the standard one AWS_ACCESS_KEY_ID comes
// first, unless --data is given.
func (c *connection) aws(ctx context.Context, endpoint, standard string) (aws.Config, error) {
	foreign := endpoint != standard && os.Getenv("AWS_ACCESS_KEY_ID") != "" && (c.given == nil || !c.given("data"))
	if endpoint != endpointAWS && !foreign {
		found, err := local.ReadCredentials(c.data)
		if err == nil {
			if c.region != "" {
				found.Region = c.region
			}
			return staticConfig(found), nil
		}
		if !errors.Is(err, local.ErrNoCredentials) {
			return aws.Config{}, fmt.Errorf("credentials: %w", err)
		}
		if os.Getenv("AWS_ACCESS_KEY_ID") == "" && os.Getenv("AWS_PROFILE") == "" {
			return aws.Config{}, fmt.Errorf("no credentials for %s: %s holds none and AWS_ACCESS_KEY_ID is not set; "+
				"start 'loanscorer serve' or give its directory with --data", endpoint, c.data)
		}
	}
	var options []func(*config.LoadOptions) error
	switch {
	case c.region != "":
		options = append(options, config.WithRegion(c.region))
	case endpoint != endpointAWS:
		options = append(options, config.WithDefaultRegion(defaultRegion))
	}
	return config.LoadDefaultConfig(ctx, options...)
}

func staticConfig(c local.Credentials) aws.Config {
	return aws.Config{
		Region:      c.Region,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, ""),
	}
}

// store returns the bucket.
func (c *connection) store(ctx context.Context) (*store.Store, error) {
	cfg, err := c.aws(ctx, c.s3Endpoint, "http://"+defaultS3Addr)
	if err != nil {
		return nil, err
	}
	objects := store.New(store.NewClient(cfg, store.ClientOptions{Endpoint: endpoint(c.s3Endpoint)}), c.bucket)
	var answer *awshttp.ResponseError
	err = objects.Ready(ctx)
	if errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusForbidden {
		err = nil // it is there; what is needed may be allowed all the same
	}
	if err != nil {
		return nil, fmt.Errorf("no bucket %q at S3 endpoint %s (--bucket, --s3-endpoint; is 'loanscorer serve' running?): %w",
			c.bucket, c.s3Endpoint, shortly(err))
	}
	return objects, nil
}

// shortly is what lies at the bottom of an SDK error, which has a line of words
// about the request before it.
func shortly(err error) error {
	var api smithy.APIError
	var network *net.OpError
	var status *awshttp.ResponseError
	switch {
	case errors.As(err, &network):
		return network
	case errors.As(err, &status) && status.HTTPStatusCode() == http.StatusNotFound:
		return errors.New("no such bucket")
	case errors.As(err, &api):
		return api
	default:
		return err
	}
}

func endpoint(s string) string {
	if s == endpointAWS {
		return ""
	}
	return s
}

// backends are the clients that one side of the service works with.
type backends struct {
	objects      *store.Store
	queues       *sqs.Client
	applications string // queue URLs
	bulk         string
	ids          *status.IDs
}

// ready reports whether the bucket and the applications queue answer.
func (b *backends) ready(ctx context.Context) error {
	_, err := b.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &b.applications})
	if err != nil {
		err = fmt.Errorf("applications queue: %w", err)
	}
	return errors.Join(b.objects.Ready(ctx), err)
}

// connect returns clients for a store and queues that exist already.
func (c *connection) connect(ctx context.Context) (*backends, error) {
	objects, err := c.store(ctx)
	if err != nil {
		return nil, err
	}
	cfg, err := c.aws(ctx, c.sqsEndpoint, "http://"+defaultSQSAddr)
	if err != nil {
		return nil, err
	}
	b := &backends{objects: objects, queues: events.NewClient(cfg, endpoint(c.sqsEndpoint))}
	if b.ids, err = c.ids(); err != nil {
		return nil, err
	}
	if b.applications, err = queueURL(ctx, b.queues, c.applications); err != nil {
		return nil, err
	}
	if b.bulk, err = queueURL(ctx, b.queues, c.bulk); err != nil {
		return nil, err
	}
	return b, nil
}

func queueURL(ctx context.Context, client *sqs.Client, name string) (string, error) {
	if strings.Contains(name, "://") {
		return name, nil
	}
	out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return "", fmt.Errorf("queue %q: %w", name, shortly(err))
	}
	return *out.QueueUrl, nil
}

// ids returns the minter of ids from the flag or the data directory.
func (c *connection) ids() (*status.IDs, error) {
	text := c.idSecret
	if text == "" {
		data, err := os.ReadFile(filepath.Join(c.data, idSecretFile))
		if err != nil {
			return nil, fmt.Errorf("id secret: %w; set LOANSCORER_ID_SECRET to the one that the api uses", err)
		}
		text = string(data)
	}
	return status.ParseSecrets(text)
}
