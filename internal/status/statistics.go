package status

import (
	"math"
	"time"
)

// Bins counts the decided rows of one feature by what they had in it, before
// missing values were filled.
type Bins struct {
	Missing int64   `json:"missing" doc:"Decided rows without a value"`
	Rows    []int64 `json:"rows" doc:"Decided rows by bin, in the order of the values"`
}

// Total is the number of rows counted.
func (b *Bins) Total() int64 {
	n := b.Missing
	for _, rows := range b.Rows {
		n += rows
	}
	return n
}

func (b *Bins) add(o Bins) {
	b.Missing += o.Missing
	for len(b.Rows) < len(o.Rows) {
		b.Rows = append(b.Rows, 0)
	}
	for i, n := range o.Rows {
		b.Rows[i] += n
	}
}

// Reference is what the model's training data looked like in one feature, in
// the bins that rows are counted by.
type Reference struct {
	Feature string
	Labels  []string  // of the bins
	Rows    []float64 // training rows by bin; where only deciles are known, equal shares
	Missing int64     // training rows without a value
}

// Statistics is what a closed batch looks like, as its summary has it. All of
// it but the time follows from the tally and the model.
type Statistics struct {
	ApprovalRate  *float64          `json:"approval_rate" doc:"approved / decided; null when no row was decided"`
	Areas         []Area            `json:"approval_by_area" nullable:"false" doc:"Decided rows by Property_Area, by name"`
	Drift         []Drift           `json:"drift" nullable:"false" doc:"Each feature against the model's training data; empty when the model file has no reference distributions"`
	Shadow        *ShadowStatistics `json:"shadow" doc:"The shadow model beside the one that decided; null without one"`
	Seconds       float64           `json:"seconds" doc:"From planned to closed"`
	RowsPerSecond *float64          `json:"rows_per_second" doc:"null when no time passed"`
}

// Area is the outcome of the rows of one Property_Area.
type Area struct {
	Area         string  `json:"area"`
	Rows         int64   `json:"rows"`
	Approved     int64   `json:"approved"`
	Declined     int64   `json:"declined"`
	Referred     int64   `json:"referred"`
	ApprovalRate float64 `json:"approval_rate" doc:"approved / rows"`
}

// Band is what a population stability index is usually taken for.
type Band string

// The bands of a population stability index: below 0.1, to 0.25, above. An
// index that chance alone would bring to 0.1 is not judged.
const (
	Stable   Band = "stable"
	Moderate Band = "moderate"
	Large    Band = "large"
	FewRows  Band = "too_few_rows"
)

// Where the bands begin (Siddiqi, Credit Risk Scorecards, 2006).
const (
	ModerateDrift = 0.1
	LargeDrift    = 0.25
)

// Drift compares the decided rows of a batch with the training data in one
// feature.
type Drift struct {
	Feature          string     `json:"feature"`
	PSI              *float64   `json:"psi" doc:"Population stability index over the rows with a value; null when there are none"`
	Chance           *float64   `json:"psi_by_chance" doc:"About what the index would be on average had nothing changed"`
	Band             Band       `json:"band,omitempty" enum:"stable,moderate,large,too_few_rows" doc:"stable below 0.1, moderate to 0.25, large above; too_few_rows when chance alone makes 0.1"`
	Missing          float64    `json:"missing_share" doc:"Of the decided rows"`
	ReferenceMissing float64    `json:"reference_missing_share" doc:"Of the training rows"`
	Bins             []DriftBin `json:"bins" nullable:"false"`
}

// DriftBin is one bin of a feature.
type DriftBin struct {
	Label          string  `json:"label" example:"3812.6 to 4402.7" doc:"A category, a value, other, or a range; its upper end is in it"`
	Rows           int64   `json:"rows"`
	Share          float64 `json:"share" doc:"Of the decided rows with a value"`
	ReferenceShare float64 `json:"reference_share" doc:"Of the training rows with a value"`
}

// Statistics are those of the tally of a batch that took so long.
func (t *Tally) Statistics(references []Reference, took time.Duration) *Statistics {
	s := &Statistics{Areas: []Area{}, Drift: []Drift{}, Shadow: t.shadowStatistics(), Seconds: took.Seconds()}
	if decided := t.DecidedRows(); decided > 0 {
		rate := float64(t.Decided["approved"]) / float64(decided)
		s.ApprovalRate = &rate
	}
	if took > 0 {
		speed := float64(t.Rows) / took.Seconds()
		s.RowsPerSecond = &speed
	}
	for _, name := range sortedKeys(t.Areas) {
		by := t.Areas[name]
		a := Area{Area: name, Rows: total(by), Approved: by["approved"], Declined: by["declined"], Referred: by["referred"]}
		a.ApprovalRate = float64(a.Approved) / float64(max(a.Rows, 1))
		s.Areas = append(s.Areas, a)
	}
	for i := range references {
		if bins, ok := t.Features[references[i].Feature]; ok {
			s.Drift = append(s.Drift, driftOf(&references[i], &bins))
		}
	}
	return s
}

func driftOf(r *Reference, b *Bins) Drift {
	d := Drift{Feature: r.Feature, Bins: []DriftBin{}}
	var trained float64
	for _, n := range r.Rows {
		trained += n
	}
	rows := b.Total() - b.Missing
	d.Missing = share(float64(b.Missing), float64(b.Total()))
	d.ReferenceMissing = share(float64(r.Missing), trained+float64(r.Missing))
	for i, label := range r.Labels {
		bin := DriftBin{Label: label, ReferenceShare: share(r.Rows[i], trained)}
		if i < len(b.Rows) {
			bin.Rows = b.Rows[i]
		}
		bin.Share = share(float64(bin.Rows), float64(rows))
		d.Bins = append(d.Bins, bin)
	}
	if rows > 0 && trained > 0 {
		psi, chance := stability(d.Bins, r.Rows, float64(rows), trained)
		d.PSI, d.Chance, d.Band = &psi, &chance, bandOf(psi, chance)
	}
	return d
}

func share(n, of float64) float64 {
	if of <= 0 {
		return 0
	}
	return n / of
}

// stability is the population stability index, the sum over the bins of
// (b - r) ln(b / r) with the shares b of the batch and r of the training data.
// A bin that is empty on one side counts half a row there; one that is empty on
// both is left out. chance is (bins - 1)(1/n + 1/m), the index's mean when both
// sides come from one population: it is then nearly chi-squared with bins - 1
// degrees of freedom times (1/n + 1/m) (Yurdakul and Naranjo, Statistical
// properties of the population stability index, 2020).
func stability(bins []DriftBin, reference []float64, n, m float64) (psi, chance float64) {
	used := 0
	for i := range bins {
		if bins[i].Rows == 0 && reference[i] == 0 {
			continue
		}
		used++
		b, r := max(float64(bins[i].Rows), 0.5)/n, max(reference[i], 0.5)/m
		psi += float64((b - r) * math.Log(b/r))
	}
	return psi, float64(used-1) * (1/n + 1/m)
}

func bandOf(psi, chance float64) Band {
	switch {
	case chance >= ModerateDrift:
		return FewRows
	case psi < ModerateDrift:
		return Stable
	case psi <= LargeDrift:
		return Moderate
	default:
		return Large
	}
}
