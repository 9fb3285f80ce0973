package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// doc is a JSON object.
type doc = map[string]any

// stack is a template with its parameters, conditions and functions worked
// out. References to resources stay as "${Name}" (Ref) and "${Name.Attribute}"
// (GetAtt), whichever way they are written.
type stack struct {
	resources map[string]*resource
	kinds     map[string][]*resource // by type, in the order of names
	watched   []metric               // see metrics
	outputs   doc
	params    map[string]string
	defaults  bool // no parameter was changed
}

// resource is one resource of a stack.
type resource struct {
	name  string
	kind  string
	props doc
	raw   doc // with DependsOn and DeletionPolicy
}

// of returns the resources of a type, by name.
func (s *stack) of(kind string) []*resource { return s.kinds[kind] }

// at returns the resource that a reference names, or nil.
func (s *stack) at(reference any) *resource {
	name, _, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(text(reference), "${"), "}"), ".")
	return s.resources[name]
}

func (r *resource) get(path ...string) any { return get(r.props, path...) }
func (r *resource) ref() string            { return "${" + r.name + "}" }
func (r *resource) arn() string            { return "${" + r.name + ".Arn}" }

func get(v any, path ...string) any {
	for _, name := range path {
		object, ok := v.(doc)
		if !ok {
			return nil
		}
		v = object[name]
	}
	return v
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// number is v, or otherwise where v is missing.
func number(v any, otherwise float64) float64 {
	n, err := strconv.ParseFloat(text(v), 64)
	if err != nil {
		return otherwise
	}
	return n
}

func isTrue(v any) bool { return text(v) == "true" }

// items is a list, or the one thing in place of a list.
func items(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

func texts(v any) []string {
	list := items(v)
	out := make([]string, len(list))
	for i := range list {
		out[i] = text(list[i])
	}
	return out
}

// evaluator works out the functions of a template.
type evaluator struct {
	params     map[string]string
	conditions doc
}

// gone stands for AWS::NoValue.
type gone struct{}

// evaluate makes the stack of a template with these parameters changed.
func evaluate(template doc, changed map[string]string) *stack {
	e := &evaluator{params: map[string]string{}, conditions: asDoc(template["Conditions"])}
	for name, p := range asDoc(template["Parameters"]) {
		e.params[name] = text(get(p, "Default"))
	}
	maps.Copy(e.params, changed)
	s := &stack{resources: map[string]*resource{}, kinds: map[string][]*resource{}, outputs: doc{}, params: e.params, defaults: len(changed) == 0}
	for name, raw := range asDoc(template["Resources"]) {
		r := asDoc(raw)
		if c := text(r["Condition"]); c != "" && !e.holds(doc{"Condition": c}) {
			continue
		}
		props, _ := e.value(r["Properties"]).(doc)
		s.resources[name] = &resource{name: name, kind: text(r["Type"]), props: props, raw: r}
	}
	for _, name := range slices.Sorted(maps.Keys(s.resources)) {
		r := s.resources[name]
		s.kinds[r.kind] = append(s.kinds[r.kind], r)
	}
	s.watched = s.metrics()
	for name, raw := range asDoc(template["Outputs"]) {
		if c := text(get(raw, "Condition")); c == "" || e.holds(doc{"Condition": c}) {
			s.outputs[name] = e.value(raw)
		}
	}
	return s
}

func asDoc(v any) doc {
	d, _ := v.(doc)
	return d
}

// holds works out a condition.
func (e *evaluator) holds(v any) bool {
	for name, args := range asDoc(v) {
		switch name {
		case "Condition":
			return e.holds(e.conditions[text(args)])
		case "Fn::Equals":
			pair := items(args)
			return len(pair) == 2 && text(e.value(pair[0])) == text(e.value(pair[1]))
		case "Fn::Not":
			return !e.holds(items(args)[0])
		case "Fn::And":
			return !slices.ContainsFunc(items(args), func(c any) bool { return !e.holds(c) })
		case "Fn::Or":
			return slices.ContainsFunc(items(args), e.holds)
		}
	}
	return false
}

// value works out everything within v.
func (e *evaluator) value(v any) any {
	switch v := v.(type) {
	case []any:
		out := []any{}
		for _, item := range v {
			if made := e.value(item); made != (gone{}) {
				out = append(out, made)
			}
		}
		return out
	case doc:
		if made, ok := e.function(v); ok {
			return made
		}
		out := doc{}
		for name, item := range v {
			if made := e.value(item); !isGone(made) {
				out[name] = made
			}
		}
		return out
	default:
		return v
	}
}

func isGone(v any) bool {
	_, ok := v.(gone)
	return ok
}

// function works out v if it is one of CloudFormation's functions.
func (e *evaluator) function(v doc) (any, bool) {
	if len(v) != 1 {
		return nil, false
	}
	for name, args := range v {
		switch name {
		case "Ref":
			return e.reference(text(args)), true
		case "Fn::GetAtt":
			return "${" + strings.Join(texts(args), ".") + "}", true
		case "Fn::Sub":
			return e.sub(args), true
		case "Fn::If":
			three := items(args)
			if e.holds(doc{"Condition": three[0]}) {
				return e.value(three[1]), true
			}
			return e.value(three[2]), true
		case "Fn::Join":
			pair := items(args)
			return strings.Join(texts(e.value(pair[1])), text(pair[0])), true
		case "Fn::Split":
			pair := items(args)
			parts := []any{}
			for part := range strings.SplitSeq(text(e.value(pair[1])), text(pair[0])) {
				parts = append(parts, part)
			}
			return parts, true
		}
	}
	return nil, false
}

func (e *evaluator) reference(name string) any {
	if name == "AWS::NoValue" {
		return gone{}
	}
	if value, ok := e.params[name]; ok {
		return value
	}
	return "${" + name + "}"
}

var placeholder = regexp.MustCompile(`\$\{[^}]+\}`)

func (e *evaluator) sub(args any) string {
	list := items(args)
	var own doc
	if len(list) == 2 {
		own = asDoc(e.value(list[1]))
	}
	return placeholder.ReplaceAllStringFunc(text(list[0]), func(found string) string {
		name := found[2 : len(found)-1]
		if value, ok := own[name]; ok {
			return text(value)
		}
		if value, ok := e.params[name]; ok {
			return value
		}
		return found
	})
}

const translatedFile = "testdata/translated.json"

// loadTemplate reads the template that the tests check: testdata/translated.json,
// or the file that DEPLOY_TEMPLATE names.
func loadTemplate(t *testing.T) doc {
	t.Helper()
	name := translatedFile
	if other := os.Getenv("DEPLOY_TEMPLATE"); other != "" {
		name = other
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	template, err := parseTemplate(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return template
}

func parseTemplate(data []byte) (doc, error) {
	var template doc
	if err := json.Unmarshal(data, &template); err != nil {
		return nil, err
	}
	if len(asDoc(template["Resources"])) == 0 {
		return nil, errors.New("no resources")
	}
	return template, nil
}
