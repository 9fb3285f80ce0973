package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

func structureRules() []rule {
	return []rule{
		{"references", checkReferences},
		{"circles", checkCircles},
		{"kept", checkKept},
		{"outputs", checkOutputs},
	}
}

// TestTranslationIsFresh says when template.yaml was changed but not translated.
func TestTranslationIsFresh(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(source)
	if got := text(get(loadTemplate(t), "Metadata", "SourceSHA256")); got != hex.EncodeToString(sum[:]) {
		t.Errorf("%s is not that of template.yaml: run 'make deploy-check'", translatedFile)
	}
}

// checkTemplate looks at what does not depend on parameters.
func checkTemplate(template doc, p *problems) {
	parameters := asDoc(template["Parameters"])
	if len(parameters) > 20 {
		p.whole("%d parameters: at most 20", len(parameters))
	}
	for name, raw := range parameters {
		if text(get(raw, "Description")) == "" || get(raw, "Default") == nil {
			p.whole("parameter %s: needs a description and a default", name)
		}
	}
	if hasNull(template) {
		p.whole("null: CloudFormation refuses it")
	}
	for name, raw := range asDoc(template["Resources"]) {
		if c := text(get(raw, "Condition")); c != "" && get(template, "Conditions", c) == nil {
			p.whole("%s: no condition %q", name, c)
		}
	}
	if pinned := deploymentName(template); pinned != "" {
		p.whole("the deployment of the direct intake must be called %s, so that its changes are deployed", pinned)
	}
}

func hasNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(v, hasNull)
	case doc:
		for _, item := range v {
			if hasNull(item) {
				return true
			}
		}
	}
	return false
}

// references are the names that v refers to.
func references(v any) []string {
	var names []string
	switch v := v.(type) {
	case string:
		if !strings.Contains(v, "${") {
			return nil
		}
		for _, found := range placeholder.FindAllString(v, -1) {
			name, _, _ := strings.Cut(found[2:len(found)-1], ".")
			names = append(names, name)
		}
	case []any:
		for _, item := range v {
			names = append(names, references(item)...)
		}
	case doc:
		for _, item := range v {
			names = append(names, references(item)...)
		}
	}
	return names
}

// isOurs tells names of the stack from pseudo parameters, literals of Fn::Sub
// and the variables of mapping templates.
func isOurs(name string) bool {
	return !strings.HasPrefix(name, "AWS::") && !strings.HasPrefix(name, "!") && name != "q"
}

// checkReferences: everything that is referred to is there, in every scenario.
func checkReferences(s *stack, p *problems) {
	for _, name := range slices.Sorted(maps.Keys(s.resources)) {
		r := s.resources[name]
		for _, to := range slices.Concat(references(r.props), texts(r.raw["DependsOn"])) {
			if isOurs(to) && s.resources[to] == nil {
				p.add(r, "refers to %s, which is not there", to)
			}
		}
	}
	for name, output := range s.outputs {
		if strings.Contains(text(get(output, "Value")), "{{resolve:") {
			p.whole("output %s shows a secret", name)
		}
		for _, to := range references(output) {
			if isOurs(to) && s.resources[to] == nil {
				p.whole("output %s refers to %s, which is not there", name, to)
			}
		}
	}
}

// checkCircles: no resource waits for itself.
func checkCircles(s *stack, p *problems) {
	const (
		walking = 1
		done    = 2
	)
	state := map[string]int{}
	var walk func(name string, path []string)
	walk = func(name string, path []string) {
		r := s.resources[name]
		if r == nil || state[name] == done {
			return
		}
		if state[name] == walking {
			p.add(r, "waits for itself: %s", strings.Join(append(path, name), " -> "))
			return
		}
		state[name] = walking
		for _, to := range slices.Concat(references(r.props), texts(r.raw["DependsOn"])) {
			walk(to, append(path, name))
		}
		state[name] = done
	}
	for _, name := range slices.Sorted(maps.Keys(s.resources)) {
		walk(name, nil)
	}
}

// checkKept: what holds data, or is needed to read it, outlives the stack.
func checkKept(s *stack, p *problems) {
	for _, kind := range []string{
		"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::KMS::Key", "AWS::SecretsManager::Secret",
	} {
		if len(s.of(kind)) == 0 {
			p.whole("no %s", kind)
		}
		for _, r := range s.of(kind) {
			for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
				if text(r.raw[policy]) != "Retain" {
					p.add(r, "%s must be Retain", policy)
				}
			}
		}
	}
}

// checkOutputs: what a person needs after deploying.
func checkOutputs(s *stack, p *problems) {
	for _, name := range []string{
		"ApiUrl", "BucketName", "UploadCommand", "ApplicationsQueueUrl", "BulkQueueUrl", "DashboardUrl", "GlueDatabase",
		"ApplicationsDeadLettersArn", "BulkDeadLettersArn", "AlarmTopicArn", "DoctorCommand",
	} {
		if s.outputs[name] == nil {
			p.whole("no output %s", name)
		}
	}
}

// deploymentName returns the name that the deployment of the direct intake
// should have, or "" if it has it. A deployment is a picture of the API at the
// time it is made, so it is named after what it shows.
func deploymentName(template doc) string {
	const prefix = "DirectDeployment"
	shown := doc{}
	var name string
	for n, raw := range asDoc(template["Resources"]) {
		switch kind := text(get(raw, "Type")); kind {
		case "AWS::ApiGateway::Deployment":
			name = n
		case "AWS::ApiGateway::Stage", "AWS::ApiGateway::Account":
		default:
			if strings.HasPrefix(kind, "AWS::ApiGateway::") {
				shown[n] = raw
			}
		}
	}
	if len(shown) == 0 {
		return ""
	}
	data, err := json.Marshal(shown)
	if err != nil {
		return err.Error()
	}
	sum := sha256.Sum256(data)
	if want := prefix + hex.EncodeToString(sum[:4]); name != want {
		return want
	}
	return ""
}
