package s3gw

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestCheckXattr(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	without := func(string, string, []byte, int) error { return syscall.ENOTSUP }
	err := checkXattr(dir, without)
	if !errors.Is(err, ErrNoXattr) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "ext4") {
		t.Errorf("error %v, want ErrNoXattr that names %s and what to do", err, dir)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the probe left %v, %v", left, err)
	}
}

func TestStartNeeds(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tc := range map[string]struct {
		o    Options
		want string
	}{
		"credentials":  {Options{Dir: t.TempDir()}, "SecretAccessKey"},
		"directory":    {Options{Dir: filepath.Join(file, "x"), AccessKeyID: "a", SecretAccessKey: "b"}, file},
		"free address": {Options{Dir: t.TempDir(), AccessKeyID: "a", SecretAccessKey: "b", Addr: taken.Addr().String()}, taken.Addr().String()},
		"address":      {Options{Dir: t.TempDir(), AccessKeyID: "a", SecretAccessKey: "b", Addr: "9000"}, "9000"},
	} {
		_, err := Start(t.Context(), tc.o)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one that names %s", name, err, tc.want)
		}
		if inUse := name == "free address"; errors.Is(err, ErrAddrInUse) != inUse {
			t.Errorf("%s: is ErrAddrInUse %v", name, !inUse)
		}
	}
}

// The library's own constructor changes the working directory for good. Relative paths of
// the rest of the process must go on working, and the store must not follow a later change.
func TestWorkingDirectoryIsTheCallers(t *testing.T) { //nolint:paralleltest // changes the working directory
	home := t.TempDir()
	t.Chdir(home)
	_, c := start(t, Options{Dir: "data"}) // relative: to here, for ever
	if wd, err := os.Getwd(); err != nil || wd != home {
		t.Errorf("working directory %s, %v, want %s", wd, err, home)
	}
	if err := os.WriteFile("OUT.parquet", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(home, "OUT.parquet")); err != nil {
		t.Error(err)
	}
	mustPut(t, c, "k", "before")
	t.Chdir(t.TempDir())
	if got := mustGet(t, c, "k"); got != "before" {
		t.Errorf("object after a change of directory: %q", got)
	}
	mustPut(t, c, "k2", "after")
	_, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("k3"), CopySource: aws.String(bucket + "/k2")})
	if err != nil {
		t.Error(err)
	}
	for _, k := range []string{"k", "k2", "k3"} {
		if _, err := os.Stat(filepath.Join(home, "data", "objects", bucket, k)); err != nil {
			t.Error(err)
		}
	}
}

func TestNothingOnStdout(t *testing.T) { //nolint:paralleltest // replaces os.Stdout
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = stdout }()
	g, c := start(t, Options{})
	mustPut(t, c, "k", "x")
	_, _ = get(t.Context(), c, "none")
	if err := g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if os.Stdout != w {
		t.Error("os.Stdout was not put back")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := io.ReadAll(r); err != nil || len(out) != 0 {
		t.Errorf("standard output: %q, %v", out, err)
	}
}

// Everything is there after a restart, also from another place.
func TestMovedDirectory(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	before, after := filepath.Join(parent, "before"), filepath.Join(parent, "after")
	g, c := start(t, Options{Dir: before})
	_, err := c.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: aws.String(bucket), VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, c, "k", "one")
	mustPut(t, c, "k", "two")
	if err := g.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(before, after); err != nil {
		t.Fatal(err)
	}
	_, c = start(t, Options{Dir: after})
	if got := mustGet(t, c, "k"); got != "two" {
		t.Errorf("object %q", got)
	}
	list, err := c.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket)})
	if err != nil || len(list.Versions) != 2 {
		t.Fatalf("versions %v, %v", list, err)
	}
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), VersionId: list.Versions[1].VersionId})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(out.Body); err != nil || string(body) != "one" {
		t.Errorf("old version %q, %v", body, err)
	}
}

// A connection on which nothing was ever sent, as browsers open them, does not hold up Close.
func TestCloseWithUnusedConnection(t *testing.T) {
	t.Parallel()
	g, c := start(t, Options{})
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", g.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	mustPut(t, c, "k", "x") // after the other connection was accepted
	if err := g.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	if g.Err() != nil {
		t.Error(g.Err())
	}
}

func TestCloseAtOnce(t *testing.T) {
	t.Parallel()
	for range 50 {
		g, err := Start(t.Context(), Options{Dir: t.TempDir(), AccessKeyID: testUser, SecretAccessKey: testPass})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := g.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
	}
}
