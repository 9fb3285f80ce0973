package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// An application is erased, and its caller is told so.
func TestEraseCommand(t *testing.T) {
	s := newServer(t)
	s.start()
	stored := []string{"--data", s.data, "--s3-endpoint", "http://" + s.s3}
	remote := []string{"--server", s.url()}
	body := `{"Loan_ID":"SECRET-7","TotalIncome":5849,"LoanAmount":128,"Credit_History":1,"Property_Area":"Urban"}`
	id := strings.Fields(call(t, body, append([]string{"submit", "-", "--wait"}, remote...)...).want(t, exitOK, "decided").out)[0]

	call(t, "", append([]string{"erase", id}, stored...)...).want(t, exitUsage, "say --yes")
	call(t, "", append([]string{"erase", "x", "--yes"}, stored...)...).want(t, exitUsage, "no id of an application")
	other := "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
	call(t, "", append([]string{"erase", id, other, "--yes"}, stored...)...).
		want(t, exitPartly, id+"  erased: 1 rows, 0 old versions", other+": nothing is kept of it")
	call(t, "", append([]string{"erase", id, "--yes", "--json"}, stored...)...).want(t, exitOK, `"rows":0`)
	status := call(t, "", append([]string{"status", id, "--json"}, remote...)...).want(t, exitFailed, `"erased"`)
	if strings.Contains(status.out, "SECRET-7") {
		t.Errorf("the status still says %s", status.out)
	}
	if took := s.terminate(); took == 0 {
		t.Error("did not stop")
	}
}

// versioned is a bucket with versions, newest first, on pages of two.
type versioned struct {
	versions []types.ObjectVersion
	deleted  []string
}

func (v *versioned) GetBucketVersioning(context.Context, *s3.GetBucketVersioningInput, ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error) {
	return &s3.GetBucketVersioningOutput{Status: types.BucketVersioningStatusEnabled}, nil
}

func (v *versioned) ListObjectVersions(_ context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	from := 0
	if in.VersionIdMarker != nil {
		from, _ = strconv.Atoi(*in.VersionIdMarker)
	}
	to := min(from+2, len(v.versions))
	out := &s3.ListObjectVersionsOutput{Versions: v.versions[from:to], IsTruncated: new(to < len(v.versions))}
	if to < len(v.versions) {
		out.NextKeyMarker, out.NextVersionIdMarker = in.Prefix, new(strconv.Itoa(to))
	}
	return out, nil
}

func (v *versioned) DeleteObject(_ context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	v.deleted = append(v.deleted, *in.Key+" "+*in.VersionId)
	return &s3.DeleteObjectOutput{}, nil
}

func TestPurge(t *testing.T) {
	t.Parallel()
	version := func(key, id string, latest bool) types.ObjectVersion {
		return types.ObjectVersion{Key: &key, VersionId: &id, IsLatest: &latest}
	}
	v := &versioned{versions: []types.ObjectVersion{
		version("a", "3", true), version("a", "2", false), version("a", "1", false), version("a.b", "9", true), version("a.b", "8", false),
	}}
	n, err := (&erasing{versions: v, bucket: "b"}).purge(t.Context(), []string{"a"})
	if err != nil || n != 2 {
		t.Errorf("removed %d, %v", n, err)
	}
	slices.Sort(v.deleted)
	if diff := cmp.Diff([]string{"a 1", "a 2"}, v.deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}
