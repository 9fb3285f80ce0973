package scorer

import (
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model/explain"
)

// class is what becomes of a row, all but its probability.
type class struct {
	missing  uint64                    // features, a bit each
	reasons  [explain.MaxReasons]uint8 // codes of reasonNames
	decision uint8                     // code of decisionNames
	bin      uint8                     // of the histogram of probabilities
}

// Two codes a feature fit a uint8.
const _ = uint(255 - 2*maxFeatures)

// classes numbers classes from 1 on. There are few: columns of a decision have
// one code a row, that of its class, and are looked up by it.
type classes struct {
	scorer  *Scorer
	codes   map[class]uint32
	imputed map[uint64]uint32 // codes of imputedNames by what is missing
	list    classList
}

// classList says what classes stand for, by code; 0 is no class. It is only ever
// appended to.
type classList struct {
	bins         []uint8
	decisions    []uint32
	imputed      []uint32
	reasons      [explain.MaxReasons][]uint32
	imputedNames []string // by code of imputed
}

func newClasses(s *Scorer) classes {
	c := classes{scorer: s, codes: map[class]uint32{}, imputed: map[uint64]uint32{}}
	c.list.add(class{}, c.imputedCode(0))
	return c
}

// code is the code of a class, a new one for a new class.
func (c *classes) code(of class) uint32 {
	code, ok := c.codes[of]
	if !ok {
		code = uint32(len(c.list.decisions))
		c.codes[of] = code
		c.list.add(of, c.imputedCode(of.missing))
	}
	return code
}

func (c *classes) imputedCode(missing uint64) uint32 {
	code, ok := c.imputed[missing]
	if !ok {
		code = uint32(len(c.list.imputedNames))
		c.imputed[missing] = code
		c.list.imputedNames = append(c.list.imputedNames, c.scorer.names(missing))
	}
	return code
}

func (l *classList) add(of class, imputed uint32) {
	l.bins, l.decisions = append(l.bins, of.bin), append(l.decisions, uint32(of.decision))
	l.imputed = append(l.imputed, imputed)
	for i, code := range of.reasons {
		l.reasons[i] = append(l.reasons[i], uint32(code))
	}
}

// judged is the class of a row with probability p but for its reasons.
func (s *Scorer) judged(p float64, missing uint64) class {
	return class{missing: missing, decision: uint8(decisionCode(s.policy.Decide(p))), bin: uint8(status.ScoreBin(p))}
}

// give gives a class its reasons: features by their place + 1, then 0. An
// approval has none.
func (c *class) give(order explain.Order) {
	for i, feature := range order {
		c.reasons[i] = 0
		if feature > 0 {
			c.reasons[i] = uint8(reasonCode(int(feature)-1, c.missing>>(feature-1)&1 != 0))
		}
	}
}
