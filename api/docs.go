package api

import (
	"bytes"
	_ "embed" // the page's template
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsTemplate string

// docsPolicy lets the page show itself and load nothing.
const docsPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// docsPage renders the OpenAPI document as one HTML page without scripts.
func docsPage(doc *huma.OpenAPI, order []*huma.Operation) (*reply, error) {
	page, err := template.New("docs").Parse(docsTemplate)
	if err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	view := docsView{Info: doc.Info}
	for _, tag := range doc.Tags {
		g := docsGroup{Tag: tag}
		for _, op := range order {
			if slices.Contains(op.Tags, tag.Name) {
				g.Operations = append(g.Operations, viewOperation(op))
			}
		}
		view.Groups = append(view.Groups, g)
	}
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		view.Schemas = append(view.Schemas, viewSchema(name, schemas[name]))
	}
	for _, k := range kinds() {
		view.Problems = append(view.Problems, docsProblem{string(k.code), k.status, k.title, k.detail})
	}
	var buf bytes.Buffer
	if err := page.Execute(&buf, view); err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	return &reply{
		Status: http.StatusOK, ContentType: htmlType, CacheControl: "no-cache", Security: docsPolicy, Body: buf.Bytes(),
	}, nil
}

type docsView struct {
	Info     *huma.Info
	Groups   []docsGroup
	Schemas  []docsSchema
	Problems []docsProblem
}

type docsGroup struct {
	*huma.Tag
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Description string
	Parameters                             []docsField
	Body, Answers                          []docsContent
}

type docsContent struct {
	Status, Description, Type string
	Schema                    []docsType
	Example                   string
}

type docsSchema struct {
	Name, Description string
	Fields            []docsField
}

type docsField struct {
	Name, In, Description string
	Types                 []docsType
	Required              bool
	Limits                string
}

// docsType is a word about a type; a Ref is the name of a schema.
type docsType struct{ Text, Ref string }

type docsProblem struct {
	Code          string
	Status        int
	Title, Detail string
}

func viewOperation(op *huma.Operation) docsOperation {
	v := docsOperation{
		ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: op.Description,
	}
	for _, p := range op.Parameters {
		v.Parameters = append(v.Parameters, docsField{
			Name: p.Name, In: p.In, Description: p.Description, Required: p.Required,
			Types: viewType(p.Schema), Limits: limits(p.Schema),
		})
	}
	if op.RequestBody != nil {
		v.Body = viewContent("", "", op.RequestBody.Content)
	}
	for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[code]
		if len(r.Content) == 0 {
			v.Answers = append(v.Answers, docsContent{Status: code, Description: r.Description})
			continue
		}
		v.Answers = append(v.Answers, viewContent(code, r.Description, r.Content)...)
	}
	return v
}

func viewContent(code, description string, content map[string]*huma.MediaType) []docsContent {
	var list []docsContent
	for _, name := range slices.Sorted(maps.Keys(content)) {
		c := docsContent{Status: code, Description: description, Type: name, Schema: viewType(content[name].Schema)}
		switch example := content[name].Example.(type) {
		case nil:
		case string:
			c.Example = example
		default:
			if text, err := json.MarshalIndent(example, "", "  "); err == nil {
				c.Example = string(text)
			}
		}
		list = append(list, c)
	}
	return list
}

func viewSchema(name string, s *huma.Schema) docsSchema {
	v := docsSchema{Name: name, Description: s.Description}
	for _, property := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[property]
		v.Fields = append(v.Fields, docsField{
			Name: property, Description: p.Description, Types: viewType(p),
			Required: slices.Contains(s.Required, property), Limits: limits(p),
		})
	}
	return v
}

func viewType(s *huma.Schema) []docsType {
	if s == nil {
		return nil
	}
	alternatives := slices.Concat(s.OneOf, s.AnyOf)
	switch {
	case s.Ref != "":
		name := strings.TrimPrefix(s.Ref, schemaPrefix)
		return []docsType{{name, name}}
	case len(alternatives) > 0:
		var list []docsType
		for i, a := range alternatives {
			if i > 0 {
				list = append(list, docsType{Text: "or"})
			}
			list = append(list, viewType(a)...)
		}
		return list
	case s.Type == huma.TypeArray:
		return append([]docsType{{Text: "array of"}}, viewType(s.Items)...)
	}
	text := s.Type
	if text == "" {
		text = "any"
	}
	if s.Format != "" {
		text += " (" + s.Format + ")"
	}
	if s.Nullable {
		text += " or null"
	}
	return []docsType{{Text: text}}
}

// limits says in words what else a schema asks for.
func limits(s *huma.Schema) string {
	if s == nil {
		return ""
	}
	var list []string
	if len(s.Enum) > 0 {
		var values []string
		for _, v := range s.Enum {
			if v == nil {
				v = "null"
			}
			values = append(values, fmt.Sprint(v))
		}
		list = append(list, "one of "+strings.Join(values, ", "))
	}
	if s.Minimum != nil {
		list = append(list, fmt.Sprintf("at least %v", *s.Minimum))
	}
	if s.ExclusiveMinimum != nil {
		list = append(list, fmt.Sprintf("more than %v", *s.ExclusiveMinimum))
	}
	if s.Maximum != nil {
		list = append(list, fmt.Sprintf("at most %v", *s.Maximum))
	}
	if s.MaxLength != nil {
		list = append(list, fmt.Sprintf("at most %d characters", *s.MaxLength))
	}
	if s.Default != nil {
		list = append(list, fmt.Sprintf("%v by default", s.Default))
	}
	return strings.Join(list, "; ")
}
