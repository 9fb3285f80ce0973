package status

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
)

var noon = time.Date(2026, 3, 9, 12, 0, 0, 123e6, time.UTC)

func secret(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func newIDs(tb testing.TB, secrets ...[]byte) *IDs {
	tb.Helper()
	if len(secrets) == 0 {
		secrets = [][]byte{secret(1)}
	}
	ids, err := NewIDs(secrets...)
	if err != nil {
		tb.Fatal(err)
	}
	return ids
}

func TestNewIDsRefusesWeakSecrets(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][][]byte{
		"none": nil, "empty": {{}}, "31 bytes": {make([]byte, 31)}, "the old one": {secret(1), secret(2)[:16]},
	} {
		if _, err := NewIDs(secrets...); !errors.Is(err, ErrSecret) {
			t.Errorf("%s: %v, want ErrSecret", name, err)
		}
	}
}

// An id is good for one kind, one caller, one set of secrets. // failure 63
func TestIDsAreBound(t *testing.T) {
	t.Parallel()
	ids, other := newIDs(t), newIDs(t, secret(2))
	callers := []string{"", "a", "b", "ab", "a\x00b", "A", "application", strings.Repeat("x", 1000), "é"}
	for _, caller := range callers {
		id := ids.New(KindApplication, noon, caller)
		if len(id) != IDLength || !ValidID(id) || !Time(id).Equal(noon) {
			t.Errorf("caller %q: id %q of %d characters, minted %v", caller, id, len(id), Time(id))
		}
		if ids.Verify(KindBatch, id, caller) {
			t.Errorf("an application's id passes as a batch's")
		}
		if other.Verify(KindApplication, id, caller) {
			t.Errorf("an id of another secret passes")
		}
		for _, c := range callers {
			if got := ids.Verify(KindApplication, id, c); got != (c == caller) {
				t.Errorf("id of %q verified for %q: %t", caller, c, got)
			}
		}
	}
}

func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	old, rotating, after := newIDs(t, secret(1)), newIDs(t, secret(2), secret(1)), newIDs(t, secret(2))
	before, during := old.New(KindBatch, noon, "c"), rotating.New(KindBatch, noon, "c")
	for _, tc := range []struct {
		name string
		ids  *IDs
		id   string
		want bool
	}{
		{"old id while rotating", rotating, before, true},
		{"new id while rotating", rotating, during, true},
		{"new id afterwards", after, during, true},
		{"old id afterwards", after, before, false},
		{"new id where the secret is not known yet", old, during, false},
	} {
		if got := tc.ids.Verify(KindBatch, tc.id, "c"); got != tc.want {
			t.Errorf("%s: %t, want %t", tc.name, got, tc.want)
		}
	}
}

func TestSecretsAreCopied(t *testing.T) {
	t.Parallel()
	s := secret(1)
	ids := newIDs(t, s)
	id := ids.New(KindBatch, noon, "")
	clear(s)
	if !ids.Verify(KindBatch, id, "") {
		t.Error("the caller's slice is still in use")
	}
}

// No other string passes, whatever it is made of. // failure 62
func TestForgedIDs(t *testing.T) {
	t.Parallel()
	ids := newIDs(t)
	id := ids.New(KindApplication, noon, "c")
	for i := range id {
		for _, c := range ulid.Encoding {
			forged := id[:i] + string(c) + id[i+1:]
			if forged != id && ids.Verify(KindApplication, forged, "c") {
				t.Errorf("%s passes for %s", forged, id)
			}
		}
		for _, c := range []string{"/", ".", "\x00", "\n", " ", "%", "+", "-", "_", "~", "é", "U", "I", "L", "O", "u", "ß", "\xff", "０"} {
			for _, forged := range []string{id[:i] + c + id[i+1:], id[:i] + c + id[min(len(id), i+len(c)):]} {
				if ValidID(forged) || ids.Verify(KindApplication, forged, "c") {
					t.Errorf("%q is valid", forged)
				}
			}
		}
	}
	for _, forged := range []string{
		"", id[:IDLength-1], id + "0", id[:ulid.EncodedSize], strings.ToLower(id), " " + id[1:], id[1:] + " ", "8" + id[1:], "Z" + id[1:],
		strings.Repeat("/", IDLength), strings.Repeat("../", IDLength/3), strings.Repeat("\x00", IDLength), strings.Repeat(" ", IDLength),
	} {
		if ValidID(forged) || ids.Verify(KindApplication, forged, "c") {
			t.Errorf("%q is valid", forged)
		}
	}
}

