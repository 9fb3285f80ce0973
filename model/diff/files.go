package diff

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/loanscorer/loanscorer/model"
)

// Identity names one of the two models.
type Identity struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	SHA256  string      `json:"sha256"`
	Forest  model.Stats `json:"forest"`
}

// Change is something that the two files say differently; a text is empty
// where a file does not say it.
type Change struct {
	Part string `json:"part"` // "features", "classes", "policy", "forest", "training", "reference"
	Name string `json:"name"` // what it is about
	A    string `json:"a"`
	B    string `json:"b"`
}

// Report is everything that was found.
type Report struct {
	A Identity `json:"a"`
	B Identity `json:"b"`
	// SameContent: features, classes and trees are the same, so every
	// probability and explanation is.
	SameContent bool     `json:"same_content"`
	Changes     []Change `json:"changes"`
	Rows        *Rows    `json:"rows,omitempty"` // when rows were compared
}

// Files compares what two model files say.
func Files(a, b *model.Model) *Report {
	r := &Report{A: identity(a), B: identity(b), SameContent: a.ContentSHA256() == b.ContentSHA256()}
	r.features(a, b)
	r.add("classes", "labels", classes(a), classes(b))
	r.add("classes", "approval", a.Classes()[a.Positive()].String(), b.Classes()[b.Positive()].String())
	r.add("policy", "approved above", number(a.Policy().ApproveAbove), number(b.Policy().ApproveAbove))
	r.add("policy", "declined at or below", number(a.Policy().DeclineAt), number(b.Policy().DeclineAt))
	r.forest(a, b)
	r.training(a, b)
	r.reference(a, b)
	return r
}

func identity(m *model.Model) Identity {
	return Identity{Name: m.Name(), Version: m.Version(), SHA256: m.SHA256(), Forest: m.Stats()}
}

// add notes a difference.
func (r *Report) add(part, name, a, b string) {
	if a != b {
		r.Changes = append(r.Changes, Change{Part: part, Name: name, A: a, B: b})
	}
}

func (r *Report) features(a, b *model.Model) {
	inA, inB := a.Features(), b.Features()
	for _, name := range union(names(inA), names(inB)) {
		i, j := slices.Index(names(inA), name), slices.Index(names(inB), name)
		var left, right string
		if i >= 0 {
			left = describe(&inA[i])
		}
		if j >= 0 {
			right = describe(&inB[j])
		}
		r.add("features", name, left, right)
	}
	if slices.Equal(sorted(names(inA)), sorted(names(inB))) {
		r.add("features", "order", strings.Join(names(inA), ", "), strings.Join(names(inB), ", "))
	}
}

func names(features []model.Feature) []string {
	out := make([]string, len(features))
	for i := range features {
		out[i] = features[i].Name
	}
	return out
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// union returns a, then what only b has.
func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, name := range b {
		if !slices.Contains(a, name) {
			out = append(out, name)
		}
	}
	return out
}

// describe says what a feature is.
func describe(f *model.Feature) string {
	text := string(f.Kind)
	if f.Kind == model.Category {
		text += " " + strings.Join(f.Categories, ", ")
	}
	if f.Missing == nil {
		return text + "; missing: no rule"
	}
	text += "; missing: " + number(f.Missing.Value)
	if f.Kind == model.Category {
		text = strings.TrimSuffix(text, number(f.Missing.Value)) + f.Categories[int(f.Missing.Value)]
	}
	if f.Missing.Fitted != "" {
		text += " (" + f.Missing.Fitted + ")"
	}
	return text
}

func classes(m *model.Model) string {
	var labels []string
	for _, c := range m.Classes() {
		labels = append(labels, c.String())
	}
	return strings.Join(labels, ", ")
}

func (r *Report) forest(a, b *model.Model) {
	x, y := a.Stats(), b.Stats()
	for _, line := range []struct {
		name string
		a, b int
	}{{"trees", x.Trees, y.Trees}, {"nodes", x.Nodes, y.Nodes}, {"leaves", x.Leaves, y.Leaves}, {"depth", x.MaxDepth, y.MaxDepth}} {
		r.add("forest", line.name, strconv.Itoa(line.a), strconv.Itoa(line.b))
	}
	if !r.SameContent && x == y {
		r.Changes = append(r.Changes, Change{Part: "forest", Name: "content", A: short(a.ContentSHA256()), B: short(b.ContentSHA256())})
	}
}

func short(hash string) string { return hash[:12] }

// training compares the free records member by member.
func (r *Report) training(a, b *model.Model) {
	left, right := map[string]string{}, map[string]string{}
	keysA, keysB := flatten(a.Training(), left), flatten(b.Training(), right)
	for _, key := range union(keysA, keysB) {
		x, y := rounded(left[key]), rounded(right[key])
		if x == y { // they may differ in the last digits
			x, y = left[key], right[key]
		}
		r.add("training", key, x, y)
	}
}

// maxText is how much of a value is shown, in bytes.
const maxText = 120

// flatten puts the members of nested objects into flat, under their names
// joined by points, and returns these in order.
func flatten(record json.RawMessage, flat map[string]string) []string {
	var members map[string]json.RawMessage
	if len(record) == 0 || json.Unmarshal(record, &members) != nil {
		return nil
	}
	var keys []string
	for _, name := range sortedKeys(members) {
		value := members[name]
		inner := map[string]string{}
		if nested := flatten(value, inner); len(nested) > 0 {
			for _, key := range nested {
				keys = append(keys, name+"."+key)
				flat[name+"."+key] = inner[key]
			}
			continue
		}
		text := string(value)
		var s string
		if json.Unmarshal(value, &s) == nil {
			text = s
		}
		if len(text) > maxText {
			text = strings.ToValidUTF8(text[:maxText], "") + "..."
		}
		keys, flat[name] = append(keys, name), text
	}
	return keys
}

// rounded shortens a number to six digits.
func rounded(text string) string {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) <= 8 {
		return text
	}
	return fmt.Sprintf("%.6g", v)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return sorted(keys)
}

// reference tells where the training data was distributed otherwise.
func (r *Report) reference(a, b *model.Model) {
	find := func(m *model.Model, name string) string {
		for _, d := range m.Reference() {
			if d.Feature == name {
				return summary(&d)
			}
		}
		return ""
	}
	for _, name := range union(names(a.Features()), names(b.Features())) {
		r.add("reference", name, find(a, name), find(b, name))
	}
}

func summary(d *model.Distribution) string {
	text := fmt.Sprintf("%d rows, %d missing", d.Rows, d.Missing)
	if len(d.Deciles) == 9 {
		text += fmt.Sprintf(", 10 %% %s, median %s, 90 %% %s", number(d.Deciles[0]), number(d.Deciles[4]), number(d.Deciles[8]))
	}
	var counts []string
	for _, c := range d.Counts {
		counts = append(counts, fmt.Sprintf("%s: %d", number(c.Value), c.Count))
	}
	if len(counts) > 0 {
		text += ", " + strings.Join(counts, ", ")
	}
	return text
}

func number(v float64) string { return fmt.Sprintf("%g", v) }
