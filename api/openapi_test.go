package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

const goldenOpenAPI = "../docs/openapi.json"

func openapi(t *testing.T) []byte {
	t.Helper()
	w := newWorld(t, func(o *Options) { o.Version = "dev" })
	out := w.do(t, http.MethodGet, "/openapi.json", "")
	if out.Code != http.StatusOK || out.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", out.Code, out.Header())
	}
	return out.Body.Bytes()
}

// go test ./api -run TestOpenAPIGolden -update writes the file anew.
func TestOpenAPIGolden(t *testing.T) {
	t.Parallel()
	got := openapi(t)
	if *update {
		if err := os.WriteFile(goldenOpenAPI, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenOpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/openapi.json is out of date (run with -update): %s", diff)
	}
}

func TestOpenAPIStructure(t *testing.T) {
	t.Parallel()
	var doc map[string]any
	if err := json.Unmarshal(openapi(t), &doc); err != nil {
		t.Fatal(err)
	}
	if doc["openapi"] != "3.1.0" {
		t.Errorf("openapi %v", doc["openapi"])
	}
	paths, _ := doc["paths"].(map[string]any)
	routes := map[string][]string{
		pathApplications: {"post"}, pathApplication: {"get", "head"}, pathBatches: {"get"}, pathValidate: {"post"}, pathBatch: {"get", "post"}, pathDecisions: {"get"},
		pathModel: {"get"}, pathPredictions: {"post"}, pathHealth: {"get"}, pathReady: {"get"},
		pathOpenAPIJSON: {"get"}, pathOpenAPIYAML: {"get"}, pathDocs: {"get"},
	}
	if len(paths) != len(routes) {
		t.Errorf("%d paths, want %d", len(paths), len(routes))
	}
	ids := map[any]bool{}
	for path, methods := range routes {
		item, _ := paths[path].(map[string]any)
		for _, method := range methods {
			op, ok := item[method].(map[string]any)
			if !ok {
				t.Errorf("%s %s is missing", method, path)
				continue
			}
			id := op["operationId"]
			if id == nil || ids[id] || op["summary"] == nil || op["tags"] == nil {
				t.Errorf("%s %s: operation id %v, summary %v", method, path, id, op["summary"])
			}
			ids[id] = true
			responses, _ := op["responses"].(map[string]any)
			if len(responses) == 0 {
				t.Errorf("%s %s has no responses", method, path)
			}
			for code, r := range responses {
				if r, _ := r.(map[string]any); r["description"] == nil || r["description"] == "" {
					t.Errorf("%s %s: %s has no description", method, path, code)
				}
			}
			body, _ := op["requestBody"].(map[string]any)
			if method == "post" && path != pathBatch && (body == nil || body["required"] != true) {
				t.Errorf("%s %s has no body", method, path)
			}
			for _, name := range regexp.MustCompile(`{(\w+)}`).FindAllStringSubmatch(path, -1) {
				text, err := json.Marshal(op["parameters"])
				if err != nil || !bytes.Contains(text, []byte(`"name":"`+name[1]+`"`)) {
					t.Errorf("%s %s: parameter %s is missing", method, path, name[1])
				}
			}
		}
	}
	checkSchemas(t, doc)
}

// checkSchemas resolves every reference, looks for empty and unused schemas,
// and checks every type word.
func checkSchemas(t *testing.T, doc map[string]any) {
	t.Helper()
	components, _ := doc["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	used := map[string]bool{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				name, local := strings.CutPrefix(ref, schemaPrefix)
				if _, found := schemas[name]; !local || !found {
					t.Errorf("%s: reference %q", at, ref)
				}
				used[name] = true
			}
			if kind, ok := v["type"].(string); ok && !strings.Contains("null boolean integer number string array object", kind) {
				t.Errorf("%s: type %q", at, kind)
			}
			for name, child := range v {
				walk(at+"/"+name, child)
			}
		case []any:
			for _, child := range v {
				walk(at, child)
			}
		}
	}
	walk("", doc["paths"])
	walk("", schemas)
	for name := range schemas {
		if !used[name] {
			t.Errorf("schema %s is not used", name)
		}
	}
	for _, name := range []string{"Application", "ApplicationStatus", "Accepted", "Submissions", "Problem", "BatchStatus", "ModelCard", "PredictionInput"} {
		if schemas[name] == nil {
			t.Errorf("schema %s is missing", name)
		}
	}
}

func TestOpenAPIYAML(t *testing.T) {
	t.Parallel()
	out := newWorld(t).do(t, http.MethodGet, "/openapi.yaml", "")
	if out.Code != http.StatusOK || !strings.Contains(out.Body.String(), "openapi: 3.1.0") {
		t.Errorf("%d %.200s", out.Code, out.Body)
	}
}

// The page shows every route and loads nothing from anywhere.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	out := newWorld(t).do(t, http.MethodGet, "/docs", "")
	page := out.Body.String()
	if out.Code != http.StatusOK || out.Header().Get("Content-Type") != htmlType || len(page) > 100<<10 {
		t.Fatalf("%d %v, %d bytes", out.Code, out.Header(), len(page))
	}
	if !strings.Contains(out.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("headers %v", out.Header())
	}
	for _, never := range []string{"<script", "<link", "<img", "src=", "http://", "https://", "url(", "@import", "ZgotmplZ"} {
		if strings.Contains(page, never) {
			t.Errorf("the page holds %q", never)
		}
	}
	targets := map[string]bool{}
	for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if targets[id[1]] {
			t.Errorf("id %s twice", id[1])
		}
		targets[id[1]] = true
	}
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !targets[link[1]] {
			t.Errorf("link to #%s leads nowhere", link[1])
		}
	}
	for _, path := range []string{pathApplications, pathApplication, pathBatches, pathBatch, pathModel, pathPredictions, pathReady} {
		if !strings.Contains(page, "<code>"+path+"</code>") {
			t.Errorf("%s is missing", path)
		}
	}
}
