package scorer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

var (
	// errFenced: a rival's tombstone stands where our file should go.
	errFenced = errors.New("commit: fenced by another worker")
	// errAborted: another application of the attempt has a claim of unknown
	// outcome, so nothing was committed.
	errAborted = errors.New("commit: attempt given up")
	// errForeign: our file's name is taken by a file that is not ours.
	errForeign = errors.New("commit: file has other bytes than ours")
	// errLate: the lease is over, so that an application may be called failed
	// any moment.
	errLate = errors.New("commit: lease is over")
)

// closingTime bounds what is still written after the context is done. It is
// shorter than what the poller and Lambda leave for it.
const closingTime = 700 * time.Millisecond

// commit writes the attempt's file with exactly the rows it has claimed, which
// decides them all at once, or gives the attempt up.
func (a *Applications) commit(ctx context.Context, att *attempt) {
	var rows []*item
	sure := true
	for _, it := range att.items {
		switch it.claim {
		case claimed:
			rows = append(rows, it)
		case unknown:
			sure = false
		}
	}
	if sure && len(rows) == 0 {
		return
	}
	err := errAborted
	if sure {
		err = a.inTime(ctx, att, rows)
	}
	if err == nil {
		return
	}
	err = a.giveUp(ctx, att, err)
	for _, it := range rows {
		it.err = err
	}
}

// inTime commits, but not when that could contradict what pollers were told: a
// claim that a last delivery has marked reads as failed some time after its
// lease, and we may not have seen the mark.
func (a *Applications) inTime(ctx context.Context, att *attempt, rows []*item) error {
	left := att.at.Add(a.o.Lease).Sub(a.o.Now())
	if left <= 0 {
		return errLate
	}
	ctx, cancel := context.WithTimeout(ctx, left+status.CommitGrace/2)
	defer cancel()
	return a.writeFile(ctx, att, rows)
}

// writeFile is the commit. An error other than errFenced leaves it open
// whether the file is there.
func (a *Applications) writeFile(ctx context.Context, att *attempt, rows []*item) error {
	body, err := applicationsFile(att, rows, a.o.Scorer)
	if err != nil {
		return err
	}
	o := fileOptions(status.FileResults, body)
	_, err = a.o.Objects.Create(ctx, att.file, body, o)
	if err == nil {
		return nil
	}
	if errors.Is(err, store.ErrExists) {
		return a.whose(ctx, att.file, o)
	}
	return fmt.Errorf("commit: %w", err)
}

// whose tells whether the file that is there is ours.
func (a *Applications) whose(ctx context.Context, file string, o store.PutOptions) error {
	info, err := a.o.Objects.Head(ctx, file)
	switch {
	case err != nil:
		return fmt.Errorf("commit: %w", err)
	case status.FileOf(info.Metadata) == status.FileTombstone:
		return errFenced
	case info.Metadata[status.MetaSHA256] != o.Metadata[status.MetaSHA256]:
		return fmt.Errorf("%q: %w", file, errForeign)
	default:
		return nil
	}
}

// giveUp frees the claims of an attempt that has not committed for certain, by
// a tombstone in the place of its own file, so that nobody has to wait for the
// lease. If the file turns out to be there, the commit succeeded after all.
func (a *Applications) giveUp(ctx context.Context, att *attempt, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	err := a.fence(ctx, att.file)
	if errors.Is(err, store.ErrExists) {
		info, headErr := a.o.Objects.Head(ctx, att.file)
		if headErr == nil && status.FileOf(info.Metadata) == status.FileResults && !errors.Is(cause, errForeign) {
			return nil
		}
		err = headErr
	}
	if err != nil {
		return events.RetryAfter(a.o.Lease, errors.Join(cause, err))
	}
	return events.RetryAfter(time.Second, cause)
}

// fileOptions mark a result file so that a HEAD tells what it is.
func fileOptions(kind status.File, body []byte) store.PutOptions {
	sum := sha256.Sum256(body)
	return store.PutOptions{ContentType: parquetType, Metadata: map[string]string{
		status.MetaFile:   string(kind),
		status.MetaSHA256: hex.EncodeToString(sum[:]),
	}}
}
