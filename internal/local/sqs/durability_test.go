package sqs

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// crashChild names the database for a child process that works until killed.
const crashChild = "SQS_TEST_CRASH_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashChild); path != "" {
		if err := workUntilKilled(context.Background(), path, os.Getenv(crashChild+"_ROUND")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// report prints what was acknowledged, one write a line.
type report struct {
	mu sync.Mutex
	f  *os.File
}

func (r *report) line(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.f, format+"\n", args...)
}

// workUntilKilled sends, receives and deletes, and tells each acknowledgement:
// "sent BODY", "deleting BODY", "deleted BODY", "received BODY COUNT".
func workUntilKilled(ctx context.Context, path, round string) error {
	s, err := Open(ctx, Options{Path: path, Credentials: testCredentials})
	if err != nil {
		return err
	}
	out := &report{f: os.Stdout}
	failed := make(chan error, 8)
	for sender := range 4 {
		go func() {
			for i := 0; ; i++ {
				body := fmt.Sprintf("%s-%d-%d", round, sender, i)
				if _, err := s.Send(ctx, "work", body, nil); err != nil {
					failed <- err
					return
				}
				out.line("sent %s", body)
			}
		}()
	}
	for range 2 {
		go func() { failed <- consume(ctx, s, out) }()
	}
	return <-failed
}

func consume(ctx context.Context, s *Service, out *report) error {
	q := s.lookup("work")
	for {
		got, err := s.poll(ctx, receive{queue: q, max: maxBatch, timeout: 100, wait: time.Second})
		if err != nil {
			return err
		}
		for i, m := range got {
			out.line("received %s %d", m.body, m.receives)
			if i%2 == 0 {
				continue
			}
			out.line("deleting %s", m.body)
			if err := s.deleteHandles(ctx, handle{queue: m.queue, seq: m.seq, receipt: m.receipt}); err != nil {
				return err
			}
			out.line("deleted %s", m.body)
		}
	}
}

// ledger is what the child was told, over all rounds.
type ledger struct {
	sent, deleting, deleted map[string]bool
	received                map[string]int64
}

func (l *ledger) add(line string) {
	var what, body string
	var count int64
	_, _ = fmt.Sscan(line, &what, &body, &count)
	switch what {
	case "sent":
		l.sent[body] = true
	case "deleting":
		l.deleting[body] = true
	case "deleted":
		l.deleted[body] = true
	case "received":
		l.received[body] = max(l.received[body], count)
	}
}

// A kill -9 at any moment loses no acknowledged message, brings back no
// deleted one, doubles none, and forgets no receive.
func TestKill(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	s, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateQueue(t.Context(), "work", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	l := &ledger{sent: map[string]bool{}, deleting: map[string]bool{}, deleted: map[string]bool{}, received: map[string]int64{}}
	for round, lines := range []int{50, 400, 900, 1700, 2500} {
		runAndKill(t, opts.Path, round, lines, l)
	}
	if len(l.sent) < 1000 || len(l.deleted) < 100 {
		t.Fatalf("the children did too little: %d sent, %d deleted", len(l.sent), len(l.deleted))
	}
	checkLedger(t, opts, l)
	t.Logf("%d sent, %d deleted, 5 kills", len(l.sent), len(l.deleted))
}

// runAndKill lets a child work until it has told so many lines.
func runAndKill(t *testing.T, path string, round, lines int, l *ledger) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashChild+"="+path, fmt.Sprintf("%s_ROUND=%d", crashChild, round))
	var stderr strings.Builder
	child.Stderr = &stderr
	pipe, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	told := bufio.NewScanner(pipe)
	for n := 0; told.Scan(); n++ {
		if n == lines {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		l.add(told.Text()) // lines written before the kill count, too
	}
	if err := child.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the child ended by itself: %v %s", err, stderr.String())
	}
}

func checkLedger(t *testing.T, opts Options, l *ledger) {
	t.Helper()
	opts.Now = func() time.Time { return time.Now().Add(13 * time.Hour) } // past every visibility timeout
	s := open(t, opts)
	found := map[string]bool{}
	for {
		got, _, err := s.take(t.Context(), receive{queue: s.lookup("work"), max: maxBatch, timeout: maxTimeout * 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			break
		}
		for _, m := range got {
			switch {
			case found[m.body]:
				t.Errorf("message %s is there twice", m.body)
			case l.deleted[m.body]:
				t.Errorf("deleted message %s is back", m.body)
			case m.receives <= l.received[m.body]:
				t.Errorf("message %s has receive count %d after %d receives", m.body, m.receives, l.received[m.body]+1)
			}
			found[m.body] = true
		}
	}
	for body := range l.sent {
		if !found[body] && !l.deleting[body] {
			t.Errorf("acknowledged message %s is lost", body)
		}
	}
}

// failure 74: at each acknowledgement the files already hold the message. The
// fsync itself is SQLite's (synchronous=FULL), which connect verifies.
func TestFilesHoldWhatIsAcknowledged(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	s := open(t, opts)
	if err := s.CreateQueue(t.Context(), "work", nil); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if err := sendAll(t.Context(), s, "work", fmt.Sprint("message ", i)); err != nil {
			t.Fatal(err)
		}
		copied := testOptions(t)
		copyFiles(t, opts.Path, copied.Path)
		if n := rowCount(t, open(t, copied)); n != i+1 {
			t.Fatalf("the files hold %d messages after %d acknowledgements", n, i+1)
		}
	}
}

// copyFiles takes the database and its log as they are on disk.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(from + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
