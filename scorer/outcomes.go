package scorer

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model"
	"github.com/loanscorer/loanscorer/model/explain"
)

// outcomes remembers what becomes of a row by the cells of the model's grid
// that its features are in. All rows of a place have one probability, decision
// and reasons, so each is worked out once, and most rows cost a look-up. A
// missing value is a cell of its own, after the model's. It is safe for
// concurrent use: whoever needs a page first works it out, and all find the
// same.
type outcomes struct {
	scorer  *Scorer
	grid    *model.Grid
	along   int   // the feature with the most cells: its neighbours are neighbours here
	strides []int // of the features
	size    int
	pages   []atomic.Pointer[page] // nil: not known yet. What is there never changes

	mu      sync.Mutex
	numbers ingest.Numbers // codes of probabilities
	classes classes
	lists   atomic.Pointer[lists] // what the codes of all pages stand for
	run     outcomeRun
}

// outcome is what becomes of the rows of a place: codes of lists. Class 0 is a
// place that is not worked out with its page.
type outcome struct{ probability, class uint32 }

// page has the outcomes of neighbouring places. Many have the same one, so that
// what is looked up of a page is small.
type page struct {
	at   [pagePlaces]uint8 // place in list
	list [pagePlaces + 1]outcome
	used int // of list; the first is that of no class
}

const pagePlaces = 128

func (p *page) outcome(place int) outcome { return p.list[p.at[place%pagePlaces]] }

func (p *page) set(place int, of outcome) {
	// What was added last is the likeliest.
	for i := p.used - 1; i > 0; i-- {
		if p.list[i] == of {
			p.at[place] = uint8(i)
			return
		}
	}
	p.at[place], p.list[p.used] = uint8(p.used), of
	p.used++
}

// lists are only ever appended to.
type lists struct {
	classList
	probabilities []float64 // by code
}

// Bounds of the places.
const (
	maxPlaces          = 1 << 20 // about nine bytes each, once their page is worked out
	maxOutcomeFeatures = 8
)

// unplaced is the place of a value that no accepted row has. Added to the places
// of other features it stays beyond all places.
const unplaced = maxPlaces

// newOutcomes returns nil for a model whose grid is too large.
func newOutcomes(s *Scorer) *outcomes {
	o := &outcomes{scorer: s, grid: s.model.Grid(), size: 1}
	if o.grid == nil || len(s.features) > maxOutcomeFeatures {
		return nil
	}
	for i := range s.features {
		if o.grid.Cells(i) > o.grid.Cells(o.along) {
			o.along = i
		}
	}
	o.strides = make([]int, len(s.features))
	for _, i := range o.order() {
		o.strides[i] = o.size
		o.size *= o.grid.Cells(i) + 1
		if o.size > maxPlaces {
			return nil
		}
	}
	o.pages = make([]atomic.Pointer[page], (o.size+pagePlaces-1)/pagePlaces)
	o.classes = newClasses(s)
	return o
}

// order has the features by rising strides.
func (o *outcomes) order() []int {
	order := []int{o.along}
	for i := range o.scorer.features {
		if i != o.along {
			order = append(order, i)
		}
	}
	return order
}

// place is what a value of feature i, or NaN, adds to the place of a row.
func (o *outcomes) place(i int, v float64) uint64 {
	cell := o.grid.Cells(i)
	if !math.IsNaN(v) {
		if cell = o.grid.Cell(i, v); cell < 0 {
			return unplaced
		}
	}
	return uint64(cell * o.strides[i])
}

// page returns page n, worked out as far as tables of the model say it.
func (o *outcomes) page(n int) *page {
	if p := o.pages[n].Load(); p != nil {
		return p
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.pages[n].Load(); p != nil {
		return p
	}
	p := &page{used: 1}
	for done := 0; done < pagePlaces && n*pagePlaces+done < o.size; {
		done += o.run.fill(o, n*pagePlaces+done, p)
	}
	o.publish(n, p)
	return p
}

// publish shows everyone a page, and before it what its codes stand for. Codes
// depend on who came first; the writer of columns numbers values anew.
func (o *outcomes) publish(n int, p *page) {
	o.lists.Store(&lists{o.classes.list, o.numbers.Values()})
	o.pages[n].Store(p)
}

// find works out the outcome of the place of x, of which some features are
// missing, by itself.
func (o *outcomes) find(place int, x []float64, missing uint64) (outcome, error) {
	p, err := o.scorer.model.Probability(x)
	if err != nil {
		return outcome{}, errUnscored
	}
	of := o.scorer.judged(p, missing)
	if err := o.scorer.explain(&of, x); err != nil {
		return outcome{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	n := place / pagePlaces
	changed := *o.pages[n].Load()
	found := outcome{o.numbers.Code(p), o.classes.code(of)}
	changed.set(place%pagePlaces, found)
	o.publish(n, &changed)
	return found, nil
}

// outcomeRun is the memory for working out neighbouring places.
type outcomeRun struct {
	cell          [maxOutcomeFeatures]int
	probabilities [pagePlaces]float64
	orders        [pagePlaces]explain.Order
}

// fill fills a page with the outcomes from a place on, as long as all features
// but one stay where they are, and returns how many. It leaves those for find that
// the tables of the model do not have.
func (r *outcomeRun) fill(o *outcomes, place int, to *page) int {
	missing, known, n := uint64(0), true, 1
	for i := range o.strides {
		cells := o.grid.Cells(i)
		c := place / o.strides[i] % (cells + 1)
		switch {
		case c == cells:
			missing |= 1 << i
			c = o.grid.Missing(i)
			known = known && c >= 0
		case i == o.along:
			n = min(pagePlaces-place%pagePlaces, cells-c)
		}
		r.cell[i] = c
	}
	if !known {
		return n
	}
	p := r.probabilities[:n]
	o.grid.Probabilities(r.cell[:len(o.strides)], o.along, p)
	explained := r.explain(o, p)
	var probability, code uint32
	var base, last class
	for i, v := range p {
		if i == 0 || v != p[i-1] {
			probability, base = o.numbers.Code(v), o.scorer.judged(v, missing)
		}
		of := base
		if of.decision != codeApproved && o.scorer.reasons != nil {
			if !explained {
				continue
			}
			of.give(r.orders[i])
		}
		if code == 0 || of != last {
			last, code = of, o.classes.code(of)
		}
		to.set(place%pagePlaces+i, outcome{probability, code})
	}
	return n
}

// explain finds the reasons of a run with probabilities p, false if there are no
// tables of them.
func (r *outcomeRun) explain(o *outcomes, p []float64) bool {
	if o.scorer.reasons == nil {
		return true
	}
	policy, from, to := o.scorer.policy, 0, len(p)
	for from < to && policy.Decide(p[from]) == model.Approved {
		from++
	}
	for to > from && policy.Decide(p[to-1]) == model.Approved {
		to--
	}
	if from == to {
		return true
	}
	cell := r.cell
	cell[o.along] += from
	return o.scorer.reasons.explainer.AdverseRun(cell[:len(o.strides)], o.along, r.orders[from:to])
}