func TestTimeOfWhatIsNoID(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "x", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", strings.Repeat("é", 13)} {
		if got := Time(s); !got.IsZero() {
			t.Errorf("Time(%q) = %v", s, got)
		}
	}
}

// The same arguments give the same id, on every machine and in every release:
// a repeated S3 event finds its batch by it. // failure 29
func TestDeriveIsPure(t *testing.T) {
	t.Parallel()
	ids := newIDs(t)
	entropy := [10]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	const recorded = "01KK97FTKV041061050R3GG28AXSXNZG834GMP9TET"
	id := ids.Derive(KindBatch, noon, entropy, "c")
	if id != recorded || !ids.Verify(KindBatch, id, "c") {
		t.Errorf("id %s, recorded %s", id, recorded)
	}
	for range 3 {
		if again := newIDs(t).Derive(KindBatch, noon.In(time.FixedZone("x", 3600)), entropy, "c"); again != id {
			t.Errorf("%s, then %s", id, again)
		}
	}
	entropy[9]++
	if other := ids.Derive(KindBatch, noon, entropy, "c"); other == id {
		t.Error("other bits, same id")
	}
	if other := ids.Derive(KindBatch, noon.Add(time.Millisecond), entropy, "c"); other == id {
		t.Error("other time, same id")
	}
}

// Ids of one moment are distinct and cannot be told from another. // failure 62
func TestIDsAreDistinct(t *testing.T) {
	t.Parallel()
	const n = 100_000
	ids := newIDs(t)
	seen := make(map[string]struct{}, n)
	entropy := make(map[string]struct{}, n)
	var ones [16]int
	for range n {
		id := ids.New(KindApplication, noon, "c")
		seen[id] = struct{}{}
		entropy[id[10:26]] = struct{}{}
		for i, c := range id[10:26] {
			ones[i] += strings.IndexRune(ulid.Encoding, c) & 1
		}
	}
	if len(seen) != n || len(entropy) != n {
		t.Errorf("%d ids, %d random parts of %d", len(seen), len(entropy), n)
	}
	for i, k := range ones { // 10 standard deviations
		if k < n/2-1600 || k > n/2+1600 {
			t.Errorf("random character %d is odd %d times of %d", i, k, n)
		}
	}
}

func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	ids := newIDs(t)
	last := ""
	for i := range 1000 {
		id := ids.New(KindBatch, noon.Add(time.Duration(i)*time.Millisecond), "")
		if id <= last {
			t.Fatalf("%s after %s", id, last)
		}
		last = id
	}
}

func FuzzVerify(f *testing.F) {
	ids := newIDs(f)
	id := ids.Derive(KindApplication, noon, [10]byte{1}, "c") // the same in every process
	for _, s := range []string{id, id[:41], strings.ToLower(id), "8" + id[1:], strings.Repeat("é", 21)} {
		f.Add(s, "c")
	}
	f.Fuzz(func(t *testing.T, s, caller string) {
		if ids.Verify(KindApplication, s, caller) && (s != id || caller != "c") {
			t.Fatalf("%q of %q was never issued", s, caller)
		}
		if ValidID(s) && (len(s) != IDLength || strings.ContainsAny(s, "/.\\%\x00 ") || s != strings.ToUpper(s)) {
			t.Fatalf("%q is valid", s)
		}
		_ = Time(s)
		for _, key := range []string{ApplicationKey(s), PlanKey(s), PartKey(s, 1), ReceiptKey(s)} {
			if key == "" {
				t.Fatal("empty key")
			}
		}
	})
}

func ExampleIDs_Verify() {
	ids, err := NewIDs([]byte("an example, never a real secret!"))
	if err != nil {
		fmt.Println(err)
		return
	}
	id := ids.New(KindApplication, time.Now(), "branch-7")
	fmt.Println(len(id), ids.Verify(KindApplication, id, "branch-7"), ids.Verify(KindApplication, id, "branch-8"))
	// Output: 42 true false
}

// Secrets as they are configured: the first mints, all are accepted.
func TestParseSecrets(t *testing.T) {
	t.Parallel()
	one, two := strings.Repeat("01", 32), strings.Repeat("02", 32)
	old, err := ParseSecrets(one + "\n")
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := ParseSecrets(two + ", " + one)
	if err != nil {
		t.Fatal(err)
	}
	id := old.New(KindApplication, noon, "a")
	if !rotated.Verify(KindApplication, id, "a") || old.Verify(KindApplication, rotated.New(KindApplication, noon, "a"), "a") {
		t.Error("the new secret does not mint, or the old one is not accepted")
	}
	for _, text := range []string{"", "sesame", one + ",", one + ",0102", "0102"} {
		if _, err := ParseSecrets(text); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
