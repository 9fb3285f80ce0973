package ingest

import "unicode/utf8"

// nameTable numbers the texts of a column from 1 on, in the order of their
// first appearance.
type nameTable struct {
	codes map[string]uint32
	names []string
	bytes int

	// The short way finds a text of 1 to 15 bytes in its slot. No two share
	// one, and none is in slot 0: that is the empty text's.
	slots    [nameSlots]nameSlot
	factor   uint64 // of nameHash
	required bool   // an empty text is for the long way
}

// nameSlot is a text, zero-filled to two words; code 0 is the empty text, which
// slot 0 stands for.
type nameSlot struct {
	word0, word1 uint64
	code         uint32
	size         uint32 // in bytes: a cell that ends in NUL is another text
}

const (
	nameSlots   = 64
	nameFactor  = 0xD6E8FEB86659FD93
	nameFold    = 0x7F4A7C15 // odd, and short enough to be part of an instruction
	nameFactors = 100        // tried before a text is left to the long way
	noSize      = 255        // of no text that the short way looks for
)

func newNameTable(required bool) *nameTable {
	t := &nameTable{codes: make(map[string]uint32), names: []string{""}, factor: nameFactor, required: required}
	t.slots, _ = t.place(nil, t.factor)
	return t
}

func (t *nameTable) crowded() bool { return len(t.names) > maxNames || t.bytes > maxNameBytes }

// code returns the text's code, a new one for a new text.
func (t *nameTable) code(text []byte, s *Scanner) uint32 {
	if len(text) == 0 {
		return 0
	}
	code, ok := t.codes[string(text)]
	if !ok {
		code = uint32(len(t.names))
		name := string(text)
		t.names = append(t.names, name)
		t.bytes += len(name)
		t.codes[name] = code
	}
	if words, plain := plainText(text, s); plain {
		words.code = code
		t.remember(words)
	}
	return code
}

// plainText is a text as the short way finds it; false where a cell with these
// very bytes is not this text, or it is too long.
func plainText(text []byte, s *Scanner) (nameSlot, bool) {
	if len(text) >= 16 || !utf8.Valid(text) {
		return nameSlot{}, false
	}
	var words [16]byte
	for i, c := range text {
		if c < ' ' || c == '"' || c == s.delimiter || c >= utf8.RuneSelf && s.latin {
			return nameSlot{}, false
		}
		words[i] = c
	}
	return nameSlot{word0: le64(words[:8]), word1: le64(words[8:]), size: uint32(len(text))}, true
}

// remember puts a text into a slot of its own, if there is a factor that gives
// every text one.
func (t *nameTable) remember(text nameSlot) {
	all := []nameSlot{text}
	for _, known := range t.slots {
		switch {
		case known.code == text.code:
			return
		case known.code > 0:
			all = append(all, known)
		}
	}
	if len(all) > nameSlots/4 {
		return
	}
	factor := t.factor
	for range nameFactors {
		if slots, ok := t.place(all, factor); ok {
			t.slots, t.factor = slots, factor
			return
		}
		factor = factor*6364136223846793005 + 2
	}
}

// place puts texts into slots; false if two would share one, or one were in
// slot 0.
func (t *nameTable) place(texts []nameSlot, factor uint64) (slots [nameSlots]nameSlot, ok bool) {
	if t.required {
		slots[0].size = noSize
	}
	for _, text := range texts {
		at := nameHash(text.word0, text.word1, factor)
		if at == 0 || slots[at].code > 0 {
			return slots, false
		}
		slots[at] = text
	}
	return slots, true
}

// nameHash returns a slot; that of the empty text is 0.
func nameHash(w0, w1, factor uint64) uint64 {
	return ((w0 ^ w1*nameFold) * factor) >> 58
}
