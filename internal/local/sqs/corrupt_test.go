package sqs

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dump is every queue and message of the database, one line each.
func dump(ctx context.Context, s *Service) (lines []string, err error) {
	for _, q := range s.sorted(func(*queue) bool { return true }) {
		lines = append(lines, fmt.Sprint(q.id, q.name, q.created, q.settings().attributes()))
	}
	err = s.do(ctx, func(ctx context.Context, t *transaction) error {
		rows, err := t.conn.QueryContext(ctx, "SELECT "+stateColumns+", c.body, c.attributes FROM state s JOIN content c ON c.seq=s.seq ORDER BY s.seq")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m message
			if err := m.scan(rows.Scan, &m.body, &m.attributes); err != nil {
				return err
			}
			lines = append(lines, fmt.Sprint(m))
		}
		return rows.Err()
	})
	return lines, err
}

// tryOpen opens the files and dumps them.
func tryOpen(ctx context.Context, opts Options) (lines []string, err error) {
	s, err := Open(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return dump(ctx, s)
}

// someWork fills a database in several transactions and returns its state
// after each of the last two.
func someWork(t *testing.T, s *Service) (before, after []string) {
	t.Helper()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(s.CreateQueue(t.Context(), "work-dlq", nil))
	do(s.CreateQueue(t.Context(), "work", map[string]string{"RedrivePolicy": redriveTo("work-dlq", 3)}))
	for i := range 12 {
		_, err := s.Send(t.Context(), "work", fmt.Sprint(i, strings.Repeat(" message", 80*i)), map[string]string{"k": "v"})
		do(err)
	}
	got, _, err := s.take(t.Context(), receive{queue: s.lookup("work"), max: 5, timeout: 60_000})
	do(err)
	do(s.deleteHandles(t.Context(), handle{queue: got[0].queue, seq: got[0].seq, receipt: got[0].receipt}))
	before, err = dump(t.Context(), s)
	do(err)
	do(sendAll(t.Context(), s, "work", "the last message"))
	after, err = dump(t.Context(), s)
	do(err)
	return before, after
}

// failure 73: whichever byte of the closed file flips, the service refuses to
// open it or holds exactly what was acknowledged.
func TestFlippedBytesOfTheFile(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	s := open(t, opts)
	_, want := someWork(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	flipBytes(t, file, "", func(damaged []byte) Options {
		o := testOptions(t)
		write(t, o.Path, damaged)
		return o
	}, want)
}

// failure 73: the same for the write-ahead log, whose last transaction alone
// may be dropped, as after a crash that tore it.
func TestFlippedBytesOfTheLog(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	before, after := someWork(t, open(t, opts))
	file, err := os.ReadFile(opts.Path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(opts.Path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	flipBytes(t, log, "log", func(damaged []byte) Options {
		o := testOptions(t)
		write(t, o.Path, file)
		write(t, o.Path+"-wal", damaged)
		return o
	}, before, after)
}

func flipBytes(t *testing.T, original []byte, name string, place func([]byte) Options, allowed ...[]string) {
	t.Helper()
	r := rand.New(rand.NewPCG(73, 1))
	refused, same := 0, 0
	for at := r.IntN(40); at < len(original); at += 1 + r.IntN(2*len(original)/200) {
		damaged := bytes.Clone(original)
		damaged[at] ^= byte(1 << r.IntN(8))
		got, err := tryOpen(t.Context(), place(damaged))
		switch {
		case errors.Is(err, ErrCorrupt):
			refused++
		case err != nil:
			refused++
			t.Logf("byte %d of the %s: refused as %v", at, name, err)
		case slices.ContainsFunc(allowed, func(a []string) bool { return slices.Equal(a, got) }):
			same++
		default:
			t.Errorf("byte %d of the %s: opened with other content:\n%s", at, name, cmp.Diff(allowed[len(allowed)-1], got))
		}
	}
	if refused == 0 || same == 0 {
		t.Errorf("%d flips refused and %d harmless: want some of each", refused, same)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// failure 73: a log that ends in the middle of a transaction loses that one only.
func TestTornTail(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	before, after := someWork(t, open(t, opts))
	file, _ := os.ReadFile(opts.Path)
	log, _ := os.ReadFile(opts.Path + "-wal")
	frames := commitEnds(log)
	last, previous := frames[len(frames)-1], frames[len(frames)-2]
	for name, test := range map[string]struct {
		size int
		want []string
	}{
		"whole":               {last, after},
		"one byte short":      {last - 1, before},
		"half the last frame": {last - 2000, before},
		"one byte of it":      {previous + 1, before},
		"without it":          {previous, before},
	} {
		o := testOptions(t)
		write(t, o.Path, file)
		write(t, o.Path+"-wal", log[:test.size])
		got, err := tryOpen(t.Context(), o)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// commitEnds are the offsets at which transactions of the log end.
func commitEnds(log []byte) (ends []int) {
	size := frameHeaderSize + int(binary.BigEndian.Uint32(log[8:]))
	for at := walHeaderSize; at+size <= len(log); at += size {
		if bytes.Equal(log[at+8:at+16], log[16:24]) && binary.BigEndian.Uint32(log[at+4:]) != 0 {
			ends = append(ends, at+size)
		}
	}
	return ends
}

// failure 73: files that are not a whole database are refused and left alone.
func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	s := open(t, opts)
	someWork(t, s)
	log, _ := os.ReadFile(opts.Path + "-wal")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, _ := os.ReadFile(opts.Path)
	tests := map[string]struct {
		file, log []byte
	}{
		"empty":               {file: []byte{}},
		"text":                {file: []byte("this is not a database, but it is long enough to look at")},
		"half":                {file: file[:len(file)/2]},
		"a page short":        {file: file[:len(file)-4096]},
		"log without a file":  {log: log},
		"empty with a log":    {file: []byte{}, log: log},
		"log with bad header": {file: file, log: append(make([]byte, 32), log[32:]...)},
	}
	for name, test := range tests {
		o := testOptions(t)
		if test.file != nil {
			write(t, o.Path, test.file)
		}
		if test.log != nil {
			write(t, o.Path+"-wal", test.log)
		}
		if _, err := Open(t.Context(), o); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), o.Path) {
			t.Errorf("%s: %v, want ErrCorrupt with the path", name, err)
		}
		if left, _ := os.ReadFile(o.Path); !bytes.Equal(left, test.file) {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// An unfinished first start is begun again.
func TestLeftoverOfAFirstStart(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	write(t, opts.Path+".new", []byte("half"))
	if err := open(t, opts).CreateQueue(t.Context(), "work", nil); err != nil {
		t.Error(err)
	}
}

// The files hold applicants' data: nobody else may read them.
func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	if err := open(t, opts).CreateQueue(t.Context(), "work", nil); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(opts.Path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", opts.Path+suffix, info.Mode(), err)
		}
	}
}

func TestLocked(t *testing.T) {
	t.Parallel()
	opts := testOptions(t)
	open(t, opts)
	if _, err := Open(t.Context(), opts); !errors.Is(err, ErrLocked) {
		t.Errorf("a second service on the file: %v, want ErrLocked", err)
	}
}
