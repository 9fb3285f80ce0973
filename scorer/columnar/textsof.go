package columnar

// TextsOf is Texts for codes of more than one column: a row's text in this one
// is names[of[code]], and a code whose of is 0 is a null. of may grow from call
// to call. All calls of a column until Reset must be of this kind.
func (g *Group) TextsOf(column int, codes, of []uint32, names []string) {
	c := &g.columns[column]
	c.knowOf(of)
	g.coded(c, codes, len(of), func(code uint32) {
		c.enterText(names[of[code]])
		for other, name := range of {
			if name == of[code] {
				c.known[other] = c.known[code]
			}
		}
	})
}

// knowOf makes known as long as of: a new code may be one of a text that has an
// index already.
func (c *column) knowOf(of []uint32) {
	for n := len(c.known); n < len(of); n++ {
		at := int32(unknown)
		if of[n] == 0 {
			at = null
		} else if c.entries > 0 {
			at = c.indexOf(of[:n], of[n])
		}
		c.known = append(c.known, at)
	}
}

func (c *column) indexOf(of []uint32, name uint32) int32 {
	for other, n := range of {
		if n == name && c.known[other] >= 0 {
			return c.known[other]
		}
	}
	return unknown
}
