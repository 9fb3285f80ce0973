package s3gw

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	etag := mustPut(t, c, "doc.csv", "hello", func(in *s3.PutObjectInput) {
		in.Metadata = map[string]string{"Model-SHA256": "abc", "lower": "x"}
		in.ContentType, in.ContentEncoding = aws.String("text/csv"), aws.String("gzip")
		in.Tagging = aws.String("a=1&b=2")
	})
	out, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("doc.csv")})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{
		"etag": *out.ETag, "type": aws.ToString(out.ContentType), "encoding": aws.ToString(out.ContentEncoding),
		"length": strconv.FormatInt(*out.ContentLength, 10), "metadata": fmt.Sprint(out.Metadata),
	}
	want := map[string]string{
		"etag": etag, "type": "text/csv", "encoding": "gzip",
		"length": "5", "metadata": "map[lower:x model-sha256:abc]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if age := time.Since(*out.LastModified); age < -2*time.Second || age > time.Minute {
		t.Errorf("LastModified %v ago", age)
	}
	if etag != `"5d41402abc4b2a76b9719d911017c592"` {
		t.Errorf("ETag %s is not the MD5", etag)
	}
}

// A client that streams sends Content-Encoding: aws-chunked; it is not part of the object.
func TestChunkedEncodingIsNotKept(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	for name, tc := range map[string]struct{ given, want string }{
		"only": {"aws-chunked", ""}, "first": {"aws-chunked,gzip", "gzip"}, "last": {"gzip, AWS-Chunked", "gzip"},
	} {
		mustPut(t, c, name, "x", func(in *s3.PutObjectInput) { in.ContentEncoding = &tc.given })
		out, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &name})
		if err != nil {
			t.Fatal(err)
		}
		if got := aws.ToString(out.ContentEncoding); got != tc.want {
			t.Errorf("%s: Content-Encoding %q, want %q", name, got, tc.want)
		}
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	etag := mustPut(t, c, "r", "0123456789")
	for _, tc := range []struct{ rng, match, want, code string }{
		{"bytes=0-3", etag, "0123", ""},
		{"bytes=8-", etag, "89", ""},
		{"bytes=-2", "", "89", ""},
		{"bytes=8-100", "", "89", ""},
		{"bytes=10-", "", "", "InvalidRange"},
		{"bytes=0-3", `"other"`, "", "PreconditionFailed"},
	} {
		in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("r"), Range: &tc.rng}
		if tc.match != "" {
			in.IfMatch = &tc.match
		}
		out, err := c.GetObject(t.Context(), in)
		if code(err) != tc.code {
			t.Errorf("%s if %s: %v, want %q", tc.rng, tc.match, err, tc.code)
		}
		if err != nil {
			continue
		}
		body, err := io.ReadAll(out.Body)
		if err != nil || string(body) != tc.want {
			t.Errorf("%s: %q, %v, want %q", tc.rng, body, err, tc.want)
		}
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	keys := []string{"a-1", "a/1", "a/2", "a/b/3", "a0", "b/z", "b/é"} // byte order
	for _, k := range slices.Backward(keys) {
		mustPut(t, c, k, "x")
	}
	list := func(in s3.ListObjectsV2Input) (names, prefixes []string) {
		t.Helper()
		in.Bucket = aws.String(bucket)
		for p := s3.NewListObjectsV2Paginator(c, &in); p.HasMorePages(); {
			page, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if *page.Name != bucket {
				t.Errorf("Name %q", *page.Name)
			}
			for _, o := range page.Contents {
				names = append(names, *o.Key)
			}
			for _, p := range page.CommonPrefixes {
				prefixes = append(prefixes, *p.Prefix)
			}
		}
		return names, prefixes
	}
	for n := int32(1); n < 9; n++ {
		if names, _ := list(s3.ListObjectsV2Input{MaxKeys: &n}); !slices.Equal(names, keys) {
			t.Errorf("pages of %d: %q, want %q", n, names, keys)
		}
		names, prefixes := list(s3.ListObjectsV2Input{MaxKeys: &n, Delimiter: aws.String("/")})
		if !slices.Equal(names, []string{"a-1", "a0"}) || !slices.Equal(prefixes, []string{"a/", "b/"}) {
			t.Errorf("delimiter, pages of %d: %q %q", n, names, prefixes)
		}
	}
	if names, _ := list(s3.ListObjectsV2Input{StartAfter: aws.String("a/1")}); !slices.Equal(names, keys[2:]) {
		t.Errorf("after a/1: %q", names)
	}
	if names, _ := list(s3.ListObjectsV2Input{Prefix: aws.String("a/")}); !slices.Equal(names, keys[1:4]) {
		t.Errorf("prefix a/: %q", names)
	}
	if names, prefixes := list(s3.ListObjectsV2Input{Prefix: aws.String("a/"), Delimiter: aws.String("/")}); len(names) != 2 || len(prefixes) != 1 {
		t.Errorf("prefix a/ and delimiter: %q %q", names, prefixes)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	mustPut(t, c, "d/1", "x")
	mustPut(t, c, "d/2", "x")
	out, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("d/1")}, {Key: aws.String("../d/2")}, {Key: aws.String("never")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Deleted) != 2 || len(out.Errors) != 1 || *out.Errors[0].Code != "InvalidObjectName" {
		t.Errorf("deleted %v, errors %v", out.Deleted, out.Errors)
	}
	if _, err := get(t.Context(), c, "d/1"); code(err) != "NoSuchKey" {
		t.Errorf("deleted object: %v", err)
	}
	if got := mustGet(t, c, "d/2"); got != "x" {
		t.Errorf("other object: %q", got)
	}
}

