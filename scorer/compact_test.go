package scorer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
)

// history is a bucket with some days of applications, and a clock.
type history struct {
	*simStore
	clock *simClock
}

const (
	firstDay  = "2026-03-01"
	secondDay = "2026-03-02"
)

// newHistory begins at noon of the first day.
func newHistory() *history {
	h := &history{simStore: newSimStore(), clock: newSimClock()}
	h.Clock(h.clock.Now)
	return h
}

// submit lets a worker decide applications, each batch in a file of its own.
func (h *history) submit(t *testing.T, batches ...[]string) {
	t.Helper()
	worker := simWorker(t, h, h.clock)
	for _, batch := range batches {
		var messages []events.Message
		for _, id := range batch {
			messages = append(messages, messageOf(t, id, simGood))
		}
		for i, err := range worker.Handle(t.Context(), messages) {
			if err != nil {
				t.Fatalf("%s: %v", batch[i], err)
			}
		}
		h.clock.pass(time.Minute)
	}
}

// ids mints so many ids at the clock's time.
func (h *history) ids(t *testing.T, n int) []string {
	t.Helper()
	var ids []string
	for i := range n {
		ids = append(ids, simID(status.KindApplication, i, h.clock.Now()))
	}
	return ids
}

func messageOf(t *testing.T, id, application string) events.Message {
	t.Helper()
	body, err := events.Encode(events.NewApplication(id, "caller", firstNoon(), []byte(application)))
	if err != nil {
		t.Fatal(err)
	}
	return events.Message{ID: "m" + id, Body: []byte(body), Receives: 1}
}

