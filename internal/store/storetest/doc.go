// Package storetest is the conformance suite of object stores: the contract of
// package store as tests, run against the S3 client over a real endpoint and
// against every substitute for it, so that both mean the same.
//
// A store passes when Run does. The suite needs an empty store for every test
// and makes objects of up to 16 MiB. Only tests may import this package.
package storetest

import (
	"context"
	"io"
	"iter"
	"testing"

	"github.com/loanscorer/loanscorer/internal/store"
)

// Documents are small objects under conditional writes.
type Documents interface {
	Head(ctx context.Context, key string) (store.Info, error)
	Get(ctx context.Context, key string, limit int64) ([]byte, store.Info, error)
	Create(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error)
	Replace(ctx context.Context, key, etag string, body []byte, o store.PutOptions) (store.Info, error)
	Put(ctx context.Context, key string, body []byte, o store.PutOptions) (store.Info, error)
}

// Streams are objects larger than memory.
type Streams interface {
	Open(ctx context.Context, ref store.Ref, offset int64, o store.OpenOptions) (io.ReadCloser, error)
	CreateFrom(ctx context.Context, key string, r io.Reader, o store.PutOptions) (store.Info, error)
	ReplaceFrom(ctx context.Context, key, etag string, r io.Reader, o store.PutOptions) (store.Info, error)
}

// Store is what Run needs of a store. One that has the method Folders too is
// tested on it.
type Store interface {
	Documents
	Streams
	List(ctx context.Context, prefix, after string) iter.Seq2[store.Info, error]
}

// Empty is a store without objects.
type Empty struct {
	Store  Store
	Delete func(t *testing.T, key string) // removes an object, as its owner may at any time
}

// Run tests the stores that newStore makes; each is used by one test.
func Run(t *testing.T, newStore func(t *testing.T) Empty) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, e Empty){
		"missing":          testMissing,
		"round trip":       testRoundTrip,
		"ownership":        testOwnership,
		"create":           testCreate,
		"replace":          testReplace,
		"races":            testRaces,
		"limit":            testLimit,
		"cancelled":        testCancelled,
		"keys":             testKeys,
		"sizes":            testSizes,
		"stream condition": testStreamConditions,
		"broken source":    testBrokenSource,
		"offsets":          testOffsets,
		"pins":             testPins,
		"list":             testList,
		"many":             testMany,
		"folders":          testFolders,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newStore(t))
		})
	}
}
