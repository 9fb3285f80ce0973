package scorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
)

// simRow is a row of a result file, as a reader of Parquet finds it.
type simRow struct {
	id          string
	decision    string
	reasons     string // codes
	probability float64
	model       string
	decidedAt   time.Time
}

// simCheck watches every write to the bucket and notes what breaks an
// invariant, at the moment it does.
type simCheck struct {
	apps     *simApps
	read     simReader
	docs     map[string]*status.Application // by application
	keys     map[string]string              // application by key of its document
	files    map[string]status.File         // by key
	rows     map[string]map[string]simRow   // by file and application
	file     map[string]string              // the file of the application's row
	told     map[string]status.State        // the last terminal state a poller was told
	revived  int                            // failed applications that were decided later
	noted    map[string]bool
	trace    []string // every write
	problems []string
}

func newSimCheck(apps *simApps, read simReader) *simCheck {
	c := &simCheck{
		apps: apps, read: read, docs: map[string]*status.Application{}, keys: map[string]string{},
		files: map[string]status.File{}, rows: map[string]map[string]simRow{},
		file: map[string]string{}, told: map[string]status.State{}, noted: map[string]bool{},
	}
	for _, id := range apps.ids {
		c.keys[status.ApplicationKey(id)] = id
	}
	return c
}

func (c *simCheck) problem(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !c.noted[text] {
		c.noted[text] = true
		c.problems = append(c.problems, time.Now().UTC().Format("15:04:05.000 ")+text)
	}
}

// change is told every write, before anybody can read it.
func (c *simCheck) change(w sim.Change) {
	c.trace = append(c.trace, fmt.Sprintf("%s %s %t", time.Now().Format("15:04:05.000000000"), simResultName(w.Info.Key), w.Replaced))
	switch {
	case strings.HasPrefix(w.Info.Key, status.ApplicationsPrefix):
		c.document(w)
	case strings.HasPrefix(w.Info.Key, status.ApplicationResultsPrefix):
		c.result(w)
	case strings.HasPrefix(w.Info.Key, status.ModelsPrefix):
	default:
		c.problem("%q was written", w.Info.Key)
	}
	for _, id := range c.apps.ids {
		c.poll(id)
	}
}

func (c *simCheck) document(w sim.Change) {
	id, ours := c.keys[w.Info.Key]
	if !ours {
		c.problem("document %q of no application", w.Info.Key)
		return
	}
	var doc status.Application
	if err := status.Decode(w.Body, &doc); err != nil || doc.ID != id {
		c.problem("document of %s: %v", id, err)
		return
	}
	if doc.State == status.DocRejected && c.apps.valid[id] {
		c.problem("%s was rejected: %+v", id, doc.Error)
	}
	c.docs[id] = &doc
}

// result is told of every result file: the commit of an attempt, or a fence.
func (c *simCheck) result(w sim.Change) {
	key := w.Info.Key
	if w.Replaced {
		c.problem("%s was overwritten", key)
	}
	c.files[key] = status.FileOf(w.Info.Metadata)
	rows, err := c.read(w.Body)
	if err != nil {
		c.problem("%s: %v", key, err)
		return
	}
	if (c.files[key] == status.FileTombstone) != (len(rows) == 0) {
		c.problem("%s is a %s with %d rows", key, c.files[key], len(rows))
	}
	c.rows[key] = map[string]simRow{}
	for _, row := range rows {
		if other, ok := c.file[row.id]; ok {
			c.problem("%s has a row in %s and one in %s", row.id, other, key)
		}
		c.file[row.id], c.rows[key][row.id] = key, row
		c.matches(key, row)
	}
}

// matches checks a row against the document that claims it.
func (c *simCheck) matches(key string, row simRow) {
	doc := c.docs[row.id]
	switch {
	case doc == nil:
		c.problem("%s: row of %s, which has no document", key, row.id)
	case doc.Result != key || doc.State != status.DocClaimed:
		c.problem("%s: row of %s, whose document is %s of %s", key, row.id, doc.State, doc.Result)
	case row.decision == "approved" && row.reasons != "":
		c.problem("%s: row of %s was approved for %s", key, row.id, row.reasons)
	case codesOf(doc.Reasons) != row.reasons || doc.Decision != row.decision || *doc.Probability != row.probability || doc.Model.SHA256 != row.model ||
		!doc.DecidedAt.Equal(row.decidedAt):
		c.problem("%s: row %+v differs from its document %+v", key, row, doc)
	}
}

