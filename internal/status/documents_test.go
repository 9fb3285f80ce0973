package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/v1 anew; released fixtures must not change")

var (
	someModel  = ModelRef{Name: "article", Version: "1", SHA256: strings.Repeat("5d", 32)}
	somePolicy = Policy{ApproveAbove: 0.6, DeclineAt: 0.4}
	someSource = Source{
		Bucket: "loans", Key: "uploads/março 1.csv", Version: "096fKKXTRTtl3on89fVO.nfljtsv6qko",
		ETag: `"d41d8cd98f00b204e9800998ecf8427e"`, Size: 1 << 40, LastModified: noon,
	}
	someProblem = Problem{
		Type: "about:blank", Title: "input refused", Code: "missing_columns", Detail: `no "LoanAmount" <&>`, Field: "LoanAmount",
	}
)

// version1 is one document of every kind, with every member set.
func version1() map[string]any {
	tally := NewTally()
	tally.Score("approved", 0.75)
	tally.Score("declined", 0)
	tally.Rows++
	tally.Rejected["bad_number"]++
	tally.Imputed["Credit_History"] = 2
	problems := []RowProblem{{Line: 3, Offset: 120, Column: "LoanAmount", Code: "bad_number", Reason: "not a number"}}
	rejects := &Object{Key: RejectsKey(recordedBatch), SHA256: strings.Repeat("00", 32), Size: 90, Rows: 1}
	withReasons := NewTally()
	withReasons.Score("declined", 0.25)
	withReasons.Reason("CREDIT_HISTORY", 1)
	reasons := &ReasonsRef{SHA256: strings.Repeat("7e", 32)}
	part := Object{Key: PartKey(recordedBatch, 0), SHA256: strings.Repeat("ff", 32), Size: 4096, Rows: 2}
	application := func(s DocState) Application {
		return Application{
			V: Version, ID: recordedBatch, State: s, ClaimedAt: noon, LeaseUntil: noon.Add(time.Minute),
			SubmittedAt: noon.Add(-time.Second), Attempts: 2,
		}
	}
	claimed, rejected, failing := application(DocClaimed), application(DocRejected), application(DocFailing)
	claimed.Result, claimed.DecidedAt, claimed.LoanID = "results/applications/dt=2026-03-09/X.parquet", noon, "LP900001"
	claimed.Decision, claimed.Probability, claimed.Policy, claimed.Model = "referred", new(0.30000000000000004), &somePolicy, &someModel
	claimed.Reasons = []Reason{{Code: "R1", Feature: "Credit_History", Contribution: -0.25, Text: "credit history", TextPT: "histórico de crédito"}}
	claimed.Imputed = []string{"LoanAmount"}
	rejected.Error, failing.Error = &someProblem, &Problem{Title: "store does not answer", Code: "internal"}
	return map[string]any{
		"application-claimed":  &claimed,
		"application-rejected": &rejected,
		"application-failing":  &failing,
		"batch": &Batch{
			V: Version, ID: recordedBatch, Source: someSource, Header: json.RawMessage(`{"columns":[{"name":"Loan_ID"}]}`),
			DataStart: 120, Model: someModel, Policy: somePolicy, ChunkSize: 32 << 20, Chunks: 32768, PlannedAt: noon,
		},
		"batch-reasons": &Batch{
			V: Version, ID: recordedBatch, Source: someSource, Header: json.RawMessage(`{"columns":[{"name":"Loan_ID"}]}`),
			DataStart: 120, Model: someModel, Policy: somePolicy, Reasons: reasons, ChunkSize: 32 << 20, Chunks: 1, PlannedAt: noon,
		},
		"batch-refused": &Batch{V: Version, ID: recordedBatch, Source: someSource, Model: someModel, Policy: somePolicy, PlannedAt: noon, Error: &someProblem},
		"chunk": &Chunk{
			V: Version, Batch: recordedBatch, N: 1, Generation: 1, Start: 32 << 20, End: 64 << 20, FirstRecord: 32<<20 + 7,
			NextRecord: 64<<20 + 3, Lines: 4, Tally: tally, Part: part, Rejects: rejects, Problems: problems,
		},
		"summary": &Summary{
			V: Version, ID: recordedBatch, State: BatchSucceededWithRejects, Source: someSource, Model: someModel, Policy: somePolicy,
			Chunks: 1, Tally: tally, Parts: []Object{part}, Rejects: rejects, Problems: problems, PlannedAt: noon, ClosedAt: noon.Add(time.Hour),
		},
		"summary-reasons": &Summary{
			V: Version, ID: recordedBatch, State: BatchSucceeded, Source: someSource, Model: someModel, Policy: somePolicy, Reasons: reasons,
			Chunks: 1, Tally: withReasons, Parts: []Object{part}, PlannedAt: noon, ClosedAt: noon.Add(time.Hour),
		},
		"summary-failed": &Summary{
			V: Version, ID: recordedBatch, State: BatchFailed, Source: someSource, Model: someModel, Policy: somePolicy,
			Tally: NewTally(), Parts: []Object{}, PlannedAt: noon, ClosedAt: noon, Error: &someProblem,
		},
		"receipt": &Receipt{
			V: Version, Batch: recordedBatch, Source: someSource, Plan: PlanKey(recordedBatch), Summary: SummaryKey(recordedBatch),
			Results: PartsPrefix(recordedBatch), At: noon,
		},
	}
}

