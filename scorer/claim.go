package scorer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loanscorer/loanscorer/events"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// claimState is what an attempt knows of one claim.
type claimState int

const (
	// notClaimed: the document does not name our file and never will.
	notClaimed claimState = iota
	// claimed: the document names our file.
	claimed
	// settled: the application has a terminal state; acknowledge.
	settled
	// unknown: the document may name our file. The attempt must not commit.
	unknown
)

// maxLooks bounds how often one attempt looks at one contended document.
const maxLooks = 8

// errHeld is why a message waits for another worker's lease.
var errHeld = errors.New("claimed by another worker")

func (a *Applications) claimAll(ctx context.Context, att *attempt) {
	var group errgroup.Group
	group.SetLimit(a.o.Parallel)
	for _, it := range att.items {
		group.Go(func() error {
			it.claim, it.err = a.claim(ctx, it)
			return nil
		})
	}
	_ = group.Wait() // the outcomes are in the items
}

// claim takes one application for this attempt. If that fails on the last
// delivery, its document says so.
func (a *Applications) claim(ctx context.Context, it *item) (claimState, error) {
	var state claimState
	var err error
	if it.broken != nil {
		state, err = a.leave(ctx, it)
	} else {
		state, err = a.write(ctx, &it.doc)
	}
	if err != nil && it.doc.Last {
		err = errors.Join(err, a.markLast(ctx, it))
	}
	return state, err
}

// leave gives up an application that could not be scored and is not to blame,
// unless it has been decided meanwhile. After the last delivery a failing
// document says so.
func (a *Applications) leave(ctx context.Context, it *item) (claimState, error) {
	if !it.doc.Last {
		return notClaimed, it.broken
	}
	doc := failing(it.doc)
	state, err := a.write(ctx, &doc)
	if err == nil && state == settled {
		return settled, nil
	}
	return notClaimed, errors.Join(it.broken, err)
}

// failing is the document of an application that no delivery will follow for.
func failing(doc status.Application) status.Application {
	doc.State, doc.Result, doc.LeaseUntil = status.DocFailing, "", doc.ClaimedAt
	doc.Decision, doc.Probability, doc.Reasons, doc.Imputed = "", nil, nil, nil
	doc.Error = &status.Problem{
		Title: "application could not be scored", Code: "failed", Detail: "every attempt broke off; an operator can redrive it",
	}
	return doc
}

// markLast says on the claim of another attempt that no delivery will follow if
// that one fails; it changes nothing else, so the claim stays good. Without any
// document it leaves a failing one.
func (a *Applications) markLast(ctx context.Context, it *item) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	key := status.ApplicationKey(it.doc.ID)
	for range maxLooks {
		doc, etag, err := a.document(ctx, key)
		switch {
		case errors.Is(err, store.ErrNotFound):
			fresh := failing(it.doc)
			doc, etag = &fresh, ""
		case err != nil:
			return err
		case doc.State != status.DocClaimed || doc.Last:
			return nil
		}
		doc.Last = true
		body, err := status.Encode(doc)
		if err != nil {
			return err
		}
		if _, err = a.put(ctx, key, etag, body); err == nil || !answered(err) {
			return err
		}
	}
	return errors.New("mark: document keeps changing")
}

// write puts doc in the place of nothing, or of a claim that is free to be
// taken over.
func (a *Applications) write(ctx context.Context, doc *status.Application) (claimState, error) {
	key, etag := status.ApplicationKey(doc.ID), ""
	body, err := status.Encode(doc)
	if err != nil {
		return notClaimed, err
	}
	for range maxLooks {
		_, err := a.put(ctx, key, etag, body)
		if err == nil {
			return written(doc), nil
		}
		ambiguous := !answered(err)
		found, tag, getErr := a.document(ctx, key)
		switch {
		case getErr == nil && ours(found, doc):
			return written(doc), nil // an earlier try of this very write
		case ambiguous && (getErr != nil || tag == etag):
			// Nothing there yet, or still the old version, or no answer: the
			// write may yet be applied.
			return unsure(doc), fmt.Errorf("claim: outcome unknown: %w", err)
		case errors.Is(getErr, store.ErrNotFound):
			etag = ""
			continue
		case errors.Is(getErr, status.ErrDocument), errors.Is(getErr, store.ErrTooLarge):
			return notClaimed, getErr // nobody of us wrote what is there
		case getErr != nil:
			// The no may have been said to the repetition of this very write.
			return unsure(doc), getErr
		}
		etag = ""
		state, err := a.free(ctx, found)
		switch {
		case err != nil || state == settled:
			return state, err
		case state == claimed: // free to be taken over
			etag = tag
			doc.Attempts, doc.Last = max(doc.Attempts, found.Attempts+1), doc.Last || found.Last
			if body, err = status.Encode(doc); err != nil {
				return notClaimed, err
			}
		}
	}
	return notClaimed, errors.New("claim: document keeps changing")
}

