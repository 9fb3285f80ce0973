package deploy

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func functionRules() []rule {
	return []rule{
		{"functions", checkFunctions},
		{"parts", checkParts},
		{"environment", checkEnvironment},
		{"schedule", checkSchedule},
	}
}

func (s *stack) functions() []*resource { return s.of("AWS::Lambda::Function") }

// part is what a function does: api, maintenance, or the worker of the
// applications or of the bulk queue.
func (s *stack) part(f *resource) string {
	role := text(f.get("Environment", "Variables", "LOANSCORER_ROLE"))
	if role != "worker" {
		return role
	}
	for _, m := range s.sources() {
		queue := s.at(m.get("EventSourceArn"))
		if s.at(m.get("FunctionName")) != f || queue == nil {
			continue
		}
		switch queue.ref() {
		case text(f.get("Environment", "Variables", "LOANSCORER_APPLICATIONS_QUEUE")):
			return "applications"
		case text(f.get("Environment", "Variables", "LOANSCORER_BULK_QUEUE")):
			return "bulk"
		}
	}
	return "worker of nothing"
}

// logsOf is the ARN of a function's log group.
func (s *stack) logsOf(f *resource) any {
	if group := s.at(f.get("LoggingConfig", "LogGroup")); group != nil {
		return group.arn()
	}
	return nil
}

// checkFunctions: limits, and a log group of its own in this stack.
func checkFunctions(s *stack, p *problems) {
	logs := map[string]string{}
	for _, f := range s.functions() {
		timeout, memory := number(f.get("Timeout"), 3), number(f.get("MemorySize"), 128)
		if timeout < 10 || timeout > 900 || s.part(f) == "api" && timeout > 30 {
			p.add(f, "may run for %v s: 10 to 900, and 30 behind an HTTP API", timeout)
		}
		if memory < 256 {
			p.add(f, "has %v MB: needs 256", memory)
		}
		if runtime := text(f.get("Runtime")); text(f.get("PackageType")) != "Image" &&
			(runtime != "provided.al2023" || text(f.get("Handler")) != "bootstrap") {
			p.add(f, "must be bootstrap on provided.al2023")
		}
		if got := texts(f.get("Architectures")); !slices.Equal(got, []string{s.params["Architecture"]}) {
			p.add(f, "runs on %v, the parameter says %s", got, s.params["Architecture"])
		}
		group := s.at(f.get("LoggingConfig", "LogGroup"))
		if group == nil || group.kind != "AWS::Logs::LogGroup" {
			p.add(f, "must log to a log group of this stack, or its logs stay for ever")
			continue
		}
		if format := text(f.get("LoggingConfig", "LogFormat")); format != "JSON" {
			p.add(f, "must log as JSON, which metric filters read")
		}
		if other, ok := logs[group.name]; ok {
			p.add(group, "is shared by %s and %s", other, f.name)
		}
		logs[group.name] = f.name
	}
}

// checkParts: one function for each part of the work.
func checkParts(s *stack, p *problems) {
	count := map[string]int{}
	for _, f := range s.functions() {
		count[s.part(f)]++
	}
	for _, part := range []string{"api", "applications", "bulk", "maintenance"} {
		if count[part] != 1 {
			p.whole("%d functions for %s, must be 1", count[part], part)
		}
		delete(count, part)
	}
	for part := range count {
		p.whole("a function is a %q", part)
	}
}