func firstNoon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func (h *history) compactor(t *testing.T) *Compactor {
	t.Helper()
	c, err := NewCompactor(CompactorOptions{Objects: h, Folders: h, Now: h.clock.Now, Logger: simLogger()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rows are the lines of a file, column by column, as a reader finds them.
func rowsOf(t *testing.T, data []byte) []string {
	t.Helper()
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, group := range file.RowGroups() {
		reader := group.Rows()
		buf := make([]parquet.Row, 8)
		for {
			n, err := reader.ReadRows(buf)
			for _, row := range buf[:n] {
				var b strings.Builder
				for i, v := range row {
					fmt.Fprintf(&b, "%s=%+v;", file.Schema().Columns()[i][0], v)
				}
				lines = append(lines, b.String())
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		_ = reader.Close()
	}
	return lines
}

// small are the lines of all small files of a day, in the order of their keys.
func (h *history) small(t *testing.T, day string) []string {
	t.Helper()
	bodies := h.Bodies(status.ApplicationResultsDay(day))
	var keys []string
	for key := range bodies {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	var lines []string
	for _, key := range keys {
		lines = append(lines, rowsOf(t, bodies[key])...)
	}
	return lines
}

func (h *history) daily(t *testing.T, day string) []byte {
	t.Helper()
	data, _, err := h.Bucket.Get(t.Context(), status.DailyResultKey(day), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// twoDays has applications on two days, some with inputs missing, one refused,
// and an attempt that was given up.
func twoDays(t *testing.T) *history {
	t.Helper()
	h := newHistory()
	ids := h.ids(t, 40)
	h.submit(t, ids[:3], ids[3:4], ids[4:20])
	worker := simWorker(t, h, h.clock)
	worker.Handle(t.Context(), []events.Message{
		messageOf(t, ids[20], `{"TotalIncome":1,"Property_Area":"Rural"}`), messageOf(t, ids[21], `{"LoanAmount":1}`),
	})
	h.before = func(op, key string) error {
		if op == "create" && isResult(key) && !strings.Contains(key, "daily") {
			return errSim
		}
		return nil
	}
	worker.Handle(t.Context(), []events.Message{messageOf(t, ids[22], simGood)}) // neither committed nor given up
	h.before = nil
	h.clock.pass(12 * time.Hour)
	h.submit(t, ids[22:30], ids[30:40])
	return h
}

// A day's small files become one, with the same rows.
func TestCompactMerges(t *testing.T) {
	t.Parallel()
	h := twoDays(t)
	if done, err := h.compactor(t).Compact(t.Context()); err != nil || len(done) != 0 {
		t.Fatalf("merged before the day was closed: %v, %v", done, err)
	}
	h.clock.pass(2 * time.Hour)
	done, err := h.compactor(t).Compact(t.Context())
	if err != nil || len(done) != 1 {
		t.Fatalf("%v, %v", done, err)
	}
	want := MergedDay{Day: firstDay, State: DayMerged, Files: 5, Rows: 21, Bytes: int64(len(h.daily(t, firstDay)))}
	if diff := cmp.Diff(want, done[0]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(h.small(t, firstDay), rowsOf(t, h.daily(t, firstDay))); diff != "" {
		t.Error(diff)
	}
	h.clock.pass(24 * time.Hour)
	done, err = h.compactor(t).Compact(t.Context())
	if err != nil || len(done) != 1 || done[0].Day != secondDay || done[0].Rows != 18 {
		t.Errorf("%v, %v", done, err)
	}
	if done, err = h.compactor(t).Compact(t.Context()); err != nil || len(done) != 0 {
		t.Errorf("merged twice: %v, %v", done, err)
	}
	if d, err := h.compactor(t).Day(t.Context(), firstDay); err != nil || d.State != DayAlready {
		t.Errorf("%v, %v", d, err)
	}
}

// Whoever merges a day writes the same bytes, and only one of them does.
func TestCompactTwoMergers(t *testing.T) {
	t.Parallel()
	h := twoDays(t)
	h.clock.pass(2 * time.Hour)
	other := sim.NewBucket()
	other.Clock(h.clock.Now)
	for key := range h.Bodies("") {
		h.Copy(key, other)
	}
	states := map[MergeState]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 4 {
		c := h.compactor(t)
		wg.Go(func() {
			d, err := c.Day(t.Context(), firstDay)
			mu.Lock()
			defer mu.Unlock()
			states[d.State]++
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[MergeState]int{DayMerged: 1, DayAlready: 3}, states); diff != "" {
		t.Error(diff)
	}
	elsewhere := &history{simStore: &simStore{Bucket: other}, clock: h.clock}
	if _, err := elsewhere.compactor(t).Day(t.Context(), firstDay); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(h.daily(t, firstDay), elsewhere.daily(t, firstDay)) {
		t.Error("two mergers wrote other bytes")
	}
}

// A compactor that dies at any call is made up for by the next one.
func TestCompactCrash(t *testing.T) {
	t.Parallel()
	whole := twoDays(t)
	whole.clock.pass(2 * time.Hour)
	var counted atomic.Int64
	whole.before = func(string, string) error {
		counted.Add(1)
		return nil
	}
	if _, err := whole.compactor(t).Day(t.Context(), firstDay); err != nil {
		t.Fatal(err)
	}
	calls := int(counted.Load())
	if calls < 10 {
		t.Fatalf("%d calls of the store, which cannot be all", calls)
	}
	for n := 0; n < calls; n += simShare {
		for _, after := range []bool{false, true} {
			h := twoDays(t)
			h.clock.pass(2 * time.Hour)
			count := 0
			var mu sync.Mutex
			die := func(string, string) error {
				mu.Lock()
				defer mu.Unlock()
				if count++; count > n {
					return sim.ErrDead
				}
				return nil
			}
			if after {
				h.after = die
			} else {
				h.before = die
			}
			_, err := h.compactor(t).Day(t.Context(), firstDay)
			h.before, h.after = nil, nil
			if !after && !errors.Is(err, sim.ErrDead) {
				t.Fatalf("call %d: %v", n, err)
			}
			if _, err := h.compactor(t).Day(t.Context(), firstDay); err != nil {
				t.Fatalf("call %d, after %t: %v", n, after, err)
			}
			if diff := cmp.Diff(h.small(t, firstDay), rowsOf(t, h.daily(t, firstDay))); diff != "" {
				t.Fatalf("call %d, after %t: %s", n, after, diff)
			}
		}
	}
}

// The late commit of a claim made on the day: while it is on its way the day
// is merged, so it is fenced, and the application is decided on another day.
//
// failure 3, failure 5
func TestCompactFencesALateCommit(t *testing.T) {
	t.Parallel()
	h := newHistory()
	ids := h.ids(t, 2)
	h.submit(t, ids[:1])
	merged := false
	h.before = func(op, key string) error {
		if op == "create" && isResult(key) && !strings.Contains(key, "daily") && !merged {
			merged = true // the worker stands still here, after every check of its own
			h.clock.pass(15 * time.Hour)
			d, err := h.compactor(t).Day(t.Context(), firstDay)
			if err != nil || d.Fenced != 1 || d.Rows != 1 {
				t.Errorf("%+v, %v; want one fenced claim and one row", d, err)
			}
		}
		return nil
	}
	late := []events.Message{messageOf(t, ids[1], simGood)}
	if errs := simWorker(t, h, h.clock).Handle(t.Context(), late); errs[0] == nil {
		t.Error("the late commit was acknowledged")
	}
	h.before = nil
	if errs := simWorker(t, h, h.clock).Handle(t.Context(), late); errs[0] != nil {
		t.Error(errs[0])
	}
	if diff := cmp.Diff(h.small(t, firstDay), rowsOf(t, h.daily(t, firstDay))); diff != "" {
		t.Errorf("the merged day is not the day: %s", diff)
	}
	if rows := len(h.small(t, secondDay)); rows != 1 {
		t.Errorf("%d rows on the second day, want one", rows)
	}
}

// A day with a claim whose lease still runs is left alone.
func TestCompactWaitsForLeases(t *testing.T) {
	t.Parallel()
	h := newHistory()
	ids := h.ids(t, 2)
	h.submit(t, ids[:1])
	worker, err := NewApplications(ApplicationsOptions{
		Scorer: simWorker(t, h, h.clock).o.Scorer, Objects: h, Lease: 20 * time.Hour, Now: h.clock.Now, Logger: simLogger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.before = func(op, key string) error {
		if op == "create" && isResult(key) {
			return errSim
		}
		return nil
	}
	worker.Handle(t.Context(), []events.Message{messageOf(t, ids[1], simGood)})
	h.before = nil
	h.clock.pass(15 * time.Hour)
	if d, err := h.compactor(t).Day(t.Context(), firstDay); !errors.Is(err, ErrDayOpen) || d.State != DayOpen {
		t.Errorf("%+v, %v; want ErrDayOpen", d, err)
	}
	if done, err := h.compactor(t).Compact(t.Context()); err != nil || len(done) != 1 || done[0].State != DayOpen {
		t.Errorf("%+v, %v", done, err)
	}
	h.clock.pass(6 * time.Hour)
	if d, err := h.compactor(t).Day(t.Context(), firstDay); err != nil || d.State != DayMerged || d.Fenced != 1 {
		t.Errorf("%+v, %v", d, err)
	}
}

// What a compactor holds in memory does not grow with the day: it goes over a
// large one in passes, and finds the same.
func TestCompactPasses(t *testing.T) {
	t.Parallel()
	h := newHistory()
	ids := h.ids(t, 300)
	h.submit(t, ids[:100], ids[100:200], ids[200:290])
	h.before = func(op, key string) error {
		if op == "create" && isResult(key) {
			return errSim
		}
		return nil
	}
	for _, id := range ids[290:] {
		simWorker(t, h, h.clock).Handle(t.Context(), []events.Message{messageOf(t, id, simGood)})
	}
	h.before = nil
	h.clock.pass(15 * time.Hour)
	c := h.compactor(t)
	c.maxIDs = 12
	d, err := c.Day(t.Context(), firstDay)
	if err != nil || d.Fenced != 10 || d.Rows != 290 || d.Files != 13 {
		t.Errorf("%+v, %v; want 10 fenced claims and 290 rows in 13 files", d, err)
	}
}
