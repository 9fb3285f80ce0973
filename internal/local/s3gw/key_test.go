package s3gw

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// long is a key of n bytes in segments of 200.
func long(n int) string {
	b := []byte(strings.Repeat("k", n))
	for i := 200; i < n-1; i += 201 {
		b[i] = '/'
	}
	return string(b)
}

// failure 36: a key comes back as it was given, or is refused by name.
func TestKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, c := start(t, Options{Dir: dir})
	before := outside(t, dir)
	for _, tc := range []struct{ key, code string }{
		{"with space", ""},
		{"plus+sign", ""},
		{"percent%20%2F%zz", ""},
		{"ünïcödé/日本語/🙂.csv", ""},
		{`quote"'<>&;:@=$,?#[]{}|\^~` + "`", ""},
		{"tab\tand\nnewline", ""},
		{"..dots../...", ""},
		{".hidden/.file", ""},
		{"a=1/b=2/part-0.parquet", ""},
		{"*?[glob]", ""},
		{long(1024), ""},
		{long(1025), "KeyTooLongError"},
		{strings.Repeat("s", 227), ""},
		{strings.Repeat("s", 228), "InvalidObjectName"},
		{"a//b", "InvalidObjectName"},
		{"/lead", "InvalidObjectName"},
		{"a/./b", "InvalidObjectName"},
		{"a/../b", "InvalidObjectName"},
		{"../escape", "InvalidObjectName"},
		{"../../../../../../tmp/escape", "InvalidObjectName"},
		{".sgwtmp/multipart/x", "InvalidObjectName"},
		{".x.sgwtmp.123", "InvalidObjectName"},
		{"nul\x00byte", "InvalidObjectName"},
	} {
		_, err := put(t.Context(), c, tc.key, tc.key)
		if got := code(err); got != tc.code && (tc.code == "" || status(err) != 400) {
			t.Errorf("put %q: %v, want %q", tc.key, err, tc.code)
		}
		if tc.code != "" || err != nil {
			continue
		}
		if got := mustGet(t, c, tc.key); got != tc.key {
			t.Errorf("get %q: %q", tc.key, got)
		}
		if got := mustPut(t, c, tc.key, tc.key); got == "" {
			t.Errorf("overwrite %q: no ETag", tc.key)
		}
		list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: &tc.key})
		if err != nil || len(list.Contents) != 1 || *list.Contents[0].Key != tc.key {
			t.Errorf("list %q: %v, %v", tc.key, list, err)
		}
		if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &tc.key}); err != nil {
			t.Errorf("delete %q: %v", tc.key, err)
		}
	}
	if after := outside(t, dir); !slices.Equal(before, after) {
		t.Errorf("files outside the bucket: %q, before %q", after, before)
	}
}

// outside lists what lies under dir but in no bucket, lock files aside.
func outside(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Name() == bucket || entry.Name() == ".vgwlocks" {
			return fs.SkipDir
		}
		names = append(names, path)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestKeysThatClash(t *testing.T) {
	t.Parallel()
	_, c := start(t, Options{})
	mustPut(t, c, "x/y", "file")
	mustPut(t, c, "d/e/f", "file")
	for _, tc := range []struct{ key, code string }{{"x/y/z", clashParent}, {"x/y/z/deep", clashParent}, {"d/e", clashDir}, {"d", clashDir}} {
		_, err := put(t.Context(), c, tc.key, "x")
		if code(err) != tc.code || status(err) != 409 || !strings.Contains(err.Error(), "cannot both exist") {
			t.Errorf("put %q: %v, want 409 %s", tc.key, err, tc.code)
		}
	}
	if mustGet(t, c, "x/y") != "file" || mustGet(t, c, "d/e/f") != "file" {
		t.Error("an object was changed")
	}
	// A delete frees the name.
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("d/e/f")}); err != nil {
		t.Fatal(err)
	}
	mustPut(t, c, "d/e", "now a file")
}

func TestLeftoversAreNotListed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, c := start(t, Options{Dir: dir})
	mustPut(t, c, "a/b", "x")
	file := filepath.Join(dir, "objects", bucket, "a", "b")
	if err := os.Link(file, filepath.Join(filepath.Dir(file), ".b.sgwtmp.1234")); err != nil {
		t.Fatal(err)
	}
	list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil || len(list.Contents) != 1 {
		t.Errorf("list: %v, %v", list.Contents, err)
	}
}

// failure 36
func FuzzCheckKey(f *testing.F) {
	for _, k := range []string{"a/b", "../x", "a//b", "/", "", ".", "a/..", "\x00", "é", "a/"} {
		f.Add(k)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if checkKey(&key) != nil {
			return
		}
		const root = "/data/objects/loans"
		file := filepath.Join(root, key)
		if back, err := filepath.Rel(root, file); err != nil || back != strings.TrimSuffix(key, "/") {
			t.Fatalf("key %q is file %q, which is key %q (%v)", key, file, back, err)
		}
		for seg := range strings.SplitSeq(key, "/") {
			if len(seg) > maxSegment {
				t.Fatalf("key %q has a segment of %d bytes", key, len(seg))
			}
		}
	})
}
