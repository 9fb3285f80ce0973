package scorer

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// outcomes remembers what becomes of a row by the cells of the model's grid
// that its features are in. All rows of a place have one probability, decision
// and reasons, so each is worked out once, and most rows cost a look-up. A
// missing value is a cell of its own, after the model's. It is safe for
// concurrent use: whoever needs a place first works it out, and all find the
// same.
type outcomes struct {
	scorer  *Scorer
	grid    *model.Grid
	strides []int           // of the features
	places  []atomic.Uint32 // numbers of outcomes + 1; 0: not known yet

	mu      sync.Mutex
	numbers ingest.Numbers        // codes of probabilities
	known   map[outcome]uint32    // numbers + 1
	lists   atomic.Pointer[lists] // what the numbers of all places stand for
}

// lists are only ever appended to.
type lists struct {
	outcomes      []outcome // by number
	probabilities []float64 // by code
}

// Bounds of the table, and of what a place can say.
const (
	maxPlaces          = 1 << 20 // 4 bytes each
	maxOutcomeFeatures = 8
)

// outcome is what becomes of the rows of a place:
//
//	bits  0-20  code of the probability
//	     21-22  code of the decision
//	     23-27  bin of the histogram of probabilities
//	     28-35  features that are missing, a bit each
//	     36-55  codes of four reasons
type outcome uint64

const (
	decisionShift = 21
	binShift      = 23
	missingShift  = 28
	reasonShift   = 36
	reasonBits    = 5
	_             = uint(4 - explain.MaxReasons) // four fit, and unpack knows as many

	probabilityMask = 1<<decisionShift - 1
	decisionMask    = 1<<(binShift-decisionShift) - 1
	binMask         = 1<<(missingShift-binShift) - 1
	missingMask     = 1<<(reasonShift-missingShift) - 1
	reasonMask      = 1<<reasonBits - 1
)

// unplaced is the place of a value that no accepted row has. Added to the places
// of other features it stays beyond all places.
const unplaced = maxPlaces

// newOutcomes returns nil for a model whose grid is too large.
func newOutcomes(s *Scorer) *outcomes {
	o := &outcomes{scorer: s, grid: s.model.Grid()}
	if o.grid == nil || len(s.features) > maxOutcomeFeatures {
		return nil
	}
	size := 1
	for i := range s.features {
		o.strides = append(o.strides, size)
		size *= o.grid.Cells(i) + 1
		if size > maxPlaces {
			return nil
		}
	}
	o.places, o.known = make([]atomic.Uint32, size), make(map[outcome]uint32)
	return o
}

// place is what a value of feature i, or NaN, adds to the place of a row.
func (o *outcomes) place(i int, v float64) uint32 {
	cell := o.grid.Cells(i)
	if !math.IsNaN(v) {
		if cell = o.grid.Cell(i, v); cell < 0 {
			return unplaced
		}
	}
	return uint32(cell * o.strides[i])
}

// find works out the outcome of the place of x, of which some features are
// missing, and returns its number + 1.
func (o *outcomes) find(place uint32, x []float64, missing uint64) (uint32, error) {
	p, err := o.scorer.model.Probability(x)
	if err != nil {
		return 0, errUnscored
	}
	decision := decisionCode(o.scorer.policy.Decide(p))
	of := outcome(decision)<<decisionShift | outcome(status.ScoreBin(p))<<binShift | outcome(missing)<<missingShift
	if decision != codeApproved {
		reasons, err := o.scorer.adverse(x, missing)
		if err != nil {
			return 0, err
		}
		for i, code := range reasons {
			of |= outcome(code) << (reasonShift + i*reasonBits)
		}
	}
	number := o.number(of, p)
	o.places[place].Store(number)
	return number, nil
}

// number is the number + 1 of an outcome with probability p. Numbers and codes
// depend on who came first; the writer of columns numbers values anew.
func (o *outcomes) number(of outcome, p float64) uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	of |= outcome(o.numbers.Code(p))
	number, ok := o.known[of]
	if !ok {
		var l lists
		if before := o.lists.Load(); before != nil {
			l = *before
		}
		l = lists{append(l.outcomes, of), o.numbers.Values()}
		number = uint32(len(l.outcomes))
		o.known[of] = number
		o.lists.Store(&l) // before anyone can see the number
	}
	return number
}

// look finds the outcomes of the rows of the block.
func (s *blockScorer) look(rows int) error {
	o := s.outcomes
	s.at, s.found = grow(s.at, rows), grow(s.found, rows)
	clear(s.at)
	for i := range s.columns {
		s.addPlaces(i)
	}
	for row, at := range s.at {
		if int(at) >= len(o.places) {
			return s.rowError(row, errUnscored)
		}
		number := o.places[at].Load()
		if number == 0 {
			var err error
			if number, err = s.find(row, at); err != nil {
				return err
			}
		}
		s.found[row] = number - 1
	}
	return nil
}

// addPlaces adds those of feature i.
func (s *blockScorer) addPlaces(i int) {
	c := &s.columns[i]
	if c.plain != nil {
		for row, v := range c.plain {
			s.at[row] += s.outcomes.place(i, v)
		}
		return
	}
	places := s.places[i]
	for known := len(places); known < len(c.values); known++ {
		places = append(places, s.outcomes.place(i, c.values[known]))
	}
	s.places[i] = places
	for row, code := range c.codes[:len(s.at)] {
		s.at[row] += places[code]
	}
}

// find works out the outcome of a row whose place is not known yet.
func (s *blockScorer) find(row int, place uint32) (uint32, error) {
	var buf [maxOutcomeFeatures]float64
	x, missing := buf[:len(s.columns)], uint64(0)
	for i := range s.columns {
		if x[i] = s.columns[i].row(row); math.IsNaN(x[i]) {
			missing |= 1 << i
		}
	}
	number, err := s.outcomes.find(place, x, missing)
	if err != nil {
		return 0, s.rowError(row, err)
	}
	return number, nil
}

// unpack makes columns of the outcomes.
func (s *blockScorer) unpack() {
	known, rows := s.outcomes.lists.Load(), len(s.found)
	s.grow(rows)
	s.probability.Codes, s.probability.Values = grow(s.probability.Codes, rows), known.probabilities
	codes, decisions, bins, imputed := s.probability.Codes, s.decisions, s.bins, s.imputed
	r1, r2, r3, r4 := s.reasons[0], s.reasons[1], s.reasons[2], s.reasons[3]
	for row, number := range s.found {
		of := known.outcomes[number]
		codes[row] = uint32(of) & probabilityMask
		decisions[row] = uint32(of>>decisionShift) & decisionMask
		bins[row] = uint8(of>>binShift) & binMask
		imputed[row] = uint32(of>>missingShift) & missingMask
		r1[row] = uint32(of>>reasonShift) & reasonMask
		r2[row] = uint32(of>>(reasonShift+reasonBits)) & reasonMask
		r3[row] = uint32(of>>(reasonShift+2*reasonBits)) & reasonMask
		r4[row] = uint32(of>>(reasonShift+3*reasonBits)) & reasonMask
	}
}
