package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/internal/store"
)

const limit = 1 << 20

// sentinels are the answers that callers act on.
func sentinels() []error {
	return []error{store.ErrNotFound, store.ErrExists, store.ErrChanged, store.ErrTooLarge}
}

// wantOnly checks that err is that sentinel and no other.
func wantOnly(t *testing.T, what string, err, want error) {
	t.Helper()
	for _, s := range sentinels() {
		if errors.Is(err, s) != errors.Is(want, s) {
			t.Errorf("%s: %v, want %v", what, err, want)
			return
		}
	}
}

func put(t *testing.T, s Documents, key, body string) store.Info {
	t.Helper()
	info, err := s.Put(t.Context(), key, []byte(body), store.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// wantBody checks what stands under key.
func wantBody(t *testing.T, s Documents, key, want string) {
	t.Helper()
	body, _, err := s.Get(t.Context(), key, limit)
	if err != nil || string(body) != want {
		t.Errorf("%q holds %.40q, %v; want %.40q", key, body, err, want)
	}
}

func testMissing(t *testing.T, e Empty) {
	t.Helper()
	s, o := e.Store, store.PutOptions{}
	old := put(t, s, "gone", "x")
	e.Delete(t, "gone")
	for _, key := range []string{"never", "gone", "a/b/c"} {
		_, err := s.Head(t.Context(), key)
		wantOnly(t, "Head", err, store.ErrNotFound)
		_, _, err = s.Get(t.Context(), key, limit)
		wantOnly(t, "Get", err, store.ErrNotFound)
		_, err = s.Replace(t.Context(), key, old.ETag, []byte("y"), o)
		wantOnly(t, "Replace", err, store.ErrNotFound)
	}
	if _, err := s.Create(t.Context(), "gone", []byte("again"), o); err != nil {
		t.Errorf("Create where an object was: %v", err)
	}
}

func testRoundTrip(t *testing.T, e Empty) {
	t.Helper()
	s := e.Store
	o := store.PutOptions{ContentType: "application/json", Metadata: map[string]string{"file": "results", "sha256": "5d41"}}
	for _, body := range []string{"", "x", "{}\n", "\x00\xff\r\n"} {
		key := fmt.Sprintf("k%d", len(body))
		made, err := s.Create(t.Context(), key, []byte(body), o)
		if err != nil {
			t.Fatal(err)
		}
		head, err := s.Head(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		got, info, err := s.Get(t.Context(), key, limit)
		if err != nil || string(got) != body {
			t.Errorf("got %q, %v; want %q", got, err, body)
		}
		if diff := cmp.Diff(head, info); diff != "" {
			t.Errorf("Get knows other things than Head: %s", diff)
		}
		if head.LastModified.IsZero() {
			t.Errorf("no LastModified")
		}
		want := store.Info{
			Key: key, ETag: made.ETag, Version: made.Version, Size: int64(len(body)),
			LastModified: head.LastModified, Metadata: o.Metadata,
		}
		if diff := cmp.Diff(want, head); diff != "" {
			t.Error(diff)
		}
		if n := len(made.ETag); n < 3 || made.ETag[0] != '"' || made.ETag[n-1] != '"' {
			t.Errorf("ETag %s, want one in quotes", made.ETag)
		}
	}
}

func testOwnership(t *testing.T, e Empty) {
	t.Helper()
	body, metadata := []byte("mine"), map[string]string{"a": "1"}
	if _, err := e.Store.Create(t.Context(), "k", body, store.PutOptions{Metadata: metadata}); err != nil {
		t.Fatal(err)
	}
	clear(body)
	metadata["a"] = "2"
	got, info, err := e.Store.Get(t.Context(), "k", limit)
	if err != nil || info.Metadata["a"] != "1" {
		t.Errorf("%v, %v", info, err)
	}
	clear(got)
	wantBody(t, e.Store, "k", "mine")
}

func testCreate(t *testing.T, e Empty) {
	t.Helper()
	s, o := e.Store, store.PutOptions{}
	if _, err := s.Create(t.Context(), "k", []byte("first"), o); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"second", "first", ""} {
		_, err := s.Create(t.Context(), "k", []byte(body), o)
		wantOnly(t, "Create again", err, store.ErrExists)
	}
	wantBody(t, s, "k", "first")
	put(t, s, "k", "third")
	wantBody(t, s, "k", "third")
}

func testReplace(t *testing.T, e Empty) {
	t.Helper()
	s, o := e.Store, store.PutOptions{}
	first := put(t, s, "k", "first")
	second, err := s.Replace(t.Context(), "k", first.ETag, []byte("second"), o)
	if err != nil || second.ETag == first.ETag {
		t.Fatalf("%+v, %v", second, err)
	}
	wantBody(t, s, "k", "second")
	for _, etag := range []string{first.ETag, `"5d41402abc4b2a76b9719d911017c592"`, `"x"`, ""} {
		_, err := s.Replace(t.Context(), "k", etag, []byte("third"), o)
		wantOnly(t, "Replace of "+etag, err, store.ErrChanged)
	}
	wantBody(t, s, "k", "second")
	if _, err := s.Replace(t.Context(), "k", second.ETag, []byte("third"), o); err != nil {
		t.Errorf("Replace by the newest ETag: %v", err)
	}
}

// testRaces lets 16 writers loose on one key: one wins, the others are told.
func testRaces(t *testing.T, e Empty) {
	t.Helper()
	s, o := e.Store, store.PutOptions{}
	race := func(key string, lost error, write func(body []byte) (store.Info, error)) store.Info {
		t.Helper()
		const writers = 16
		infos, errs := make([]store.Info, writers), make([]error, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() { infos[i], errs[i] = write(fmt.Appendf(nil, "writer %02d", i)) })
		}
		wg.Wait()
		won := -1
		for i, err := range errs {
			if err != nil {
				wantOnly(t, "lost race", err, lost)
				continue
			}
			if won >= 0 {
				t.Errorf("writers %d and %d have both won", won, i)
			}
			won = i
		}
		if won < 0 {
			t.Fatal("no writer has won")
		}
		wantBody(t, s, key, fmt.Sprintf("writer %02d", won))
		return infos[won]
	}
	info := race("k", store.ErrExists, func(body []byte) (store.Info, error) { return s.Create(t.Context(), "k", body, o) })
	put(t, s, "k", "start")
	info, err := s.Head(t.Context(), info.Key)
	if err != nil {
		t.Fatal(err)
	}
	race("k", store.ErrChanged, func(body []byte) (store.Info, error) { return s.Replace(t.Context(), "k", info.ETag, body, o) })
}

func testLimit(t *testing.T, e Empty) {
	t.Helper()
	put(t, e.Store, "five", "12345")
	put(t, e.Store, "empty", "")
	for _, tc := range []struct {
		key   string
		limit int64
		want  error
	}{
		{"five", 5, nil}, {"five", 6, nil}, {"five", 4, store.ErrTooLarge}, {"five", 0, store.ErrTooLarge}, {"empty", 0, nil},
	} {
		body, _, err := e.Store.Get(t.Context(), tc.key, tc.limit)
		wantOnly(t, fmt.Sprintf("Get of %s, limit %d", tc.key, tc.limit), err, tc.want)
		if err != nil && body != nil {
			t.Errorf("%s, limit %d: %d bytes beside the error", tc.key, tc.limit, len(body))
		}
	}
}

// testCancelled: an end of the caller's context is an error and no answer.
func testCancelled(t *testing.T, e Empty) {
	t.Helper()
	s, o := e.Store, store.PutOptions{}
	info := put(t, s, "k", "x")
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	<-ctx.Done()
	_, head := s.Head(ctx, "k")
	_, _, get := s.Get(ctx, "k", limit)
	_, create := s.Create(ctx, "new", nil, o)
	_, replace := s.Replace(ctx, "k", info.ETag, nil, o)
	_, write := s.Put(ctx, "k", nil, o)
	_, open := s.Open(ctx, store.Ref{Key: "k", ETag: info.ETag, Size: 1}, 0, store.OpenOptions{})
	var list error
	for _, err := range s.List(ctx, "", "") {
		list = err
	}
	for i, err := range []error{head, get, create, replace, write, open, list} {
		if err == nil {
			t.Errorf("call %d succeeded", i)
		}
		wantOnly(t, fmt.Sprintf("call %d", i), err, nil)
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			t.Errorf("call %d: %v, want the context's error", i, err)
		}
	}
	wantBody(t, s, "k", "x")
}

// testKeys: any clean key is taken as it is. // failure 36
func testKeys(t *testing.T, e Empty) {
	t.Helper()
	keys := []string{
		" a b", "a+b", "a%2Bb", "100%", "é/日/💸", "q?x=1&y#z", "a=b;c,d", "(x)[y]{z}", "it's", `"quoted"`, `back\slash`, "<&>", "*", "~", "a:b@c",
		"uploads/" + "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d", "name.json", "UPPER", "upper", ".hidden", "dots..in", "a/b.c/d",
	}
	for i, key := range keys {
		if _, err := e.Store.Create(t.Context(), key, []byte{byte(i)}, store.PutOptions{}); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	listed := map[string]bool{}
	for info, err := range e.Store.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		listed[info.Key] = true
	}
	for i, key := range keys {
		wantBody(t, e.Store, key, string([]byte{byte(i)}))
		if !listed[key] {
			t.Errorf("%q is not listed", key)
		}
	}
	if len(listed) != len(keys) {
		t.Errorf("%d keys listed, want %d", len(listed), len(keys))
	}
}
