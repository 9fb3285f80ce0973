package s3gw

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"golang.org/x/sync/errgroup"
)

// failure 74: nothing is acknowledged before its file and every directory above it are flushed.
func TestFlushedBeforeAcknowledged(t *testing.T) {
	t.Parallel()
	g, c := start(t, Options{})
	var mu sync.Mutex
	var flushed []string
	flush := g.disk.sync
	g.disk.sync = func(path string) error {
		rel, err := filepath.Rel(g.disk.root, path)
		mu.Lock()
		flushed = append(flushed, rel)
		mu.Unlock()
		if err != nil {
			return err
		}
		return flush(path)
	}
	up := newUpload(t, c, "m/n")
	up.part(1, "x")
	for _, tc := range []struct {
		name string
		do   func() error
		want []string
	}{
		{"put", func() error { _, err := put(t.Context(), c, "a/b/c", "x"); return err }, []string{"loans/a/b/c", "loans/a/b", "loans/a", "loans"}},
		{"complete", func() error { return up.complete() }, []string{"loans/m/n", "loans/m", "loans"}},
		{"copy", func() error {
			_, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{
				Bucket: aws.String(bucket), Key: aws.String("copy/x"), CopySource: aws.String(bucket + "/a/b/c"),
			})
			return err
		}, []string{"loans/copy/x", "loans/copy", "loans"}},
		{"delete", func() error {
			_, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("a/b/c")})
			return err
		}, []string{"loans/a/b/c", "loans/a/b", "loans/a", "loans"}},
	} {
		flushed = nil
		if err := tc.do(); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if !slices.Equal(flushed, tc.want) {
			t.Errorf("%s flushed %q, want %q", tc.name, flushed, tc.want)
		}
	}
}

// failure 73: a full disk is 507 and no acknowledgement.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	var r recorder
	g, c := start(t, Options{OnCreated: r.hook})
	up := newUpload(t, c, "m")
	up.part(1, "x")
	g.disk.sync = func(string) error { return &os.PathError{Op: "fsync", Path: "x", Err: syscall.ENOSPC} }
	if _, err := put(t.Context(), c, "k", "x"); status(err) != 507 {
		t.Errorf("put: %v, want 507", err)
	}
	if err := up.complete(); status(err) != 507 {
		t.Errorf("complete: %v, want 507", err)
	}
	if len(r.events) != 0 {
		t.Errorf("events for objects that were not acknowledged: %v", r.events)
	}
}

// A reader that finds an object whose flush is still under way waits for it.
func TestReadersWaitForTheFlush(t *testing.T) {
	t.Parallel()
	g, c := start(t, Options{})
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	flush := g.disk.sync
	g.disk.sync = func(path string) error {
		once.Do(func() {
			close(entered)
			<-release
		})
		return flush(path)
	}
	var group errgroup.Group
	group.Go(func() error { _, err := put(t.Context(), c, "k", "x"); return err })
	<-entered
	outcome := make(chan string, 2)
	group.Go(func() error { _, err := get(t.Context(), c, "k"); outcome <- "get " + code(err); return nil })
	group.Go(func() error {
		_, err := put(t.Context(), c, "k", "y", ifNoneMatch)
		outcome <- "put " + code(err)
		return nil
	})
	select {
	case o := <-outcome:
		t.Errorf("%q before the object was on disk", o)
	case <-t.Context().Done():
	case <-afterRequests(t, g):
	}
	close(release)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	got := []string{<-outcome, <-outcome}
	slices.Sort(got)
	if want := []string{"get ", "put PreconditionFailed"}; !slices.Equal(got, want) {
		t.Errorf("outcomes %q, want %q", got, want)
	}
}

// afterRequests is closed when other requests, sent after those under test, were answered.
func afterRequests(t *testing.T, g *Gateway) <-chan struct{} {
	t.Helper()
	c, done := client(g.Addr(), testPass), make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			_, _ = c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
		}
	}()
	return done
}

// failure 74: what was acknowledged survives kill -9, whole, and nothing torn is left.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acked := map[string]string{} // key -> body
	for round := range 3 {
		addr, cmd := spawn(t, dir)
		c := client(addr, testPass)
		verify(t, c, acked)
		var mu sync.Mutex
		enough := make(chan struct{})
		var once sync.Once
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := 0; ; i++ {
					key := fmt.Sprintf("dt=%d/w%d/%d", round, w, i)
					body := strings.Repeat(key, 1+i*37%2000)
					if _, err := put(t.Context(), c, key, body, ifNoneMatch); err != nil {
						return // killed
					}
					mu.Lock()
					acked[key] = body
					n := len(acked)
					mu.Unlock()
					if n >= (round+1)*100 {
						once.Do(func() { close(enough) })
					}
				}
			})
		}
		<-enough
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		_ = cmd.Wait()
	}
	addr, cmd := spawn(t, dir)
	verify(t, client(addr, testPass), acked)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// spawn serves dir in a child process.
func spawn(t *testing.T, dir string) (addr string, cmd *exec.Cmd) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	cmd = exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(addr), cmd
}

// verify reads every acknowledged object back, and every listed one whether acknowledged or not.
func verify(t *testing.T, c *s3.Client, acked map[string]string) {
	t.Helper()
	listed := map[string]bool{}
	for p := s3.NewListObjectsV2Paginator(c, &s3.ListObjectsV2Input{Bucket: aws.String(bucket)}); p.HasMorePages(); {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			listed[*o.Key] = true
			body := mustGet(t, c, *o.Key)
			if len(body) == 0 || strings.ReplaceAll(body, *o.Key, "") != "" {
				t.Errorf("%s is torn: %d bytes", *o.Key, len(body))
			}
		}
	}
	for key, body := range acked {
		if !listed[key] {
			t.Errorf("%s was acknowledged and is not listed", key)
		} else if got := mustGet(t, c, key); got != body {
			t.Errorf("%s has %d bytes, %d were acknowledged", key, len(got), len(body))
		}
	}
}

// failure 13, for uploads: a body that is cut off leaves nothing.
func TestCutOffBody(t *testing.T) {
	t.Parallel()
	var r recorder
	g, c := start(t, Options{OnCreated: r.hook})
	up := newUpload(t, c, "m")
	p := s3.NewPresignClient(c)
	object, err := p.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	part, err := p.PresignUploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: aws.String(bucket), Key: &up.key, UploadId: &up.id, PartNumber: aws.Int32(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{object.URL, part.URL} {
		for _, sent := range []int{0, 10, 70_000} {
			if answer := cutOff(t, g.Addr(), target, sent); strings.Contains(answer, "200 OK") {
				t.Errorf("%d of 100000 bytes: answer %q", sent, answer)
			}
		}
	}
	if _, err := get(t.Context(), c, "k"); code(err) != "NoSuchKey" {
		t.Errorf("an object was made: %v", err)
	}
	parts, err := c.ListParts(t.Context(), &s3.ListPartsInput{Bucket: aws.String(bucket), Key: &up.key, UploadId: &up.id})
	if err != nil || len(parts.Parts) != 0 {
		t.Errorf("parts %v, %v", parts, err)
	}
	if len(r.events) != 0 {
		t.Errorf("events %v", r.events)
	}
}

// cutOff announces 100,000 bytes, sends fewer and hangs up; it returns the answer.
func cutOff(t *testing.T, addr, target string, sent int) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 100000\r\n\r\n%s", u.RequestURI(), addr, strings.Repeat("x", sent))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}
