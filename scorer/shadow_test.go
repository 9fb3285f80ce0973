package scorer

import (
	"bytes"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/internal/status"
	"github.com/loanscorer/loanscorer/model"
)

// challengers are models beside the built-in one, of all kinds.
func challengers(t *testing.T) map[string]*model.Model {
	t.Helper()
	feature := func(i int, f model.Feature) func(*model.Spec) {
		return func(s *model.Spec) { s.Features[i], s.Reference = f, nil }
	}
	constant := &model.Missing{Rule: model.Constant, Value: 360}
	return map[string]*model.Model{
		"the same":         model.Default(),
		"other cut-offs":   changed(t, func(s *model.Spec) { s.Policy = model.Policy{ApproveAbove: 0.8, DeclineAt: 0.4} }),
		"fewer trees":      changed(t, func(s *model.Spec) { s.Trees = s.Trees[:3] }),
		"strict":           changed(t, func(s *model.Spec) { s.Features[1].Missing = nil }),
		"fewer areas":      changed(t, feature(3, model.Feature{Name: "Property_Area", Kind: model.Category, Categories: []string{"Urban", "Rural"}})),
		"genders":          changed(t, feature(3, model.Feature{Name: "Gender", Kind: model.Category, Categories: []string{"female", "male"}})),
		"column not there": changed(t, feature(2, model.Feature{Name: "Loan_Amount_Term", Kind: model.Number})),
		"text not there":   changed(t, feature(3, model.Feature{Name: "Married", Kind: model.Category, Categories: []string{"No", "Yes"}})),
		"filled":           changed(t, feature(2, model.Feature{Name: "Loan_Amount_Term", Kind: model.Number, Missing: constant})),
		"own income":       changed(t, feature(0, model.Feature{Name: "CoapplicantIncome", Kind: model.Number})),
		"routes": changed(t, func(s *model.Spec) {
			for i := range s.Trees {
				s.Trees[i].MissingLeft = make([]bool, len(s.Trees[i].Left))
			}
			for i := range s.Features {
				s.Features[i].Missing = nil
			}
			s.Features[2], s.Reference = model.Feature{Name: "Gender", Kind: model.Category, Categories: []string{"Male"}}, nil
		}),
	}
}

// shadowText is a file of n rows of all kinds: values missing, rows that are
// refused, categories that some models do not know, too large numbers.
func shadowText(n int) string {
	var b strings.Builder
	b.WriteString("Loan_ID,ApplicantIncome,CoapplicantIncome,LoanAmount,Credit_History,Property_Area,Gender\n")
	for i := range n {
		amount, second := strconv.Itoa(20+i*37%400), strconv.Itoa(i%3*700)
		switch i % 11 {
		case 1, 2:
			amount = ""
		case 5:
			amount += "x"
		case 7:
			second = "4e38"
		}
		fmt.Fprintf(&b, "L%d,%d,%s,%s,%s,%s,%s\n", i, 500+i*131%9000, second, amount, [...]string{"0", "1", "", "1"}[i%4],
			[...]string{"Rural", "Semiurban", "Urban", "semi urban"}[i%4], [...]string{"Male", "Female", "", "X", "MALE"}[i%5])
	}
	return b.String()
}

// The champion of the tests does not look at CoapplicantIncome alone, which
// can be too large for a challenger that does.
func champion(t *testing.T) *model.Model {
	t.Helper()
	return changed(t, func(s *model.Spec) {
		s.Features[0], s.Reference = model.Feature{Name: "ApplicantIncome", Kind: model.Number}, nil
	})
}

// A challenger's columns are what it gives when it decides, whatever else is in
// the file; it changes nothing of the champion's.
func TestShadowIsTheChallengerAlone(t *testing.T) {
	t.Parallel()
	text := shadowText(2*ingest.BlockRows + 77)
	for name, m := range challengers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			challenger := mustScorer(t, m, Options{NoReasons: true})
			alone, without := scoreWith(t, challenger, text), scoreWith(t, mustScorer(t, champion(t), Options{}), text)
			both := scoreWith(t, mustScorer(t, champion(t), Options{Shadow: challenger}), text)
			width := len(without.Rows[0])
			var rest [][]string
			for _, r := range both.Rows {
				rest = append(rest, r[:width])
			}
			if diff := cmp.Diff(without, scored{Rows: rest, Rejects: both.Rejects}); diff != "" {
				t.Fatalf("the champion's columns (-without a shadow +with one): %s", diff)
			}
			want := map[string][]string{} // by source_offset
			scores, decisions := alone.column(t, "probability"), alone.column(t, "decision")
			for i, at := range alone.column(t, "source_offset") {
				want[at] = []string{scores[i], decisions[i], m.SHA256()}
			}
			for i, at := range both.column(t, "source_offset") {
				w, ok := want[at]
				if !ok {
					w = []string{"", "", ""}
				}
				if diff := cmp.Diff(w, both.Rows[1+i][width:]); diff != "" {
					t.Fatalf("row at byte %s (-alone +shadow): %s", at, diff)
				}
			}
		})
	}
}

