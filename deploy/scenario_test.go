package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// rule looks at one stack and says what is wrong with it.
type rule struct {
	name  string
	check func(*stack, *problems)
}

// problems gathers what is wrong.
type problems struct {
	rule string
	list []string
}

func (p *problems) add(r *resource, format string, args ...any) {
	p.list = append(p.list, fmt.Sprintf("%s: %s: %s", p.rule, r.name, fmt.Sprintf(format, args...)))
}

func (p *problems) whole(format string, args ...any) {
	p.list = append(p.list, p.rule+": "+fmt.Sprintf(format, args...))
}

// rules are all that must hold for every stack that the template can become.
func rules() []rule {
	return slices.Concat(
		structureRules(), queueRules(), storageRules(), accessRules(), keyRules(),
		functionRules(), httpRules(), alarmRules(),
	)
}

// scenarios are the settings under which the template is looked at: the
// defaults, every other value of every parameter alone, and everything on.
func scenarios(template doc) []map[string]string {
	given := map[string]string{
		"JwtIssuer": "https://issuer.example", "DomainName": "loans.example.com", "AlarmEmail": "on-call@example.com",
		"CertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/1",
		"Model":          strings.Repeat("0a", 32), "Reasons": "none",
	}
	list := []map[string]string{nil}
	everything := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(asDoc(template["Parameters"]))) {
		p := get(template, "Parameters", name)
		values := texts(get(p, "AllowedValues"))
		for _, bound := range []string{"MinValue", "MaxValue"} {
			if v := get(p, bound); v != nil {
				values = append(values, text(v))
			}
		}
		if v, ok := given[name]; ok {
			values = append(values, v)
		}
		for _, v := range values {
			if v != text(get(p, "Default")) {
				list = append(list, map[string]string{name: v})
				if v == "true" || given[name] == v {
					everything[name] = v
				}
			}
		}
	}
	list = append(list, everything)
	withS3 := maps.Clone(everything)
	withS3["DataEncryption"] = "S3"
	return append(list, withS3)
}

// check applies every rule to every scenario of a template.
func check(template doc) []string {
	found := map[string]bool{}
	for _, changed := range scenarios(template) {
		s := evaluate(template, changed)
		for _, r := range rules() {
			p := &problems{rule: r.name}
			r.check(s, p)
			for _, problem := range p.list {
				found[problem] = true
			}
		}
	}
	p := &problems{rule: "template"}
	checkTemplate(template, p)
	for _, problem := range p.list {
		found[problem] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// TestTemplate applies the rules to the template as it is.
// failures 25, 26, 35, 67, 77
func TestTemplate(t *testing.T) {
	t.Parallel()
	for _, problem := range check(loadTemplate(t)) {
		t.Error(problem)
	}
}
