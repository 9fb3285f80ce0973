package columnar

import (
	"encoding/binary"

	"github.com/parquet-go/parquet-go/bloom"
)

// PageFilters says where bloom filters of a column's single pages are. They
// lie between row groups, where readers of Parquet do not look. All have the
// same number of blocks, and those that one hash falls into lie side by side:
//
//	block 0 of page 0, of page 1, ... ; block 1 of page 0, of page 1, ...
//
// so whoever looks for a value finds out by one small read which pages can hold
// it. The zero value says that there are none.
type PageFilters struct {
	Offset int64 // of the first block
	Pages  int
	Blocks int // of each page, of bloom.BlockSize bytes
}

// FilterPages writes filters of single pages, too, where bounds do not tell
// the pages apart. It must be called before the first Write.
func (f *File) FilterPages() { f.pageFilters = true }

// maxOverlap is with how many pages the bounds of a page overlap on average,
// its own included, where filters would tell little more.
const maxOverlap = 3

// filterPages writes the filters of the column's pages.
func (f *File) filterPages(c *column) PageFilters {
	if !f.pageFilters || !c.mixed() {
		return PageFilters{}
	}
	blocks, n := c.pageBlocks()
	if blocks == nil {
		return PageFilters{}
	}
	at := PageFilters{Offset: f.offset, Pages: len(c.pages), Blocks: n}
	c.scratch = c.scratch[:0]
	for i := range blocks {
		for _, word := range blocks[i] {
			c.scratch = binary.LittleEndian.AppendUint32(c.scratch, uint32(word))
		}
	}
	f.write(c.scratch)
	return at
}

// mixed reports whether the bounds of pages overlap so much that they are of
// little use.
func (c *column) mixed() bool {
	overlaps := 0
	for i := range c.pages {
		for j := range c.pages {
			if c.pages[i].overlaps(&c.pages[j]) {
				overlaps++
			}
		}
	}
	return overlaps > maxOverlap*len(c.pages)
}

// overlaps reports whether a value can be in both pages.
func (p *page) overlaps(o *page) bool {
	switch {
	case p.nulls == p.values || o.nulls == o.values:
		return false
	case p.min == nil || o.min == nil: // too long to know
		return true
	}
	return string(p.min) <= string(o.max) && string(o.min) <= string(p.max)
}

// pageBlocks are the blocks of the filters of all pages, and how many each
// has; nil if the values of some page are not known one by one.
func (c *column) pageBlocks() ([]bloom.Block, int) {
	most, all := int64(0), int64(0)
	for i := range c.pages {
		n := c.pages[i].values - c.pages[i].nulls
		most, all = max(most, n), all+n
	}
	if all != int64(len(c.hashes)) { // of a dictionary each is known once
		return nil, 0
	}
	n := bloom.NumSplitBlocksOf(most, bloomBits)
	blocks := make([]bloom.Block, n*len(c.pages))
	hashes := c.hashes
	for i := range c.pages {
		values := int(c.pages[i].values - c.pages[i].nulls)
		for _, hash := range hashes[:values] {
			block := int((hash >> 32) * uint64(n) >> 32)
			blocks[block*len(c.pages)+i].Insert(uint32(hash))
		}
		hashes = hashes[values:]
	}
	return blocks, n
}
