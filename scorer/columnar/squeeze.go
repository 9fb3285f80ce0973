package columnar

// squeeze moves codes less 1 to the front of to, but for 0, which is a null, and
// adds the levels of all. It returns how many are there.
func (c *column) squeeze(to []int32, codes []uint32) int {
	done := min(-c.levels.rows&7, len(codes)) // to the next whole byte of levels
	there := c.squeezeRows(to, codes[:done])
	n, more := c.squeezeVectors(to[there:], codes[done:])
	done, there = done+n, there+more
	for l := &c.levels; len(codes)-done >= 8; done += 8 {
		l.bits = append(l.bits, squeezeEight((*[8]uint32)(codes[done:]), to, &there))
		l.rows += 8
	}
	return there + c.squeezeRows(to[there:], codes[done:])
}

// squeezeRows is squeeze row by row.
func (c *column) squeezeRows(to []int32, codes []uint32) int {
	n := 0
	for _, code := range codes {
		index := int32(code) - 1
		there := ^uint32(index) >> 31
		to[n] = index
		n += int(there)
		c.levels.add(uint8(there))
	}
	return n
}

// squeezeEight moves eight codes to to[*n:], as squeeze does, and returns a bit each
// for those that are there. It is written out because it has no branches that
// way: which cells are empty is hard to guess.
func squeezeEight(codes *[8]uint32, to []int32, n *int) byte {
	at := *n
	room := to[at : at+8]
	i0, i1, i2, i3 := int32(codes[0])-1, int32(codes[1])-1, int32(codes[2])-1, int32(codes[3])-1
	i4, i5, i6, i7 := int32(codes[4])-1, int32(codes[5])-1, int32(codes[6])-1, int32(codes[7])-1
	b0, b1, b2, b3 := ^uint32(i0)>>31, ^uint32(i1)>>31, ^uint32(i2)>>31, ^uint32(i3)>>31
	b4, b5, b6, b7 := ^uint32(i4)>>31, ^uint32(i5)>>31, ^uint32(i6)>>31, ^uint32(i7)>>31
	room[0] = i0
	k := b0
	room[k&7] = i1
	k += b1
	room[k&7] = i2
	k += b2
	room[k&7] = i3
	k += b3
	room[k&7] = i4
	k += b4
	room[k&7] = i5
	k += b5
	room[k&7] = i6
	k += b6
	room[k&7] = i7
	k += b7
	*n = at + int(k)
	return byte(b0 | b1<<1 | b2<<2 | b3<<3 | b4<<4 | b5<<5 | b6<<6 | b7<<7)
}
