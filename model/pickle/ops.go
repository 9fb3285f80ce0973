package pickle

// ops maps an opcode to what it does, by the names of pickletools. An opcode
// that is not here is refused.
var ops = [256]func(*decoder) error{
	0x80: (*decoder).proto,
	0x95: (*decoder).frame,
	'.':  (*decoder).stop, // STOP

	'N':  func(d *decoder) error { return d.push(nil) },   // NONE
	0x88: func(d *decoder) error { return d.push(true) },  // NEWTRUE
	0x89: func(d *decoder) error { return d.push(false) }, // NEWFALSE

	'I':  (*decoder).intText,
	'L':  (*decoder).longText,
	'F':  (*decoder).floatText,
	'J':  (*decoder).binInt,
	'K':  func(d *decoder) error { return d.pushUint(1) }, // BININT1
	'M':  func(d *decoder) error { return d.pushUint(2) }, // BININT2
	0x8a: func(d *decoder) error { return d.pushLong(1) }, // LONG1
	0x8b: func(d *decoder) error { return d.pushLong(4) }, // LONG4
	'G':  (*decoder).binFloat,

	'S':  (*decoder).stringText,
	'V':  (*decoder).unicodeText,
	'T':  func(d *decoder) error { return d.pushRaw(4) },   // BINSTRING
	'U':  func(d *decoder) error { return d.pushRaw(1) },   // SHORT_BINSTRING
	0x8c: func(d *decoder) error { return d.pushText(1) },  // SHORT_BINUNICODE
	'X':  func(d *decoder) error { return d.pushText(4) },  // BINUNICODE
	0x8d: func(d *decoder) error { return d.pushText(8) },  // BINUNICODE8
	'C':  func(d *decoder) error { return d.pushBytes(1) }, // SHORT_BINBYTES
	'B':  func(d *decoder) error { return d.pushBytes(4) }, // BINBYTES
	0x8e: func(d *decoder) error { return d.pushBytes(8) }, // BINBYTES8
	0x96: func(d *decoder) error { return d.pushBytes(8) }, // BYTEARRAY8
	0x98: func(*decoder) error { return nil },              // READONLY_BUFFER

	'(':  (*decoder).mark,
	')':  func(d *decoder) error { return d.pushTuple(0) }, // EMPTY_TUPLE
	0x85: func(d *decoder) error { return d.pushTuple(1) }, // TUPLE1
	0x86: func(d *decoder) error { return d.pushTuple(2) }, // TUPLE2
	0x87: func(d *decoder) error { return d.pushTuple(3) }, // TUPLE3
	't':  (*decoder).tuple,
	']':  (*decoder).emptyList, // EMPTY_LIST
	0x8f: (*decoder).emptyList, // EMPTY_SET
	'l':  (*decoder).list,      // LIST
	0x91: (*decoder).list,      // FROZENSET
	'a':  (*decoder).appendOne, // APPEND
	'e':  (*decoder).appendAll, // APPENDS
	0x90: (*decoder).appendAll, // ADDITEMS
	'}':  (*decoder).emptyDict,
	'd':  (*decoder).dict,
	's':  (*decoder).setItem,
	'u':  (*decoder).setItems,

	'0':  (*decoder).popOp,                                             // POP
	'1':  func(d *decoder) error { _, err := d.popMark(); return err }, // POP_MARK
	'2':  (*decoder).dup,
	'p':  (*decoder).putText,
	'q':  func(d *decoder) error { return d.put(1) },                     // BINPUT
	'r':  func(d *decoder) error { return d.put(4) },                     // LONG_BINPUT
	0x94: func(d *decoder) error { return d.store(uint64(len(d.memo))) }, // MEMOIZE
	'g':  (*decoder).getText,
	'h':  func(d *decoder) error { return d.get(1) }, // BINGET
	'j':  func(d *decoder) error { return d.get(4) }, // LONG_BINGET

	'c':  (*decoder).globalText,
	0x93: (*decoder).stackGlobal,
	'R':  (*decoder).reduce,
	'b':  (*decoder).build,
	'i':  (*decoder).inst,
	'o':  (*decoder).obj,
	0x81: (*decoder).newObj,
	0x92: (*decoder).newObjEx,

	'P':  (*decoder).persistent, // PERSID
	'Q':  (*decoder).persistent, // BINPERSID
	0x82: (*decoder).extension,  // EXT1
	0x83: (*decoder).extension,  // EXT2
	0x84: (*decoder).extension,  // EXT4
	0x97: (*decoder).nextBuffer,
}

func (d *decoder) proto() error {
	v, err := d.byte()
	if err != nil {
		return err
	}
	if v > 5 {
		return d.malformed("protocol %d, this program reads 0 to 5", v)
	}
	return nil
}

// frame checks that the frame lies in the file; the frames need no more.
func (d *decoder) frame() error {
	n, err := d.uint(8)
	if err != nil {
		return err
	}
	if n > uint64(len(d.data)-d.pos) {
		return d.malformed("a frame of %d bytes, %d left", n, len(d.data)-d.pos)
	}
	return nil
}

func (d *decoder) persistent() error {
	return d.malformed("a persistent id: the value is kept outside the pickle")
}

func (d *decoder) extension() error {
	return d.malformed("an extension code: the class is named outside the pickle")
}

func (d *decoder) nextBuffer() error {
	return d.malformed("an out-of-band buffer: the data is kept outside the pickle; save it with plain pickle.dump")
}