func TestPresigned(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	p := s3.NewPresignClient(c)
	up, err := p.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("up load.csv")})
	if err != nil {
		t.Fatal(err)
	}
	if code := do(t, http.MethodPut, up.URL, "a,b\n", nil); code != 200 {
		t.Fatalf("presigned PUT: %d", code)
	}
	down, err := p.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("up load.csv")})
	if err != nil {
		t.Fatal(err)
	}
	var body string
	if code := do(t, http.MethodGet, down.URL, "", &body); code != 200 || body != "a,b\n" {
		t.Errorf("presigned GET: %d %q", code, body)
	}
	if code := do(t, http.MethodGet, strings.Replace(down.URL, "load", "lead", 1), "", nil); code != 403 {
		t.Errorf("presigned for another key: %d, want 403", code)
	}
}

func TestSignaturesAreChecked(t *testing.T) {
	t.Parallel()
	g, c := start(t, Options{})
	mustPut(t, c, "k", "secret")
	if _, err := get(t.Context(), client(g.Addr(), "wrong"), "k"); code(err) != "SignatureDoesNotMatch" {
		t.Errorf("wrong secret: %v", err)
	}
	if code := do(t, http.MethodGet, "http://"+g.Addr()+"/"+bucket+"/k", "", nil); code != 403 {
		t.Errorf("no signature: %d, want 403", code)
	}
	for _, path := range []string{"/create-user", "/list-users", "/"} {
		if code := do(t, http.MethodGet, "http://"+g.Addr()+path, "", nil); code < 400 {
			t.Errorf("%s without a signature: %d", path, code)
		}
	}
}

// do sends a plain HTTP request and returns its status, and its body if asked for.
func do(t *testing.T, method, url, body string, answer *string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer != nil {
		*answer = string(b)
	}
	return resp.StatusCode
}

