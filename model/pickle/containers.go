package pickle

import (
	"slices"
	"strconv"
)

func (d *decoder) mark() error {
	if len(d.marks) >= maxMarks {
		return d.malformed("more than %d marks", maxMarks)
	}
	d.marks = append(d.marks, len(d.stack))
	return nil
}

// pushTuple packs the top n values.
func (d *decoder) pushTuple(n int) error {
	if err := d.charge(48 + 16*n); err != nil {
		return err
	}
	t := make(Tuple, n)
	for i := n - 1; i >= 0; i-- {
		v, err := d.pop()
		if err != nil {
			return err
		}
		t[i] = v
	}
	return d.push(t)
}

func (d *decoder) tuple() error {
	items, err := d.popMark()
	if err != nil {
		return err
	}
	return d.push(Tuple(items))
}

func (d *decoder) emptyList() error {
	if err := d.charge(64); err != nil {
		return err
	}
	return d.push(&List{})
}

func (d *decoder) list() error {
	items, err := d.popMark()
	if err != nil {
		return err
	}
	return d.push(&List{Items: items})
}

func (d *decoder) appendOne() error {
	v, err := d.pop()
	if err != nil {
		return err
	}
	return d.extend([]any{v})
}

func (d *decoder) appendAll() error {
	items, err := d.popMark()
	if err != nil {
		return err
	}
	return d.extend(items)
}

// extend adds to the list on top; what an object gathers is not kept.
func (d *decoder) extend(items []any) error {
	if err := d.charge(32 * len(items)); err != nil {
		return err
	}
	top, err := d.top()
	if err != nil {
		return err
	}
	switch t := top.(type) {
	case *List:
		t.Items = append(t.Items, items...)
	case *Object:
	default:
		return d.malformed("items added to a %T", top)
	}
	return nil
}

func (d *decoder) emptyDict() error {
	if err := d.charge(64); err != nil {
		return err
	}
	return d.push(&Dict{})
}

func (d *decoder) dict() error {
	items, err := d.popMark()
	if err != nil {
		return err
	}
	if err := d.emptyDict(); err != nil {
		return err
	}
	return d.setAll(items)
}

func (d *decoder) setItem() error {
	v, err := d.pop()
	if err != nil {
		return err
	}
	k, err := d.pop()
	if err != nil {
		return err
	}
	return d.setAll([]any{k, v})
}

func (d *decoder) setItems() error {
	items, err := d.popMark()
	if err != nil {
		return err
	}
	return d.setAll(items)
}

// setAll puts key, value, key, value... into the dict on top; what an object
// gathers is not kept.
func (d *decoder) setAll(items []any) error {
	if len(items)%2 != 0 {
		return d.malformed("a key without a value")
	}
	if err := d.charge(64 * len(items)); err != nil {
		return err
	}
	top, err := d.top()
	if err != nil {
		return err
	}
	switch t := top.(type) {
	case *Dict:
		for pair := range slices.Chunk(items, 2) {
			if key, ok := pair[0].(string); ok {
				t.Set(key, pair[1])
			}
		}
	case *Object:
	default:
		return d.malformed("items set on a %T", top)
	}
	return nil
}

// popOp drops the top value, or the mark when there is none above it.
func (d *decoder) popOp() error {
	if n := len(d.marks); n > 0 && d.marks[n-1] == len(d.stack) {
		d.marks = d.marks[:n-1]
		return nil
	}
	_, err := d.pop()
	return err
}

func (d *decoder) dup() error {
	top, err := d.top()
	if err != nil {
		return err
	}
	return d.push(top)
}

func (d *decoder) put(size int) error {
	i, err := d.uint(size)
	if err != nil {
		return err
	}
	return d.store(i)
}

func (d *decoder) get(size int) error {
	i, err := d.uint(size)
	if err != nil {
		return err
	}
	return d.fetch(i)
}

func (d *decoder) putText() error {
	i, err := d.index()
	if err != nil {
		return err
	}
	return d.store(i)
}

func (d *decoder) getText() error {
	i, err := d.index()
	if err != nil {
		return err
	}
	return d.fetch(i)
}

func (d *decoder) index() (uint64, error) {
	b, err := d.line()
	if err != nil {
		return 0, err
	}
	i, err := strconv.ParseUint(string(b[:min(len(b), 20)]), 10, 32)
	if err != nil {
		return 0, d.malformed("a bad memo index")
	}
	return i, nil
}

// empty marks a place of the memo that was never stored.
type empty struct{}

// store memoizes the top value. Gaps are paid for.
func (d *decoder) store(i uint64) error {
	top, err := d.top()
	if err != nil {
		return err
	}
	if n := uint64(len(d.memo)); i >= n {
		if err := d.charge(32 * int(i-n+1)); err != nil {
			return err
		}
		for uint64(len(d.memo)) <= i {
			d.memo = append(d.memo, empty{})
		}
	}
	d.memo[i] = top
	return nil
}

func (d *decoder) fetch(i uint64) error {
	if i >= uint64(len(d.memo)) {
		return d.malformed("memo %d was never stored", i)
	}
	v := d.memo[i]
	if _, gap := v.(empty); gap {
		return d.malformed("memo %d was never stored", i)
	}
	return d.push(v)
}
