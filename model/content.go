package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
)

// content returns the SHA-256 of what scores and explanations are made of: the
// canonical text of features, classes, positive and value_unit, each followed
// by a newline, then the trees in binary.
func (s *Spec) content() (string, error) {
	h := sha256.New()
	for _, part := range []any{s.Features, s.Classes, s.Positive, s.ValueUnit} {
		text, err := marshal(part)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		_, _ = h.Write(append(text, '\n')) // a hash never fails
	}
	var buf []byte
	for i := range s.Trees {
		buf = s.Trees[i].content(h, buf[:0])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// content writes one tree to h: the number of nodes (8 bytes), then node after
// node feature, left and right (4 bytes each), threshold, samples and value
// (float64), and a byte for missing_left if there is one; little-endian. It
// returns its buffer.
func (t *Tree) content(h hash.Hash, buf []byte) []byte {
	le := binary.LittleEndian
	buf = le.AppendUint64(buf, uint64(len(t.Left)))
	for n := range t.Left {
		buf = le.AppendUint32(buf, uint32(t.Feature[n]))
		buf = le.AppendUint32(buf, uint32(t.Left[n]))
		buf = le.AppendUint32(buf, uint32(t.Right[n]))
		buf = le.AppendUint64(buf, math.Float64bits(t.Threshold[n]))
		buf = le.AppendUint64(buf, math.Float64bits(t.Samples[n]))
		for _, v := range t.Value[n] {
			buf = le.AppendUint64(buf, math.Float64bits(v))
		}
		if t.MissingLeft != nil {
			b := byte(0)
			if t.MissingLeft[n] {
				b = 1
			}
			buf = append(buf, b)
		}
		if len(buf) >= 1<<16 {
			_, _ = h.Write(buf)
			buf = buf[:0]
		}
	}
	_, _ = h.Write(buf)
	return buf
}
