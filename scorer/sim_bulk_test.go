package scorer

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/sim"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

const simBucketName = "bucket"

// simText is a CSV file with what makes its chunks hard: quoted line feeds
// with text like rows between them, bad rows, blank lines, open quotes.
func simText(r *rand.Rand) string {
	eol := []string{"\n", "\n", "\r\n", "\r"}[r.IntN(4)]
	text := simCommas(r, eol)
	switch r.IntN(5) {
	case 0:
		return strings.ReplaceAll(text, ",", ";")
	case 2:
		var packed strings.Builder
		w := gzip.NewWriter(&packed)
		_, err1 := w.Write([]byte(text))
		if err := errors.Join(err1, w.Close()); err != nil {
			panic(err)
		}
		return packed.String()
	case 1:
		return "sep=\t" + eol + strings.ReplaceAll(text, ",", "\t")
	}
	return text
}

func simCommas(r *rand.Rand, eol string) string {
	var b strings.Builder
	if r.IntN(8) == 0 {
		b.WriteString("\xEF\xBB\xBF")
	}
	b.WriteString("Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area,Notes" + eol)
	for i := range r.IntN(40) {
		area := []string{"Rural", "semiurban", "Urban"}[r.IntN(3)]
		row := fmt.Sprintf("LP%03d,%d,%d,%d,%d,%s,", i, 500+r.IntN(9000), r.IntN(4000), 20+r.IntN(400), r.IntN(2), area)
		switch r.IntN(14) {
		case 0, 1, 2:
			row += `"a note` + eol + `LP999,1,2,3,1,Urban,` + eol + `of three ""lines"""`
		case 3:
			row = strings.Replace(row, ",", ",-", 1)
		case 4:
			row += "x,y"
		case 5:
			row = strings.Replace(row, area, "Moon", 1)
		case 6:
			row += "née =1+1"
		case 7:
			row += eol
		case 8:
			row = fmt.Sprintf("LP%03d,%d,%d,,,%s,", i, r.IntN(9000), r.IntN(4000), area)
		}
		b.WriteString(row + eol)
	}
	switch r.IntN(8) {
	case 0:
		return strings.TrimSuffix(b.String(), eol)
	case 1:
		return b.String() + `LP998,1,2,"3,1,Urban,` + eol + "LP997,1,0,3,1,Urban," + eol
	}
	return b.String()
}

// simUploads are the files of one simulation.
type simUploads struct {
	bucket  *sim.Bucket
	texts   map[string]string // by ETag
	changed map[string]bool   // keys that were overwritten or deleted
}

func (u *simUploads) put(key, text string) store.Info {
	info, err := u.bucket.Put(context.Background(), key, []byte(text), store.PutOptions{})
	if err != nil {
		panic(err)
	}
	u.texts[info.ETag] = text
	return info
}

// scenario uploads files, announces them, and changes some of them.
func (u *simUploads) scenario(r *rand.Rand, queue *sim.Queue) {
	for n := range 1 + r.IntN(2) {
		key := fmt.Sprintf("uploads/file %d.csv", n)
		text := simText(r)
		if r.IntN(12) == 0 {
			text = []string{"", "a;b;c\n1;2;3\n", "Loan_ID,LoanAmount\nLP1,3\n"}[r.IntN(3)]
		}
		u.announce(r, queue, u.put(key, text))
		switch r.IntN(6) {
		case 0:
			<-time.After(time.Duration(r.Int64N(int64(20 * time.Second))))
			u.changed[key] = true
			u.announce(r, queue, u.put(key, simText(r)))
		case 1:
			<-time.After(time.Duration(r.Int64N(int64(20 * time.Second))))
			u.changed[key] = true
			u.bucket.Delete(key)
		}
	}
}

// announce says one to ten times that a file was uploaded, or not at all.
func (u *simUploads) announce(r *rand.Rand, queue *sim.Queue, info store.Info) {
	body, err := announcement(simBucketName, info)
	if err != nil {
		panic(err)
	}
	times := []int{0, 1, 1, 2, 3, 10}[r.IntN(6)]
	for range times {
		queue.Send(body)
		<-time.After(time.Duration(r.Int64N(int64(2 * time.Second))))
	}
}

// simBulk runs the bulk protocol under one seed and returns what is wrong.
// broken may break a worker's store; nil breaks nothing.
func simBulk(t *testing.T, seed uint64, broken func(*sim.Client) Objects) *simLedger {
	t.Helper()
	u := &simUploads{bucket: sim.NewBucket(), texts: map[string]string{}, changed: map[string]bool{}}
	watch := &simLedger{}
	u.bucket.Watch(watch.change)
	synctest.Test(t, func(t *testing.T) {
		simBulkBubble(t, seed, u, watch, broken)
	})
	u.bucket.Watch(nil)
	watch.end(t, u)
	return watch
}