// What is counted is what the rows say, and a row that the challenger cannot
// score is counted by what it would be rejected for.
func TestShadowCounts(t *testing.T) {
	t.Parallel()
	text := shadowText(500)
	for name, m := range challengers(t) {
		challenger := mustScorer(t, m, Options{NoReasons: true})
		s := mustScorer(t, champion(t), Options{NoReasons: true, Shadow: challenger})
		var rejects bytes.Buffer
		tally, err := ScoreFile(t.Context(), s, textSource(text), new(bytes.Buffer), FileOptions{DecidedAt: decidedAt(), Rejects: &rejects})
		if err != nil {
			t.Fatal(err)
		}
		want := status.ShadowTally{}
		rows := scoreWith(t, s, text)
		scores, decisions, shadows := rows.column(t, "probability"), rows.column(t, "decision"), rows.column(t, "shadow_decision")
		for i, p := range rows.column(t, "shadow_probability") {
			if p == "" {
				continue
			}
			a, errA := strconv.ParseFloat(scores[i], 64)
			b, errB := strconv.ParseFloat(p, 64)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			want.Decide(decisions[i], shadows[i], 1)
			want.Compare(b, a)
		}
		decided := map[string]bool{}
		for _, at := range rows.column(t, "source_offset") {
			decided[at] = true
		}
		for _, r := range scoreWith(t, challenger, text).Rejects[1:] {
			if decided[r[1]] {
				want.Unscore(r[3], r[2], 1)
			}
		}
		if diff := cmp.Diff(&want, tally.Shadow); diff != "" {
			t.Errorf("%s (-rows +tally): %s", name, diff)
		}
		if got := tally.Shadow.Compared() + tally.Shadow.UnscoredRows(); got != tally.DecidedRows() {
			t.Errorf("%s: %d rows compared or unscored, %d decided", name, got, tally.DecidedRows())
		}
		if missing := name == "column not there" || name == "text not there"; missing != (tally.Shadow.Compared() == 0) {
			t.Errorf("%s: %d rows compared", name, tally.Shadow.Compared())
		}
	}
}

// A model beside itself agrees with itself to the bit.
func TestShadowOfItself(t *testing.T) {
	t.Parallel()
	m := model.Default()
	s := mustScorer(t, m, Options{Shadow: mustScorer(t, m, Options{})})
	rows := scoreWith(t, s, reasonsText(3000))
	for ours, shadow := range map[string]string{"probability": "shadow_probability", "decision": "shadow_decision", "model_sha256": "shadow_model_sha256"} {
		if diff := cmp.Diff(rows.column(t, ours), rows.column(t, shadow)); diff != "" {
			t.Errorf("%s: %s", ours, diff)
		}
	}
	tally, err := ScoreFile(t.Context(), s, textSource(reasonsText(3000)), new(bytes.Buffer), FileOptions{DecidedAt: decidedAt(), Rejects: new(bytes.Buffer)})
	if err != nil {
		t.Fatal(err)
	}
	st := tally.Statistics(nil, 0).Shadow
	if *st.Agreement != 1 || *st.MeanAbsDifference != 0 || st.SwapIn+st.SwapOut+st.Unscored != 0 || st.Rows != tally.DecidedRows() ||
		tally.Shadow.Histogram != tally.Histogram {
		t.Errorf("%+v", st)
	}
}

// However a file is cut, in order or not, its bytes and counts are the same.
func TestShadowInSegments(t *testing.T) {
	t.Parallel()
	all := challengers(t)
	for _, name := range []string{"fewer areas", "strict", "column not there"} {
		s := mustScorer(t, champion(t), Options{NoReasons: true, Shadow: mustScorer(t, all[name], Options{NoReasons: true})})
		var whole status.Tally
		for _, segment := range []int64{1 << 20, 300, 4096} {
			want, got := segmentsWith(t, s, quotedFile(3, 200), segment, false), segmentsWith(t, s, quotedFile(3, 200), segment, true)
			if !bytes.Equal(want.parquet, got.parquet) || !want.tally.Equal(&got.tally) {
				t.Errorf("%s, segments of %d bytes: other results side by side", name, segment)
			}
			if segment == 1<<20 {
				whole = want.tally
			}
			if !whole.Equal(&got.tally) {
				t.Errorf("%s, segments of %d bytes: counts of the pieces are not those of the whole", name, segment)
			}
		}
	}
}

// The names of shadow columns are taken, with a shadow and without.
func TestShadowColumnNames(t *testing.T) {
	t.Parallel()
	text := "shadow_probability,Shadow_Decision,TotalIncome,LoanAmount,Credit_History,Property_Area\nx,y,5000,100,1,Urban\n"
	for want, o := range map[string]Options{
		"": {}, ",shadow_probability,shadow_decision,shadow_model_sha256": {Shadow: testScorer(t)},
	} {
		got := strings.Join(scoreWith(t, mustScorer(t, model.Default(), o), text).Rows[0], ",")
		if !strings.HasPrefix(got, "input_shadow_probability,input_Shadow_Decision,TotalIncome,") || !strings.HasSuffix(got, ",decided_at"+want) {
			t.Errorf("%s", got)
		}
	}
}

// A file without rows says that there was a shadow.
func TestShadowOfNothing(t *testing.T) {
	t.Parallel()
	s := mustScorer(t, model.Default(), Options{Shadow: testScorer(t)})
	header, _, _ := strings.Cut(shadowText(0), "\n")
	tally, err := ScoreFile(t.Context(), s, textSource(header+"\n"), new(bytes.Buffer), FileOptions{DecidedAt: decidedAt(), Rejects: new(bytes.Buffer)})
	if err != nil {
		t.Fatal(err)
	}
	st := tally.Statistics(nil, 0).Shadow
	if st == nil || st.Agreement != nil || st.MeanDifference != nil || len(st.Decisions) != 3 {
		t.Errorf("%+v", st)
	}
	if !maps.Equal(tally.Decided, map[string]int64{}) {
		t.Error(tally.Decided)
	}
}