// checkEnvironment: every function is told where everything is, the same
// things, and the secret is never written out.
func checkEnvironment(s *stack, p *problems) {
	b := s.bucket()
	for _, f := range s.functions() {
		env := asDoc(f.get("Environment", "Variables"))
		if text(env["LOANSCORER_BUCKET"]) != b.ref() {
			p.add(f, "LOANSCORER_BUCKET is %v", env["LOANSCORER_BUCKET"])
		}
		for _, name := range []string{"LOANSCORER_APPLICATIONS_QUEUE", "LOANSCORER_BULK_QUEUE"} {
			if queue := s.at(env[name]); queue == nil || queue.kind != "AWS::SQS::Queue" || text(env[name]) != queue.ref() {
				p.add(f, "%s is %v, must be the URL of a queue", name, env[name])
			}
		}
		if env["LOANSCORER_ANONYMOUS"] != nil {
			p.add(f, "would serve callers that the gateway has not authenticated")
		}
		secrets := s.of("AWS::SecretsManager::Secret")
		if len(secrets) != 1 || text(env["LOANSCORER_ID_SECRET"]) != "{{resolve:secretsmanager:"+secrets[0].ref()+":SecretString}}" {
			p.add(f, "LOANSCORER_ID_SECRET must be the stack's secret, resolved when it is deployed")
		}
		if lease := text(env["LOANSCORER_LEASE"]); s.part(f) == "applications" {
			d, err := time.ParseDuration(lease)
			if err != nil || d.Seconds() < number(f.get("Timeout"), 3) || d.Seconds() >= s.visibility(f) {
				p.add(f, "LOANSCORER_LEASE %q: must be at least the timeout and less than the visibility", lease)
			}
		}
		if text(env["LOANSCORER_MODEL"]) != s.params["Model"] || text(env["LOANSCORER_DIRECT_INTAKE"]) != s.params["DirectIntake"] {
			p.add(f, "LOANSCORER_MODEL and LOANSCORER_DIRECT_INTAKE must be those of the parameters")
		}
		if text(env["LOANSCORER_REASONS"]) != s.params["Reasons"] || text(env["LOANSCORER_SHADOW"]) != s.params["Shadow"] {
			p.add(f, "LOANSCORER_REASONS and LOANSCORER_SHADOW must be those of the parameters")
		}
		if d, err := time.ParseDuration(text(env["LOANSCORER_RETENTION"])); err != nil || d != 14*24*time.Hour {
			p.add(f, "LOANSCORER_RETENTION %v: must be that of the dead-letter queues, 336h", env["LOANSCORER_RETENTION"])
		}
	}
}

// visibility of the queue that a function reads, in seconds.
func (s *stack) visibility(f *resource) float64 {
	for _, m := range s.sources() {
		if s.at(m.get("FunctionName")) == f {
			if queue := s.at(m.get("EventSourceArn")); queue != nil {
				return number(queue.get("VisibilityTimeout"), 30)
			}
		}
	}
	return 0
}

// checkSchedule: every task of maintenance runs often enough.
func checkSchedule(s *stack, p *problems) {
	for _, f := range s.functions() {
		if s.part(f) != "maintenance" {
			continue
		}
		for task, most := range map[string]float64{"sweep": 15, "compact": 24 * 60, "orphans": 24 * 60} {
			if every := s.every(f, task); every == 0 || every > most {
				p.add(f, "must run its task %q at least every %v minutes", task, most)
			}
		}
	}
}

// every is after how many minutes at most a task of a function is run again, 0
// if it never is. A rule without input runs all tasks.
func (s *stack) every(f *resource, task string) float64 {
	least := 0.0
	for _, r := range s.of("AWS::Events::Rule") {
		minutes := rate(text(r.get("ScheduleExpression")))
		allowed := slices.ContainsFunc(s.of("AWS::Lambda::Permission"), func(l *resource) bool {
			return s.at(l.get("FunctionName")) == f && text(l.get("Principal")) == "events.amazonaws.com" && text(l.get("SourceArn")) == r.arn()
		})
		calls := slices.ContainsFunc(items(r.get("Targets")), func(t any) bool {
			input := text(get(t, "Input"))
			return text(get(t, "Arn")) == f.arn() && (input == "" || input == `{"task":"`+task+`"}`)
		})
		if allowed && calls && minutes > 0 && text(r.get("State")) != "DISABLED" && (least == 0 || minutes < least) {
			least = minutes
		}
	}
	return least
}

// rate is the minutes of a rate expression, 0 for any other.
func rate(expression string) float64 {
	inner, ok := strings.CutPrefix(expression, "rate(")
	words := strings.Fields(strings.TrimSuffix(inner, ")"))
	if !ok || len(words) != 2 {
		return 0
	}
	n, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		return 0
	}
	return n * map[string]float64{"minute": 1, "hour": 60, "day": 24 * 60}[strings.TrimSuffix(words[1], "s")]
}