// Documents of version 1 are written byte for byte as they were first, and
// read back the same. // failure 58
func TestDocumentsOfVersion1(t *testing.T) {
	t.Parallel()
	docs := version1()
	for name, doc := range docs {
		text, err := Encode(doc)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", "v1", name+".json")
		if *update {
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(text)); diff != "" {
			t.Errorf("%s is written differently: %s", name, diff)
		}
		back := reflect.New(reflect.TypeOf(doc).Elem()).Interface()
		if err := Decode(want, back); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(doc, back); diff != "" {
			t.Errorf("%s is read differently: %s", name, diff)
		}
	}
	files, err := os.ReadDir(filepath.Join("testdata", "v1"))
	if err != nil || len(files) != len(docs) {
		t.Errorf("%d fixtures for %d documents, %v", len(files), len(docs), err)
	}
}

// Members that this version does not know are ignored, missing ones are zero. // failure 58
func TestDocumentsOfOtherVersions(t *testing.T) {
	t.Parallel()
	var a Application
	err := Decode([]byte(`{"v":1,"id":"x","state":"claimed","added_later":{"a":[1,{}]},"attempts":2}`), &a)
	if diff := cmp.Diff(Application{V: 1, ID: "x", State: DocClaimed, Attempts: 2}, a); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	var b Batch
	if err := Decode([]byte(`{"id":"x"}`), &b); err != nil || b.ID != "x" {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "null", " null\n", "[]", "7", `"x"`, "{", "{}{}", "{}x", "\xef\xbb\xbf{}", `{"v":"1"}`, `{"v":1.5}`,
		`{"claimed_at":"noon"}`, `{"reasons":{}}`, strings.Repeat("[", 20_000),
		`{"a":` + strings.Repeat("[", 20_000),
	} {
		var a Application
		if err := Decode([]byte(text), &a); !errors.Is(err, ErrDocument) {
			t.Errorf("Decode(%.40q): %v, want ErrDocument", text, err)
		}
	}
}

func TestEncodeRefusesWhatJSONCannotSay(t *testing.T) {
	t.Parallel()
	if text, err := Encode(&Application{Probability: new(math.NaN())}); err == nil {
		t.Errorf("encoded %s", text)
	}
}

func FuzzDecode(f *testing.F) {
	for _, doc := range version1() {
		text, err := Encode(doc)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, doc := range []any{&Application{}, &Batch{}, &Chunk{}, &Summary{}, &Receipt{}} {
			err := Decode(text, doc)
			if err != nil {
				if !errors.Is(err, ErrDocument) {
					t.Fatalf("%T: %v", doc, err)
				}
				continue
			}
			once, err := Encode(doc)
			if err != nil {
				t.Fatalf("%T cannot be written again: %v", doc, err)
			}
			back := reflect.New(reflect.TypeOf(doc).Elem()).Interface()
			if err := Decode(once, back); err != nil {
				t.Fatalf("%s cannot be read again: %v", once, err)
			}
			if twice, err := Encode(back); err != nil || !bytes.Equal(once, twice) {
				t.Fatalf("%s became %s, %v", once, twice, err)
			}
		}
	})
}
