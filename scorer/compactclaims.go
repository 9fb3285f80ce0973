package scorer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/internal/store"
)

// compactParallel is how many objects are read at the same time.
const compactParallel = 32

// errTooMany makes openClaims go over the day in more, smaller passes.
var errTooMany = errors.New("too many ids for one pass")

// openClaim is an application whose document names a file of a day that holds
// no row of it.
type openClaim struct {
	doc  *status.Application
	file status.File // missing, or a tombstone
}

// settle gives up every claim that names a missing file of the day, so that
// nothing can be committed to it any more, and returns how many. The error
// wraps ErrDayOpen while the lease of one still runs.
func (c *Compactor) settle(ctx context.Context, day string) (int, error) {
	body, err := tombstone()
	if err != nil {
		return 0, err
	}
	fenced := 0
	err = c.openClaims(ctx, day, func(claim openClaim) error {
		if claim.file != status.FileMissing {
			return nil
		}
		if left := claim.doc.LeaseUntil.Sub(c.o.Now()); left > 0 {
			return fmt.Errorf("%w: application %s is claimed for another %s", ErrDayOpen, claim.doc.ID, left.Round(time.Second))
		}
		_, err := c.o.Objects.Create(ctx, claim.doc.Result, body, fileOptions(status.FileTombstone, body))
		switch {
		case err == nil:
			fenced++
		case !errors.Is(err, store.ErrExists): // what is there is as good: a commit, or a fence
			return fmt.Errorf("fence: %w", err)
		}
		return nil
	})
	return fenced, err
}

// openClaims finds every open claim of a day. found may be told of one twice.
// Memory is bounded by maxIDs, whatever the number of applications.
func (c *Compactor) openClaims(ctx context.Context, day string, found func(openClaim) error) error {
	for passes := 1; ; passes *= 2 {
		err := c.openClaimsIn(ctx, day, passes, found)
		if !errors.Is(err, errTooMany) || passes >= status.ApplicationShards {
			return err
		}
	}
}

// openClaimsIn does that in so many passes, each over its share of the
// applications: first which of them have a row, then the documents of the rest.
func (c *Compactor) openClaimsIn(ctx context.Context, day string, passes int, found func(openClaim) error) error {
	turn := make(chan struct{}, 1) // found is called for one after the other
	one := func(claim openClaim) error {
		turn <- struct{}{}
		defer func() { <-turn }()
		return found(claim)
	}
	for pass := range passes {
		from, to := pass*status.ApplicationShards/passes, (pass+1)*status.ApplicationShards/passes
		rows, err := c.idsOfDay(ctx, day, from, to)
		if err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(compactParallel)
		for shard := from; shard < to; shard++ {
			group.Go(func() error { return c.claimsOfShard(ctx, day, shard, rows, one) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// claimsOfShard looks at the documents of one shard that could be claims of
// the day and have no row.
func (c *Compactor) claimsOfShard(ctx context.Context, day string, shard int, rows idSet, found func(openClaim) error) error {
	start, err := status.ParseDay(day)
	if err != nil {
		return err
	}
	prefix, after := status.ApplicationShardPrefix(shard), ""
	last := status.FirstID(start.AddDate(0, 0, 1).Add(clockSkew))
	if !c.o.DirectIntake {
		// A message lives for the retention, and once more after a redrive.
		after = prefix + status.FirstID(start.Add(-2*c.o.Retention))
	}
	for info, err := range c.o.Objects.List(ctx, prefix, after) {
		if err != nil {
			return err
		}
		id := strings.TrimSuffix(info.Key[len(prefix):], ".json")
		if !c.o.DirectIntake && id > last {
			return nil
		}
		if info.LastModified.Before(start.Add(-clockSkew)) || rows.has(idHash([]byte(id))) {
			continue
		}
		claim, err := c.openClaim(ctx, info.Key, day)
		if err == nil && claim.doc != nil {
			err = found(claim)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openClaim reads a document; doc is nil if it is no open claim of the day.
func (c *Compactor) openClaim(ctx context.Context, key, day string) (openClaim, error) {
	data, _, err := c.o.Objects.Get(ctx, key, maxDocument)
	if errors.Is(err, store.ErrNotFound) {
		return openClaim{}, nil
	}
	if err != nil {
		return openClaim{}, err
	}
	var doc status.Application
	readable := status.Decode(data, &doc) == nil // one that is not was not written by a worker
	if !readable || doc.State != status.DocClaimed || !strings.HasPrefix(doc.Result, status.ApplicationResultsDay(day)) {
		return openClaim{}, nil
	}
	info, err := c.o.Objects.Head(ctx, doc.Result)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return openClaim{doc: &doc, file: status.FileMissing}, nil
	case err != nil:
		return openClaim{}, err
	case status.FileOf(info.Metadata) == status.FileTombstone:
		return openClaim{doc: &doc, file: status.FileTombstone}, nil
	default:
		return openClaim{}, nil // committed since the rows were read
	}
}

// idHashed is the hash of an application's id; its first byte is the shard.
type idHashed [16]byte

func idHash(id []byte) idHashed {
	sum := sha256.Sum256(id)
	return idHashed(sum[:16])
}

func compareIDs(a, b idHashed) int { return bytes.Compare(a[:], b[:]) }

// idSet is some hashes, sorted where they are looked for.
type idSet []idHashed

func (s idSet) has(id idHashed) bool {
	_, ok := slices.BinarySearchFunc(s, id, compareIDs)
	return ok
}

// idsOfDay are the applications of some shards that have a row of that day.
func (c *Compactor) idsOfDay(ctx context.Context, day string, from, to int) (idSet, error) {
	var ids idSet
	err := c.eachID(ctx, day, func(id idHashed) error {
		if n := int(id[0]); n < from || n >= to {
			return nil
		}
		if len(ids) >= c.maxIDs {
			return errTooMany
		}
		ids = append(ids, id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(ids, compareIDs)
	for i := 1; i < len(ids); i++ {
		if ids[i] == ids[i-1] {
			return nil, errTwice
		}
	}
	return ids, nil
}