func simBulkBubble(t *testing.T, seed uint64, u *simUploads, watch *simLedger, broken func(*sim.Client) Objects) {
	t.Helper()
	dice := sim.NewDice(seed)
	r := dice.For("world", 0)
	faults := simFaults(r, 4*time.Minute)
	if r.IntN(4) == 0 {
		u.bucket.KeepVersions()
	}
	queue := sim.NewQueue(dice, sim.QueueOptions{
		Visibility: 30 * time.Second, MaxReceives: 5, Twice: 0.05, Deaf: 0.05, Until: faults.Until,
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	models, chunk := simModels(t), int64(60+r.IntN(800))
	done := make(chan struct{})
	workers := 2 + r.IntN(2)
	for w := range workers {
		worker := sim.Worker{Name: fmt.Sprintf("w%d", w), Queue: queue, Dice: dice, Faults: faults, Batch: 1 + r.IntN(5)}
		if r.IntN(3) == 0 {
			worker.Deadline = 25 * time.Second
		}
		worker.Start = func(p *sim.Process) events.Handler {
			client := sim.NewClient(u.bucket, p, nil)
			var objects Objects = client
			if broken != nil {
				objects = broken(client)
			}
			return simBulkWorker(models[w%2], chunk, objects, sim.NewSender(queue, p))
		}
		go func() {
			worker.Run(ctx)
			done <- struct{}{}
		}()
	}
	u.scenario(r, queue)
	drained := simDrain(ctx, queue, faults)
	b := simBulkWorker(models[0], chunk, u.bucket, sim.NewSender(queue, sim.NewProcess("sweep", dice, &sim.Faults{})))
	sweeper := simSweeper(t, b, u.bucket, time.Second)
	for range 3 { // what no event announced, and what was given up
		<-time.After(2 * time.Second)
		if _, err := sweeper.Sweep(ctx, true); err != nil {
			watch.problem("sweep: %v", err)
		}
		drained = drained && simDrain(ctx, queue, faults)
	}
	if !drained {
		watch.problem("the queue does not drain")
	}
	cancel()
	for range workers {
		<-done
	}
	u.bucket.Wait()
}

// simSweeper looks for what b left behind.
func simSweeper(t *testing.T, b *Bulk, bucket *sim.Bucket, age time.Duration) *Sweeper {
	t.Helper()
	s, err := NewSweeper(SweeperOptions{Bulk: b, Folders: bucket, Age: age, Days: 40})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func simBulkWorker(s *Scorer, chunk int64, o Objects, q Queue) *Bulk {
	ids, err := status.NewIDs([]byte("a secret of the simulation, 32 bytes long"))
	if err != nil {
		panic(err)
	}
	b, err := NewBulk(BulkOptions{
		Scorer: s, Objects: o, Queue: q, IDs: ids, Bucket: simBucketName, ChunkSize: chunk, Logger: simLogger(),
	})
	if err != nil {
		panic(err)
	}
	return b
}

// simList is a queue as a list, without faults.
type simList struct{ bodies []string }

func (l *simList) SendAll(_ context.Context, bodies []string, _ string) []error {
	l.bodies = append(l.bodies, bodies...)
	return nil
}

// simPlainRun does what the simulation did for one batch, with one worker, in
// order and without faults, from the same plan.
func simPlainRun(t *testing.T, from *sim.Bucket, plan *status.Batch, source store.Info, text string) (*sim.Bucket, error) {
	t.Helper()
	plain := sim.NewBucket()
	from.Copy(status.PlanKey(plan.ID), plain)
	from.Copy(status.ModelKey(plan.Model.SHA256), plain)
	if plan.Shadow != nil {
		from.Copy(status.ModelKey(plan.Shadow.Model.SHA256), plain)
	}
	if plan.Reasons != nil {
		from.Copy(status.ReasonsKey(plan.Reasons.SHA256), plain)
	}
	if _, err := plain.Put(t.Context(), source.Key, []byte(text), store.PutOptions{}); err != nil {
		return nil, err
	}
	queue := &simList{}
	b := simBulkWorker(simModels(t)[0], plan.ChunkSize, plain, queue)
	pinned := *plan
	pinned.Source.Version = "" // a bucket without versions
	if err := b.announce(t.Context(), &pinned); err != nil {
		return nil, err
	}
	for n := 0; n < len(queue.bodies); n++ {
		m, err := events.ParseBulk([]byte(queue.bodies[n]))
		if err != nil {
			return nil, err
		}
		if err := b.chunk(t.Context(), &pinned, *m.Chunk); err != nil {
			return nil, err
		}
	}
	if len(plain.Bodies(status.SummaryKey(plan.ID))) == 0 {
		return nil, errors.New("the plain run did not end")
	}
	return plain, nil
}

// failure 3, 5, 6, 8, 9, 11, 15, 29, 30, 31, 33, 34, 57
func TestSimBulk(t *testing.T) {
	t.Parallel()
	simRun(t, 120, func(t *testing.T, seed uint64, _ simReader) []string {
		t.Helper()
		return simBulk(t, seed, nil).problems
	})
}
