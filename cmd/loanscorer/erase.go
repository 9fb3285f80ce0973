package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
	"github.com/loanscorer/loanscorer/scorer"
)

func eraseCommand(s streams) *cobra.Command {
	var c connection
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use:   "erase ID...",
		Short: "Remove what is kept of single applications, for good",
		Long: `Remove what is kept of single applications, for good: their rows in the result files,
also in that of the merged day, what their documents say, and old versions of these
objects. An empty document stays, so that a message that comes again is not scored
again; the status is then 'rejected' with the code 'erased'. The rows of others stay
as they are.

An application that is not done yet is refused. Not touched are messages in dead-letter
queues (14 days at most), uploaded files and their results, and copies made elsewhere:
docs/operations.md, "Retention and erasure", says what to do about those, and how to
find ids by Loan_ID. It needs s3:GetObject, s3:PutObject, s3:ListBucketVersions and
s3:DeleteObjectVersion. Exit 3: some were erased, others not.`,
		Example: `  loanscorer erase 01KAN1J4S6F0000000000000007Z1V5QJ2X3M4T8 --yes
  loanscorer erase ID --yes --s3-endpoint aws --bucket my-bucket`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, id := range args {
				if !status.ValidID(id) && !status.GatewayID(id) {
					return usagef("%s: is no id of an application", id)
				}
			}
			if !yes {
				return usagef("this cannot be undone: say --yes")
			}
			objects, err := c.store(cmd.Context())
			if err != nil {
				return err
			}
			cfg, err := c.aws(cmd.Context(), c.s3Endpoint, "http://"+defaultS3Addr)
			if err != nil {
				return err
			}
			versions := store.NewClient(cfg, store.ClientOptions{Endpoint: endpoint(c.s3Endpoint)})
			return erase(cmd.Context(), s, &erasing{
				eraser: &scorer.Eraser{Objects: objects}, versions: versions, bucket: c.bucket, asJSON: asJSON,
			}, args)
		},
	}
	c.storeFlags(cmd.Flags())
	cmd.Flags().BoolVar(&yes, "yes", false, "really")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each")
	return cmd
}

// versionsAPI is what is needed to remove old versions; *s3.Client has it.
type versionsAPI interface {
	GetBucketVersioning(context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error)
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

type erasing struct {
	eraser   *scorer.Eraser
	versions versionsAPI
	bucket   string
	asJSON   bool
}

// erase goes through the ids; one that fails does not keep it from the others.
func erase(ctx context.Context, s streams, e *erasing, ids []string) error {
	failures := 0
	for _, id := range ids {
		out, err := e.eraser.Erase(ctx, id)
		old := 0
		if err == nil {
			old, err = e.purge(ctx, out.Keys)
		}
		if err != nil {
			failures++
			printError(s.err, err)
			continue
		}
		if err := e.tell(s.out, &out, old); err != nil {
			return err
		}
	}
	switch failures {
	case 0:
		return nil
	case len(ids):
		return errFailed
	default:
		return errPartly
	}
}

func (e *erasing) tell(w io.Writer, out *scorer.Erased, old int) error {
	if e.asJSON {
		return json.NewEncoder(w).Encode(struct {
			*scorer.Erased
			OldVersions int `json:"old_versions"`
		}{out, old})
	}
	text := ""
	if !out.Merged && len(out.Keys) > 1 {
		text = "; its day is not merged yet: say it again in a day, in case a merge was under way"
	}
	_, err := fmt.Fprintf(w, "%s  erased: %d rows, %d old versions%s\n", out.ID, out.Rows, old, text)
	return err
}

// purge removes all versions of objects but the newest, and returns how many.
func (e *erasing) purge(ctx context.Context, keys []string) (int, error) {
	v, err := e.versions.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &e.bucket})
	if err != nil && denied(err) {
		return 0, fmt.Errorf("old versions cannot be seen: allow s3:GetBucketVersioning: %w", shortly(err))
	}
	if err != nil || v.Status == "" {
		return 0, nil //nolint:nilerr // a store without versions
	}
	removed := 0
	for _, key := range keys {
		n, err := e.purgeKey(ctx, key)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("old versions of %q: %w", key, err)
		}
	}
	return removed, nil
}

func (e *erasing) purgeKey(ctx context.Context, key string) (int, error) {
	removed := 0
	in := &s3.ListObjectVersionsInput{Bucket: &e.bucket, Prefix: &key}
	for {
		page, err := e.versions.ListObjectVersions(ctx, in)
		if err != nil {
			return removed, shortly(err)
		}
		for i := range page.Versions {
			old := &page.Versions[i]
			if aws.ToString(old.Key) != key || aws.ToBool(old.IsLatest) {
				continue
			}
			if _, err := e.versions.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &e.bucket, Key: &key, VersionId: old.VersionId}); err != nil {
				return removed, shortly(err)
			}
			removed++
		}
		if !aws.ToBool(page.IsTruncated) {
			return removed, nil
		}
		if page.NextKeyMarker == nil {
			return removed, errors.New("the list of versions breaks off")
		}
		in.KeyMarker, in.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
	}
}
