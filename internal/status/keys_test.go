package status

import (
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const recordedBatch = "01KK97FTKV041061050R3GG28AXSXNZG834GMP9TET" // of noon

// Keys are a format: other programs read them.
func TestKeys(t *testing.T) {
	t.Parallel()
	const b = recordedBatch
	got := map[string]string{
		"application":   ApplicationKey(b),
		"model":         ModelKey("5d41"),
		"reasons":       ReasonsKey("7e"),
		"receipt":       ReceiptKey("uploads/a b.csv"),
		"batch":         BatchPrefix(b),
		"plan":          PlanKey(b),
		"summary":       SummaryKey(b),
		"rejects":       RejectsKey(b),
		"ledger":        LedgerPrefix(b),
		"chunk":         LedgerKey(b, 7),
		"chunk rejects": ChunkRejectsKey(b, 7, 0),
		"parts":         PartsPrefix(b),
		"part":          PartKey(b, 1234567),
	}
	want := map[string]string{
		"application":   "applications/18/" + b + ".json",
		"model":         "models/5d41.json",
		"reasons":       "reasons/7e.json",
		"receipt":       "receipts/uploads/a b.csv.json",
		"batch":         "batches/2026-03-09/" + b + "/",
		"plan":          "batches/2026-03-09/" + b + "/batch.json",
		"summary":       "batches/2026-03-09/" + b + "/summary.json",
		"rejects":       "batches/2026-03-09/" + b + "/rejects.csv",
		"ledger":        "batches/2026-03-09/" + b + "/chunks/",
		"chunk":         "batches/2026-03-09/" + b + "/chunks/000007.json",
		"chunk rejects": "batches/2026-03-09/" + b + "/rejects/000007-0.ndjson",
		"parts":         "results/batches/dt=2026-03-09/batch=" + b + "/",
		"part":          "results/batches/dt=2026-03-09/batch=" + b + "/part-1234567.parquet",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// No key made of a valid id leaves its prefix, and none is under uploads/:
// our own output never starts a batch. // failure 35
func TestKeysStayInTheirPlace(t *testing.T) {
	t.Parallel()
	ids := newIDs(t)
	for i := range 500 {
		id := ids.New(KindBatch, noon.Add(time.Duration(i*i)*time.Minute), "c")
		for key, prefix := range map[string]string{
			ApplicationKey(id):            ApplicationsPrefix,
			PlanKey(id):                   BatchPrefix(id),
			SummaryKey(id):                BatchPrefix(id),
			RejectsKey(id):                BatchPrefix(id),
			LedgerKey(id, i):              LedgerPrefix(id),
			ChunkRejectsKey(id, i, 1):     BatchPrefix(id),
			PartKey(id, i):                PartsPrefix(id),
			NewResultKey(noon):            ApplicationResultsPrefix,
			ReceiptKey("uploads/" + id):   ReceiptsPrefix,
			BatchPrefix(id) + "x":         BatchesPrefix,
			PartsPrefix(id) + "x":         BatchResultsPrefix,
			ModelKey(strings.ToLower(id)): ModelsPrefix,
			ReasonsKey("x" + id):          ReasonsPrefix,
		} {
			if !strings.HasPrefix(key, prefix) || path.Clean(key) != key || strings.HasPrefix(key, UploadsPrefix) || len(key) > 1024 {
				t.Fatalf("key %q, want it in %q", key, prefix)
			}
		}
	}
	prefixes := []string{UploadsPrefix, BatchesPrefix, ApplicationsPrefix, ReceiptsPrefix, ModelsPrefix, ReasonsPrefix, ApplicationResultsPrefix, BatchResultsPrefix}
	for _, a := range prefixes {
		for _, b := range prefixes {
			if a != b && strings.HasPrefix(a, b) {
				t.Errorf("%q is within %q", a, b)
			}
		}
	}
}

// The ledger's and the parts' names sort as their numbers do.
func TestChunkKeysSort(t *testing.T) {
	t.Parallel()
	var ledger, parts []string
	for _, n := range []int{0, 1, 9, 10, 99, 100, 99_999, 999_999} {
		ledger = append(ledger, LedgerKey(recordedBatch, n))
		parts = append(parts, PartKey(recordedBatch, n))
	}
	if !slices.IsSorted(ledger) || !slices.IsSorted(parts) {
		t.Errorf("not in order: %q %q", ledger, parts)
	}
}

// The day of a batch is the UTC day of its id, wherever the reader is. // failure 59
func TestDays(t *testing.T) {
	t.Parallel()
	ids := newIDs(t)
	for at, want := range map[string]string{
		"2026-03-08T23:59:59.999Z":      "2026-03-08",
		"2026-03-09T00:00:00.000Z":      "2026-03-09",
		"2026-03-09T00:30:00.000+01:00": "2026-03-08",
		"2026-03-08T23:30:00.000-03:00": "2026-03-09",
		"2024-02-29T12:00:00.000Z":      "2024-02-29",
		"2026-03-29T02:30:00.000+02:00": "2026-03-29", // clocks are put forward in Europe
	} {
		moment, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		id := ids.New(KindBatch, moment, "")
		if got := BatchPrefix(id); got != "batches/"+want+"/"+id+"/" {
			t.Errorf("%s: %s, want day %s", at, got, want)
		}
		if got := NewResultKey(moment); !strings.HasPrefix(got, "results/applications/dt="+want+"/") {
			t.Errorf("%s: %s, want day %s", at, got, want)
		}
	}
}

func TestResultKeysAreFresh(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 10_000 {
		seen[NewResultKey(noon)] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("%d different keys of 10,000", len(seen))
	}
}

// Any upload has one receipt of its own, within S3's limit. // failure 36
func TestReceipts(t *testing.T) {
	t.Parallel()
	uploads := []string{
		"uploads/a.csv", "uploads/a.csv.json", "uploads/ b+%.csv", "uploads/é/💸.csv", "uploads//a", "uploads/a/", "uploads/..", "uploads/sha256-",
		"uploads/" + strings.Repeat("x", 222), "uploads/" + strings.Repeat("x", 223),
		"uploads/" + strings.Repeat("d/", 400) + strings.Repeat("x", 202),
		"uploads/" + strings.Repeat("d/", 400) + strings.Repeat("x", 203),
		"uploads/a.csv.json/b.csv", "uploads/a.csv.json/b.csv.json",
		"uploads/" + strings.Repeat("d/", 508), "uploads/" + strings.Repeat("d/", 507) + "ee",
	}
	seen := map[string]string{}
	for _, u := range uploads {
		key := ReceiptKey(u)
		if len(key) > 1024 || !strings.HasPrefix(key, ReceiptsPrefix) || !strings.HasSuffix(key, ".json") {
			t.Errorf("receipt of %q: %q of %d bytes", u, key, len(key))
		}
		if name := path.Base(key); len(name) > maxNameLength {
			t.Errorf("receipt of %q: name of %d bytes, which no file can have", u, len(name))
		}
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q share receipt %q", u, other, key)
		}
		seen[key] = u
		if key != ReceiptKey(u) {
			t.Errorf("receipt of %q differs from call to call", u)
		}
	}
	for a := range seen { // a store on a file system cannot hold both
		for b := range seen {
			if strings.HasPrefix(a, b+"/") {
				t.Errorf("receipt %q is in a folder that is receipt %q", a, b)
			}
		}
	}
	if got := ReceiptKey(uploads[8]); got != "receipts/"+uploads[8]+".json" {
		t.Errorf("receipt of an upload of %d bytes: %q", len(uploads[8]), got)
	}
	if got := ReceiptKey(uploads[10]); len(got) != 1024 || strings.Contains(got, "sha256-") {
		t.Errorf("receipt of the longest plain upload has %d bytes: %q", len(got), got)
	}
	if got := ReceiptKey(uploads[11]); !strings.HasPrefix(got, "receipts/sha256-") || len(got) != 9+7+64+5 {
		t.Errorf("receipt of an upload one byte longer: %q", got)
	}
}

func TestFileOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		metadata map[string]string
		want     File
	}{
		{nil, FileResults},
		{map[string]string{MetaSHA256: "x"}, FileResults},
		{map[string]string{MetaFile: string(FileResults)}, FileResults},
		{map[string]string{MetaFile: string(FileTombstone)}, FileTombstone},
	} {
		if got := FileOf(tc.metadata); got != tc.want {
			t.Errorf("FileOf(%v) = %s, want %s", tc.metadata, got, tc.want)
		}
	}
}
