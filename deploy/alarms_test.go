package deploy

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func alarmRules() []rule {
	return []rule{
		{"alarms", checkAlarms},
		{"watched", checkWatched},
		{"metric filters", checkMetricFilters},
		{"topic", checkTopic},
		{"dashboard", checkDashboard},
	}
}

// metric is one metric that an alarm looks at.
type metric struct {
	alarm     *resource
	namespace string
	name      string
	of        []string // values of the dimensions
	stat      string
}

// metrics are all that alarms look at, those of expressions too.
func (s *stack) metrics() []metric {
	var list []metric
	values := func(dimensions any) []string {
		var out []string
		for _, d := range items(dimensions) {
			out = append(out, text(get(d, "Value")))
		}
		return out
	}
	for _, a := range s.of("AWS::CloudWatch::Alarm") {
		if a.get("MetricName") != nil {
			list = append(list, metric{a, text(a.get("Namespace")), text(a.get("MetricName")), values(a.get("Dimensions")), text(a.get("Statistic"))})
		}
		var formula string
		for _, q := range items(a.get("Metrics")) {
			if r := get(q, "ReturnData"); r == nil || isTrue(r) {
				formula = text(get(q, "Expression"))
			}
		}
		for _, q := range items(a.get("Metrics")) {
			m := get(q, "MetricStat", "Metric")
			if m == nil || !strings.Contains(formula, "FILL("+text(get(q, "Id"))+", 0)") || strings.ContainsAny(formula, "-*/<>") {
				continue
			}
			list = append(list, metric{a, text(get(m, "Namespace")), text(get(m, "MetricName")), values(get(m, "Dimensions")), text(get(q, "MetricStat", "Stat"))})
		}
	}
	return list
}

var runbookSection = regexp.MustCompile(`docs/operations\.md, "([^"]+)"`)

// TestRunbook looks up the sections that alarms name.
func TestRunbook(t *testing.T) {
	t.Parallel()
	runbook, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range evaluate(loadTemplate(t), map[string]string{"DirectIntake": "true"}).of("AWS::CloudWatch::Alarm") {
		named := runbookSection.FindStringSubmatch(text(a.get("AlarmDescription")))
		if named == nil || !strings.Contains(string(runbook), "\n### "+named[1]+"\n") {
			t.Errorf("%s: docs/operations.md has no section %q", a.name, named)
		}
	}
}

// checkAlarms: every alarm reaches a person and says where to read on.
func checkAlarms(s *stack, p *problems) {
	topics := s.of("AWS::SNS::Topic")
	for _, a := range s.of("AWS::CloudWatch::Alarm") {
		if len(topics) != 1 || !slices.Contains(texts(a.get("AlarmActions")), topics[0].ref()) {
			p.add(a, "tells nobody")
		}
		if a.get("MetricName") != nil {
			checkMetric(a, a.props, a.get("Period"), p)
		}
		for _, q := range items(a.get("Metrics")) {
			if stat := get(q, "MetricStat"); stat != nil {
				checkMetric(a, get(stat, "Metric"), get(stat, "Period"), p)
			}
		}
		if e := a.get("ActionsEnabled"); e != nil && !isTrue(e) {
			p.add(a, "tells nobody")
		}
		if !runbookSection.MatchString(text(a.get("AlarmDescription"))) {
			p.add(a, "must name a section of docs/operations.md")
		}
	}
}

// checkMetric: a metric has only the dimensions that AWS gives it, and is looked
// at often: otherwise the alarm never goes off, or a day late.
func checkMetric(a *resource, m, period any, p *problems) {
	names := map[string][]string{"AWS/SQS": {"QueueName"}, "AWS/Lambda": {"FunctionName"}, "AWS/ApiGateway": {"ApiId"}}
	if text(get(m, "MetricName")) == "5XXError" {
		names["AWS/ApiGateway"] = []string{"ApiName"}
	}
	var found []string
	for _, d := range items(get(m, "Dimensions")) {
		found = append(found, text(get(d, "Name")))
	}
	if want := names[text(get(m, "Namespace"))]; !slices.Equal(found, want) {
		p.add(a, "dimensions %q, must be %q", found, want)
	}
	if n := number(period, 0); n < 60 || n > 3600 {
		p.add(a, "period %v s: must be 60 to 3600", n)
	}
}

// above reports whether an alarm of that metric goes off when it is above some
// limit, at most most.
func (s *stack) above(namespace, name, of, stat string, most float64) bool {
	return slices.ContainsFunc(s.watched, func(m metric) bool {
		if m.namespace != namespace || m.name != name || m.stat != stat || of != "" && !slices.Equal(m.of, []string{of}) {
			return false
		}
		limit := number(m.alarm.get("Threshold"), most+1)
		switch text(m.alarm.get("ComparisonOperator")) {
		case "GreaterThanThreshold":
		case "GreaterThanOrEqualToThreshold":
			limit--
		default:
			return false
		}
		return limit <= most && limit >= 0 && number(m.alarm.get("EvaluationPeriods"), 99) <= 3 && text(m.alarm.get("TreatMissingData")) != "breaching"
	})
}