func TestCopy(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	etag := mustPut(t, c, "src file.csv", "hello", func(in *s3.PutObjectInput) {
		in.Metadata, in.Tagging = map[string]string{"k": "v"}, aws.String("t=1")
	})
	cp := func(to string, opts ...func(*s3.CopyObjectInput)) error {
		in := &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: &to, CopySource: aws.String(bucket + "/src%20file.csv")}
		for _, opt := range opts {
			opt(in)
		}
		_, err := c.CopyObject(t.Context(), in)
		return err
	}
	if err := cp("dst"); err != nil {
		t.Fatal(err)
	}
	out, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("dst")})
	if err != nil || *out.ETag != etag || !maps.Equal(out.Metadata, map[string]string{"k": "v"}) {
		t.Errorf("copy: %v, %v", out, err)
	}
	tags, err := c.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String(bucket), Key: aws.String("dst")})
	if err != nil || len(tags.TagSet) != 1 || *tags.TagSet[0].Key != "t" {
		t.Errorf("tags of the copy: %v, %v", tags, err)
	}
	if err := cp("src file.csv"); code(err) != "InvalidRequest" {
		t.Errorf("copy onto itself: %v", err)
	}
	err = cp("src file.csv", func(in *s3.CopyObjectInput) {
		in.MetadataDirective, in.Metadata = types.MetadataDirectiveReplace, map[string]string{"new": "1"}
	})
	if err != nil || mustGet(t, c, "src file.csv") != "hello" {
		t.Errorf("copy onto itself with new metadata: %v", err)
	}
	if err := cp("x", func(in *s3.CopyObjectInput) { in.CopySourceIfMatch = aws.String(`"no"`) }); code(err) != "PreconditionFailed" {
		t.Errorf("copy if match: %v", err)
	}
	if err := cp("x", func(in *s3.CopyObjectInput) { in.CopySourceIfNoneMatch = &etag }); code(err) != "PreconditionFailed" {
		t.Errorf("copy if none match: %v", err)
	}
	if err := cp("dst", func(in *s3.CopyObjectInput) { in.IfNoneMatch = aws.String("*") }); code(err) != "PreconditionFailed" {
		t.Errorf("copy over an object: %v", err)
	}
	if err := cp("dst", func(in *s3.CopyObjectInput) { in.IfMatch = aws.String(`"no"`) }); code(err) != "PreconditionFailed" {
		t.Errorf("copy over another object: %v", err)
	}
	if err := cp("dst", func(in *s3.CopyObjectInput) { in.IfMatch = &etag }); err != nil {
		t.Errorf("copy over the same object: %v", err)
	}
	if err := cp("x", func(in *s3.CopyObjectInput) { in.CopySource = aws.String(bucket + "/none") }); code(err) != "NoSuchKey" {
		t.Errorf("copy of nothing: %v", err)
	}
}

func TestVersioning(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	_, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: aws.String(bucket), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("v"), Body: bytes.NewReader([]byte("one"))})
	if err != nil || first.VersionId == nil {
		t.Fatalf("%v, %v", first, err)
	}
	mustPut(t, c, "v", "two")
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("v"), VersionId: first.VersionId})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(out.Body); err != nil || string(body) != "one" {
		t.Errorf("first version: %q, %v", body, err)
	}
	if got := mustGet(t, c, "v"); got != "two" {
		t.Errorf("current version: %q", got)
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	missing := aws.String("missing")
	_, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: missing})
	if code(err) != "NoSuchBucket" {
		t.Errorf("list: %v", err)
	}
	_, err = c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: missing, Key: aws.String("k")})
	if code(err) != "NoSuchBucket" {
		t.Errorf("put: %v", err)
	}
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: missing}); err != nil {
		t.Errorf("create: %v", err)
	}
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: missing}); code(err) != "BucketAlreadyOwnedByYou" {
		t.Errorf("create again: %v", err)
	}
	out, err := c.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil || len(out.Buckets) != 2 || *out.Buckets[0].Name != bucket {
		t.Errorf("buckets: %v, %v", out, err)
	}
	mustPut(t, c, "k", "x")
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String(bucket)}); code(err) != "BucketNotEmpty" {
		t.Errorf("delete full: %v", err)
	}
	if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: missing}); err != nil {
		t.Errorf("delete empty: %v", err)
	}
}

// Ranges of an object that does not fit any buffer come from the file itself,
// many on one connection.
func TestLargeRanges(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	var text strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&text, "%d\n", i)
	}
	want := text.String()
	etag := mustPut(t, c, "large", want)
	for _, r := range [][2]int{{0, 1}, {0, len(want)}, {1, len(want)}, {70_000, 1_000_000}, {len(want) - 100_000, len(want)}} {
		out, err := c.GetObject(t.Context(), &s3.GetObjectInput{
			Bucket: aws.String(bucket), Key: aws.String("large"), IfMatch: &etag,
			Range: aws.String(fmt.Sprintf("bytes=%d-%d", r[0], r[1]-1)),
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(out.Body)
		if err != nil || string(got) != want[r[0]:r[1]] {
			t.Errorf("bytes %d to %d: %d bytes, %v, and not those of the object", r[0], r[1], len(got), err)
		}
	}
}
