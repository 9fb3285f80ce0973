package main

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// server is 'loanscorer serve' as a process of its own.
type server struct {
	t    *testing.T
	args []string
	api  string
	s3   string
	data string
	cmd  *exec.Cmd
	done chan struct{}
	log  *bytes.Buffer
}

// newServer chooses addresses and a directory; start starts it.
func newServer(t *testing.T, more ...string) *server {
	t.Helper()
	s := &server{t: t, api: freeAddr(t), s3: freeAddr(t), data: t.TempDir()}
	s.args = append([]string{
		"serve", "--data", s.data, "--api-addr", s.api, "--s3-addr", s.s3, "--sqs-addr", freeAddr(t),
	}, more...)
	t.Cleanup(s.kill)
	return s
}

// start starts the process and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	// deploy/image-test.sh has a container image tested instead of this program.
	s.cmd = exec.Command(cmp.Or(os.Getenv("LOANSCORER_TEST_PROGRAM"), os.Args[0]), s.args...) // it ends by kill or terminate
	s.cmd.Args[0] = "loanscorer"
	s.log = &bytes.Buffer{}
	s.cmd.Stderr = s.log
	s.done = make(chan struct{})
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func(cmd *exec.Cmd, done chan struct{}) {
		_ = cmd.Wait()
		close(done)
	}(s.cmd, s.done)
	until(s.t, 30*time.Second, "the server answers", func() bool {
		select {
		case <-s.done:
			s.t.Fatalf("server ended: %s", s.log)
		default:
		}
		resp, err := get(s.t.Context(), "http://"+s.api+"/readyz")
		return err == nil && resp == http.StatusOK
	})
}

// kill ends the process at once, as kill -9 does.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.done
	s.cmd = nil
}

// terminate asks the process to stop and returns how long that took.
func (s *server) terminate() time.Duration {
	s.t.Helper()
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		s.t.Fatal("the server does not stop")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("exit code %d after SIGTERM: %s", code, s.log)
	}
	s.cmd = nil
	return time.Since(began)
}

func (s *server) url() string { return "http://" + s.api }

func (s *server) connection() *connection {
	return &connection{data: s.data, s3Endpoint: "http://" + s.s3, bucket: defaultBucket, region: defaultRegion}
}

func get(ctx context.Context, url string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// until polls a condition of another process.
func until(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}
