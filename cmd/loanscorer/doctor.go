package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/store"
)

// finding is what one check of doctor found.
type finding struct {
	Check  string `json:"check"`
	Level  level  `json:"level"`
	Found  string `json:"found"`
	Remedy string `json:"remedy,omitempty"` // what to do about it
}

// level is how bad a finding is.
type level string

const (
	levelOK   level = "ok"
	levelWarn level = "warn" // works, but look at it; or it cannot be seen
	levelFail level = "FAIL"
)

// doctor looks at what a service is made of.
type doctor struct {
	connection
	model    modelFlags
	shadow   shadowFlag
	receives int
	objects  *store.Store
	s3       *s3.Client
	findings []finding
}

func (d *doctor) add(check string, l level, remedy, format string, args ...any) {
	d.findings = append(d.findings, finding{Check: check, Level: l, Found: fmt.Sprintf(format, args...), Remedy: remedy})
}

func doctorCommand(s streams) *cobra.Command {
	var d doctor
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check bucket, queues, announcements, model, secret and clock, and say what to fix",
		Long: `Check what a service is made of: that the bucket answers, keeps versions, and can be
read and written under conditions; that the queues have dead-letter queues that keep
messages longer; that S3 announces uploads to the bulk queue; the model; the secret
behind ids; and the clock. It says what to fix.

It sees with the credentials that it is given, not with those of the functions. It
writes one object, the model that it is given, under models/, where workers put it
anyway. Exit 0: all is well, 1: something is broken, 3: something should be looked at.`,
		Example: `  loanscorer doctor
  loanscorer doctor --s3-endpoint aws --sqs-endpoint aws --bucket my-bucket --applications-queue URL --bulk-queue URL`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d.examine(cmd.Context())
			if err := d.print(s.out, asJSON); err != nil {
				return err
			}
			return d.verdict()
		},
	}
	d.storeFlags(cmd.Flags())
	d.queueFlags(cmd.Flags())
	d.model.flags(cmd.Flags())
	d.shadow.flag(cmd.Flags())
	cmd.Flags().IntVar(&d.receives, "max-receives", 5, "deliveries that the workers believe in")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// examine makes every check that the ones before it allow.
func (d *doctor) examine(ctx context.Context) {
	d.checkModel()
	d.checkSecret()
	cfg, err := d.aws(ctx, d.s3Endpoint, "http://"+defaultS3Addr)
	if err != nil {
		d.add("credentials", levelFail, "", "%v", err)
		return
	}
	d.s3 = store.NewClient(cfg, store.ClientOptions{Endpoint: endpoint(d.s3Endpoint)})
	d.objects = store.New(d.s3, d.bucket)
	if d.checkBucket(ctx) {
		d.checkObjects(ctx)
		d.checkShadow(ctx)
	}
	cfg, err = d.aws(ctx, d.sqsEndpoint, "http://"+defaultSQSAddr)
	if err != nil {
		d.add("queues", levelFail, "", "%v", err)
		return
	}
	d.checkQueues(ctx, events.NewClient(cfg, endpoint(d.sqsEndpoint)))
}

func (d *doctor) print(out io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(d.findings)
	}
	for _, f := range d.findings {
		if _, err := fmt.Fprintf(out, "%-5s %-18s %s\n", f.Level, f.Check, f.Found); err != nil {
			return err
		}
		if f.Remedy != "" {
			if _, err := fmt.Fprintf(out, "%-24s -> %s\n", "", f.Remedy); err != nil {
				return err
			}
		}
	}
	return nil
}

// verdict is the exit: errFailed, errPartly or nil.
func (d *doctor) verdict() error {
	var err error
	for _, f := range d.findings {
		switch f.Level {
		case levelFail:
			return errFailed
		case levelWarn:
			err = errPartly
		case levelOK:
		}
	}
	return err
}

func (d *doctor) checkModel() {
	m, err := d.model.load()
	switch {
	case d.model.published():
		return // looked at in the bucket
	case err != nil:
		d.add("model", levelFail, "give the file that was approved; 'loanscorer model show' reads it", "%v", err)
	default:
		d.add("model", levelOK, "", "%s %s, %s", m.Name(), m.Version(), m.SHA256())
	}
}

func (d *doctor) checkSecret() {
	_, err := d.ids()
	var usage *usageError
	switch {
	case err == nil:
		d.add("id secret", levelOK, "", "is there")
	case errors.As(err, &usage):
		d.add("id secret", levelFail, "", "%v", err)
	case d.s3Endpoint == endpointAWS && d.idSecret == "":
		d.add("id secret", levelWarn, "the stack gives its own to the functions; api and worker elsewhere need LOANSCORER_ID_SECRET", "none was given")
	default:
		d.add("id secret", levelFail, "'openssl rand -hex 32' makes one; api and worker need the same", "%v", err)
	}
}
