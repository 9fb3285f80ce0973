package scorer

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// failure 72: claims without a result, whose message is gone, are told.
func TestOrphans(t *testing.T) {
	t.Parallel()
	for _, merged := range []bool{false, true} {
		h := twoDays(t)
		ids := h.ids(t, 100)
		h.before = func(op, key string) error {
			if op == "create" && isResult(key) {
				return errSim
			}
			return nil
		}
		simWorker(t, h, h.clock).Handle(t.Context(), []events.Message{messageOf(t, ids[50], simGood), messageOf(t, ids[51], simGood)})
		h.before = nil
		if orphans, err := h.compactor(t).Orphans(t.Context()); err != nil || len(orphans) != 0 {
			t.Fatalf("%+v, %v", orphans, err)
		}
		h.clock.pass(14 * 24 * time.Hour)
		if merged {
			if done, err := h.compactor(t).Compact(t.Context()); err != nil || len(done) != 2 {
				t.Fatalf("%+v, %v", done, err)
			}
		}
		if orphans, err := h.compactor(t).Orphans(t.Context()); err != nil || len(orphans) != 0 {
			t.Fatalf("before the retention is over: %+v, %v", orphans, err)
		}
		h.clock.pass(24 * time.Hour)
		orphans, err := h.compactor(t).Orphans(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range orphans {
			got = append(got, o.ID)
		}
		slices.Sort(got)
		want := []string{ids[50], ids[51]}
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("merged %t: %s", merged, diff)
		}
	}
}

// Applications that API Gateway has named tell no time by their name.
func TestCompactDirectIntake(t *testing.T) {
	t.Parallel()
	h := newHistory()
	const decided, open = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef", "0a000000-7b61-11e6-9a41-93e8deadbeef"
	h.submit(t, []string{decided})
	h.before = func(op, key string) error {
		if op == "create" && isResult(key) {
			return errSim
		}
		return nil
	}
	simWorker(t, h, h.clock).Handle(t.Context(), []events.Message{messageOf(t, open, simGood)})
	h.before = nil
	h.clock.pass(15 * time.Hour)
	c := h.compactor(t)
	c.o.DirectIntake = true
	if d, err := c.Day(t.Context(), firstDay); err != nil || d.Fenced != 1 || d.Rows != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

// A file that comes after its day was merged, as from a worker whose clock is
// hours slow, is told.
func TestCompactLateFile(t *testing.T) {
	t.Parallel()
	h := twoDays(t)
	h.clock.pass(2 * time.Hour)
	if _, err := h.compactor(t).Day(t.Context(), firstDay); err != nil {
		t.Fatal(err)
	}
	if done, err := h.compactor(t).Compact(t.Context()); err != nil || len(done) != 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	slow := &simClock{now: firstNoon()}
	ids := h.ids(t, 90)
	if errs := simWorker(t, h, slow).Handle(t.Context(), []events.Message{messageOf(t, ids[88], simGood), messageOf(t, ids[89], simGood)}); errs[0] != nil {
		t.Fatal(errs[0])
	}
	done, err := h.compactor(t).Compact(t.Context())
	if err != nil || len(done) != 1 || done[0].Late != 2 || done[0].Day != firstDay {
		t.Errorf("%+v, %v; want two late rows", done, err)
	}
}

// A file of a newer version is not merged: it could hold more than we know.
func TestCompactRefusesUnknownColumns(t *testing.T) {
	t.Parallel()
	h := twoDays(t)
	h.clock.pass(2 * time.Hour)
	var buf bytes.Buffer
	columns, _ := applicationColumns()
	w := newTable(&buf, append(columns, column{name: "later", node: parquet.Optional(parquet.String())}))
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Create(t.Context(), status.ApplicationResultsDay(firstDay)+"Z.parquet", buf.Bytes(), store.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.compactor(t).Day(t.Context(), firstDay); !errors.Is(err, errColumns) {
		t.Errorf("%v, want errColumns", err)
	}
}

// A file of an older version lacks columns; they are null.
func TestCompactReadsOlderFiles(t *testing.T) {
	t.Parallel()
	h := twoDays(t)
	columns, _ := applicationColumns()
	for key, body := range h.Bodies(status.ApplicationResultsDay(firstDay)) {
		rows, err := decodeResults(body)
		if err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		w := newTable(&buf, columns[1:]) // without Loan_ID
		for i, row := range rows {
			short := row[1:].Clone()
			for n := range short {
				short[n] = short[n].Level(0, short[n].DefinitionLevel(), n)
			}
			rows[i] = short
		}
		if err := errors.Join(w.write(rows), w.close()); err != nil {
			t.Fatal(err)
		}
		older, err := decodeResults(buf.Bytes())
		if err != nil || len(older) != len(rows) {
			t.Fatalf("%s: %d rows, %v", key, len(older), err)
		}
		for _, row := range older {
			if len(row) != len(columns) || !row[0].IsNull() || row[1].Column() != 1 {
				t.Errorf("%s: %v", key, row)
			}
		}
	}
	if _, err := decodeResults([]byte("not Parquet")); err == nil {
		t.Error("read what is no file")
	}
}