func (a *Applications) put(ctx context.Context, key, etag string, body []byte) (store.Info, error) {
	o := store.PutOptions{ContentType: jsonType}
	if etag == "" {
		return a.o.Objects.Create(ctx, key, body, o)
	}
	return a.o.Objects.Replace(ctx, key, etag, body, o)
}

func (a *Applications) document(ctx context.Context, key string) (*status.Application, string, error) {
	data, info, err := a.o.Objects.Get(ctx, key, maxDocument)
	if err != nil {
		return nil, "", err
	}
	var doc status.Application
	if err := status.Decode(data, &doc); err != nil {
		return nil, "", fmt.Errorf("%q: %w", key, err)
	}
	return &doc, info.ETag, nil
}

// free looks at the document that is in the way: settled when it is terminal,
// claimed when it may be taken over, notClaimed without an error when it
// changed meanwhile and must be looked at again.
func (a *Applications) free(ctx context.Context, found *status.Application) (claimState, error) {
	switch found.State {
	case status.DocRejected:
		return settled, nil
	case status.DocFailing:
		if err := a.held(found); err != nil {
			return notClaimed, err
		}
		return claimed, nil
	case status.DocClaimed:
	}
	info, err := a.o.Objects.Head(ctx, found.Result)
	switch {
	case err == nil && status.FileOf(info.Metadata) == status.FileTombstone:
		return claimed, nil
	case err == nil:
		return settled, nil
	case !errors.Is(err, store.ErrNotFound):
		return notClaimed, err
	}
	if err := a.held(found); err != nil {
		return notClaimed, err
	}
	switch err := a.fence(ctx, found.Result); {
	case err == nil:
		return claimed, nil
	case errors.Is(err, store.ErrExists):
		return notClaimed, nil
	default:
		return notClaimed, fmt.Errorf("fence: %w", err)
	}
}

// held is an error while the lease of a document lasts.
func (a *Applications) held(doc *status.Application) error {
	left := doc.LeaseUntil.Sub(a.o.Now())
	if left <= 0 {
		return nil
	}
	return events.RetryAfter(min(left, time.Hour), errHeld)
}

// fence puts a tombstone, a zero-row result file, where a file is missing:
// its writer can no longer commit. ErrExists means there is a file.
func (a *Applications) fence(ctx context.Context, file string) error {
	body, err := tombstone()
	if err != nil {
		return err
	}
	_, err = a.o.Objects.Create(ctx, file, body, fileOptions(status.FileTombstone, body))
	return err
}

// answered reports whether the store said no, as against not having answered.
func answered(err error) bool {
	return errors.Is(err, store.ErrExists) || errors.Is(err, store.ErrChanged) || errors.Is(err, store.ErrNotFound)
}

// ours reports whether the document that was found is the one being written.
func ours(found, doc *status.Application) bool {
	return found.State == doc.State && found.Result == doc.Result && found.ClaimedAt.Equal(doc.ClaimedAt)
}

// written is the state after doc is in place: a claim wants a commit, a
// rejection settles it, a failing document does neither.
func written(doc *status.Application) claimState {
	switch doc.State {
	case status.DocClaimed:
		return claimed
	case status.DocRejected:
		return settled
	default:
		return notClaimed
	}
}

// unsure is the state after a write of doc that may yet be applied: only a
// document that names our file forbids the commit of the others.
func unsure(doc *status.Application) claimState {
	if doc.State == status.DocClaimed {
		return unknown
	}
	return notClaimed
}