// codesOf are the codes of a document's reasons.
func codesOf(reasons []status.Reason) string {
	var codes []string
	for _, r := range reasons {
		codes = append(codes, r.Code)
	}
	return strings.Join(codes, ",")
}

// poll does what the api does for a poller.
func (c *simCheck) poll(id string) {
	doc := c.docs[id]
	facts := status.Facts{SubmittedAt: status.Time(id), Now: time.Now(), Retention: 96 * time.Hour, Document: doc, File: status.FileMissing}
	if doc != nil {
		if kind, ok := c.files[doc.Result]; ok {
			facts.File = kind
		}
	}
	state := status.Derive(facts)
	if state == status.Decided {
		if _, ok := c.rows[doc.Result][id]; !ok {
			c.problem("%s is said to be decided, %s has no row of it", id, doc.Result)
		}
	}
	before := c.told[id]
	switch {
	case before == status.Failed && state != status.Failed:
		c.revived++
	case before != "" && before != state:
		c.problem("%s was %s and is now %s", id, before, state)
	}
	c.told[id] = ""
	if state.Done() {
		c.told[id] = state
	}
}

// end checks what must hold when the faults are over and the queue is empty,
// reading everything again.
func (c *simCheck) end(bucket *sim.Bucket) {
	count := map[string]int{}
	for key, body := range bucket.Bodies(status.ApplicationResultsPrefix) {
		rows, err := c.read(body)
		if err != nil {
			c.problem("%s: %v", key, err)
		}
		for _, row := range rows {
			count[row.id]++
		}
	}
	for _, id := range c.apps.ids {
		c.poll(id)
		want, rows := status.Decided, 1
		if !c.apps.valid[id] {
			want, rows = status.Rejected, 0
		}
		if c.told[id] != want || count[id] != rows {
			c.problem("%s ended as %q in %d rows, want %s in %d; document %+v", id, c.told[id], count[id], want, rows, c.docs[id])
		}
		data, _, err := bucket.Get(context.Background(), status.ApplicationKey(id), maxDocument)
		var doc status.Application
		if err != nil || status.Decode(data, &doc) != nil {
			c.problem("%s: document cannot be read: %v", id, err)
		}
		if rows == 1 && doc.Result != c.file[id] {
			c.problem("%s: document names %q, the row is in %q", id, doc.Result, c.file[id])
		}
	}
}

// simRows reads a result file with the Parquet library alone.
func simRows(data []byte) (rows []simRow, err error) {
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	at := func(row parquet.Row, name string) parquet.Value {
		leaf, ok := file.Schema().Lookup(name)
		if !ok {
			err = errors.Join(err, fmt.Errorf("no column %s", name))
			return parquet.Value{}
		}
		return row[leaf.ColumnIndex]
	}
	for _, group := range file.RowGroups() {
		reader := group.Rows()
		buf := make([]parquet.Row, 16)
		for {
			n, readErr := reader.ReadRows(buf)
			for _, row := range buf[:n] {
				var reasons []string
				for i := range 4 {
					if code := at(row, fmt.Sprint("reason_", i+1)); !code.IsNull() {
						reasons = append(reasons, string(code.ByteArray()))
					}
				}
				rows = append(rows, simRow{
					id:       string(at(row, "application_id").ByteArray()),
					decision: string(at(row, "decision").ByteArray()), reasons: strings.Join(reasons, ","), probability: at(row, "probability").Double(),
					model: string(at(row, "model_sha256").ByteArray()), decidedAt: time.UnixMicro(at(row, "decided_at").Int64()),
				})
			}
			if errors.Is(readErr, io.EOF) {
				break
			}
			if readErr != nil {
				return nil, readErr
			}
		}
		if closeErr := reader.Close(); closeErr != nil {
			return nil, closeErr
		}
	}
	return rows, err
}