// checkWatched: an alarm for each thing that can need a person. failure 26
func checkWatched(s *stack, p *problems) {
	for _, m := range s.sources() {
		queue := s.at(m.get("EventSourceArn"))
		if queue == nil {
			continue
		}
		quarter := number(queue.get("MessageRetentionPeriod"), 345600) / 4
		if !s.above("AWS/SQS", "ApproximateAgeOfOldestMessage", "${"+queue.name+".QueueName}", "Maximum", quarter) {
			p.add(queue, "no alarm before its messages have spent a quarter of their time")
		}
		dead := s.at(queue.get("RedrivePolicy", "deadLetterTargetArn"))
		if dead != nil && !s.above("AWS/SQS", "ApproximateNumberOfMessagesVisible", "${"+dead.name+".QueueName}", "Maximum", 0) {
			p.add(dead, "no alarm for dead letters")
		}
	}
	for _, f := range s.functions() {
		for _, name := range []string{"Errors", "Throttles"} {
			if !s.above("AWS/Lambda", name, f.ref(), "Sum", 0) {
				p.add(f, "no alarm for its %s", name)
			}
		}
		silent := slices.ContainsFunc(s.watched, func(m metric) bool {
			return m.name == "Invocations" && slices.Equal(m.of, []string{f.ref()}) && m.stat == "Sum" &&
				text(m.alarm.get("ComparisonOperator")) == "LessThanThreshold" && number(m.alarm.get("Threshold"), 0) >= 1 &&
				text(m.alarm.get("TreatMissingData")) == "breaching"
		})
		if s.part(f) == "maintenance" && !silent {
			p.add(f, "no alarm when it does not run")
		}
	}
	for _, api := range s.of("AWS::ApiGatewayV2::Api") {
		if !s.above("AWS/ApiGateway", "5xx", api.ref(), "Sum", 0) {
			p.add(api, "no alarm for 5xx")
		}
	}
	for _, api := range s.of("AWS::ApiGateway::RestApi") {
		if !s.above("AWS/ApiGateway", "5XXError", text(api.get("Name")), "Sum", 0) {
			p.add(api, "no alarm for 5xx")
		}
	}
	const own = "loanscorer/${AWS::StackName}"
	if !s.above(own, "OldestUnfinishedSeconds", "", "Maximum", 86400) {
		p.whole("no alarm for files that are not finished")
	}
	if !s.above(own, "ErrorLines", "", "Sum", 0) {
		p.whole("no alarm for error lines in the log")
	}
}

// checkMetricFilters: the metrics made of log lines are those that alarms read.
func checkMetricFilters(s *stack, p *problems) {
	makes := func(group *resource, pattern, name, value string) bool {
		return slices.ContainsFunc(s.of("AWS::Logs::MetricFilter"), func(f *resource) bool {
			made := items(f.get("MetricTransformations"))
			return s.at(f.get("LogGroupName")) == group && group != nil && text(f.get("FilterPattern")) == pattern && len(made) == 1 &&
				text(get(made[0], "MetricNamespace")) == "loanscorer/${AWS::StackName}" &&
				text(get(made[0], "MetricName")) == name && text(get(made[0], "MetricValue")) == value
		})
	}
	for _, f := range s.functions() {
		group := s.at(f.get("LoggingConfig", "LogGroup"))
		if !makes(group, `{ $.level = "ERROR" }`, "ErrorLines", "1") {
			p.add(f, "its error lines are not counted")
		}
		if s.part(f) == "maintenance" && !makes(group, "{ $.oldest_unfinished_seconds = * }", "OldestUnfinishedSeconds", "$.oldest_unfinished_seconds") {
			p.add(f, "what it says of unfinished files is not measured")
		}
	}
}

// checkTopic: encrypted, TLS only, and CloudWatch may publish.
func checkTopic(s *stack, p *problems) {
	for _, topic := range s.of("AWS::SNS::Topic") {
		if !s.isKey(text(topic.get("KmsMasterKeyId"))) {
			p.add(topic, "must be encrypted with the stack's key: CloudWatch may not use AWS's own")
		}
		if !s.deniesPlain("AWS::SNS::TopicPolicy", "Topics", topic.ref(), []string{topic.ref()}, "sns:Publish") {
			p.add(topic, "no policy refuses requests without TLS")
		}
		allowed := false
		for _, st := range s.resourcePolicy("AWS::SNS::TopicPolicy", "Topics", topic.ref()) {
			allowed = allowed || st.allowsService("cloudwatch.amazonaws.com", "sns:Publish", topic.ref())
		}
		if !allowed {
			p.add(topic, "alarms may not publish to it")
		}
		subscribed := len(s.of("AWS::SNS::Subscription")) > 0
		if subscribed != (s.params["AlarmEmail"] != "") {
			p.add(topic, "must be sent to AlarmEmail, if it is given")
		}
	}
}

// checkDashboard: it can be read, and shows every queue and function.
func checkDashboard(s *stack, p *problems) {
	all := s.of("AWS::CloudWatch::Dashboard")
	if len(all) != 1 {
		p.whole("%d dashboards, must be 1", len(all))
		return
	}
	body := text(all[0].get("DashboardBody"))
	if !json.Valid([]byte(body)) {
		p.add(all[0], "its body is not JSON")
	}
	for _, r := range slices.Concat(s.of("AWS::SQS::Queue"), s.functions(), s.of("AWS::ApiGatewayV2::Api")) {
		if !strings.Contains(body, r.ref()) && !strings.Contains(body, "${"+r.name+".QueueName}") {
			p.add(all[0], "does not show %s", r.name)
		}
	}
}
