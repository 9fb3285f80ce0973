package columnar

// Ints adds values to an Int64 or Timestamp column: one a row.
func (g *Group) Ints(column int, values []int64) {
	c := &g.columns[column]
	for len(values) > 0 {
		n := c.room(len(values))
		for _, v := range values[:n] {
			c.bounds.int(v)
		}
		c.ints = append(reserve(c.ints, n), values[:n]...)
		c.advance(n, 0)
		values = values[n:]
	}
}
