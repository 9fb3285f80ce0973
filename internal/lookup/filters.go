package lookup

import (
	"context"
	"fmt"

	"github.com/parquet-go/parquet-go/bloom"

	"github.com/loanscorer/loanscorer/internal/status"
)

// maxPages bounds the pages of a row group that have filters: a group of 16 MiB
// of text has some tens.
const maxPages = 16 << 10

// candidate is a row group whose filter may hold the hash.
type candidate struct {
	group int
	pages []bool // by page of Loan_ID: may hold it; nil if their filters are not known
}

// passing are the row groups whose filters may hold the hash. Of each filter
// one block is read, the one that the specification sends the hash to:
// https://parquet.apache.org/docs/file-format/bloomfilter/
func (m *meter) passing(ctx context.Context, key string, at *status.PartLookup, hash uint64) ([]candidate, error) {
	var found []candidate
	for g, f := range at.Filters {
		blocks := f.Size / bloom.BlockSize
		if blocks <= 0 {
			continue
		}
		data, err := m.read(ctx, key, f.Offset+blockOf(hash, blocks)*bloom.BlockSize, bloom.BlockSize)
		if err != nil {
			return nil, err
		}
		if !bloom.MakeSplitBlockFilter(data).Check(hash) {
			continue
		}
		c := candidate{group: g}
		if f.Pages != nil {
			if c.pages, err = m.passingPages(ctx, key, f.Pages, hash); err != nil {
				return nil, err
			}
			if c.pages == nil {
				continue
			}
		}
		found = append(found, c)
	}
	return found, nil
}

// passingPages are the pages whose filters may hold the hash, nil if there are
// none.
func (m *meter) passingPages(ctx context.Context, key string, at *status.PageFiltersAt, hash uint64) ([]bool, error) {
	if at.Pages <= 0 || at.Pages > maxPages || at.Blocks <= 0 {
		return nil, fmt.Errorf("%q: filters of %d pages of %d blocks", key, at.Pages, at.Blocks)
	}
	row := int64(at.Pages) * bloom.BlockSize
	data, err := m.read(ctx, key, at.Offset+blockOf(hash, int64(at.Blocks))*row, row)
	if err != nil {
		return nil, err
	}
	pages, some := make([]bool, at.Pages), false
	for p := range pages {
		pages[p] = bloom.MakeSplitBlockFilter(data[p*bloom.BlockSize : (p+1)*bloom.BlockSize]).Check(hash)
		some = some || pages[p]
	}
	if !some {
		return nil, nil
	}
	return pages, nil
}

// blockOf is the block of a filter that a hash falls into.
func blockOf(hash uint64, blocks int64) int64 {
	return int64((hash >> 32) * uint64(blocks) >> 32)
}
