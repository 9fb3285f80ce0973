package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/internal/store"
)

func list(t *testing.T, s Store, prefix, after string) []string {
	t.Helper()
	keys := []string{}
	for info, err := range s.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func testList(t *testing.T, e Empty) {
	t.Helper()
	s := e.Store
	keys := []string{"a-1", "a/1", "a/10", "a/2", "a/b/3", "a0", "b/z", "b/é"} // in byte order
	for i, key := range slices.Backward(keys) {
		put(t, s, key, fmt.Sprint("body", i)[:i%4])
	}
	for _, tc := range []struct {
		prefix, after string
		want          []string
	}{
		{"", "", keys},
		{"a/", "", keys[1:5]},
		{"a", "", keys[:6]},
		{"a/1", "", keys[1:3]},
		{"", "a/10", keys[3:]},
		{"a/", "a/10", keys[3:5]},
		{"a/", "a/11", keys[3:5]},
		{"a/", "a/b/3", keys[:0]},
		{"b/", "a/1", keys[6:]},
		{"nothing/", "", keys[:0]},
	} {
		if diff := cmp.Diff(tc.want, list(t, s, tc.prefix, tc.after)); diff != "" {
			t.Errorf("prefix %q after %q: %s", tc.prefix, tc.after, diff)
		}
	}
	for info, err := range s.List(t.Context(), "a/", "") {
		if err != nil {
			t.Fatal(err)
		}
		head, err := s.Head(t.Context(), info.Key)
		if err != nil || info.ETag != head.ETag || info.Size != head.Size || info.LastModified.IsZero() || info.Metadata != nil {
			t.Errorf("listed as %+v, is %+v, %v", info, head, err)
		}
	}
	n := 0
	for _, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d objects before the break", n)
	}
}

// testMany lists more than the 1,000 objects of one answer.
func testMany(t *testing.T, e Empty) {
	t.Helper()
	const n, writers = 1003, 8
	want := make([]string, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n; i += writers {
				want[i] = fmt.Sprintf("p/%06d", i)
				_, errs[i] = e.Store.Put(t.Context(), want[i], nil, store.PutOptions{})
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, list(t, e.Store, "p/", "")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[1001:], list(t, e.Store, "p/", want[1000])); diff != "" {
		t.Error(diff)
	}
}

func testFolders(t *testing.T, e Empty) {
	t.Helper()
	s, ok := e.Store.(interface {
		Folders(ctx context.Context, prefix string) ([]string, error)
	})
	if !ok {
		return
	}
	for _, key := range []string{"b/2026-03-09/x/1", "b/2026-03-09/x/2", "b/2026-03-09/y/1", "b/2026-03-10/z/1", "b/file", "c/1/2"} {
		put(t, e.Store, key, "")
	}
	for prefix, want := range map[string][]string{
		"":                {"b/", "c/"},
		"b/":              {"2026-03-09/", "2026-03-10/"},
		"b/2026-03-09/":   {"x/", "y/"},
		"b/2026-03-1":     {"0/"},
		"b/nothing/":      nil,
		"b/2026-03-09/x/": nil,
	} {
		got, err := s.Folders(t.Context(), prefix)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Folders(%q): %q, %v; want %q", prefix, got, err, want)
		}
	}
}
