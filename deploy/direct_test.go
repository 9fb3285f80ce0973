package deploy

import (
	"slices"
	"strings"
)

// checkDirectIntake: what goes straight into the queue is checked, is nothing
// but JSON, and goes to the applications queue.
func checkDirectIntake(s *stack, p *problems) {
	methods := s.of("AWS::ApiGateway::Method")
	if on := s.params["DirectIntake"] == "true"; on != (len(methods) > 0) {
		p.whole("%d methods with DirectIntake %s", len(methods), s.params["DirectIntake"])
	}
	for _, m := range methods {
		v := s.at(m.get("RequestValidatorId"))
		if v == nil || !isTrue(v.get("ValidateRequestBody")) {
			p.add(m, "must check bodies")
		}
		models := asDoc(m.get("RequestModels"))
		if model := s.at(models["application/json"]); len(models) != 1 || model == nil || model.kind != "AWS::ApiGateway::Model" {
			p.add(m, "must check application/json against the schema")
		}
		if templates := asDoc(m.get("Integration", "RequestTemplates")); len(templates) != 1 || templates["application/json"] == nil ||
			text(m.get("Integration", "PassthroughBehavior")) != "NEVER" {
			p.add(m, "must refuse everything but application/json")
		}
		if header := text(m.get("Integration", "RequestParameters", "integration.request.header.Content-Type")); header !=
			"'application/x-www-form-urlencoded'" {
			p.add(m, "must send SQS a form, not %s", header)
		}
		checkDirectQueue(s, m, p)
		checkDirectAnswers(m, p)
	}
}

func checkDirectQueue(s *stack, m *resource, p *problems) {
	uri := text(m.get("Integration", "Uri"))
	const before = "arn:${AWS::Partition}:apigateway:${AWS::Region}:sqs:path/${AWS::AccountId}/"
	queue := s.at(strings.TrimPrefix(uri, before))
	if queue == nil || uri != before+"${"+queue.name+".QueueName}" || text(m.get("Integration", "Type")) != "AWS" {
		p.add(m, "%s is no queue of this stack", uri)
		return
	}
	for _, f := range s.functions() {
		if text(f.get("Environment", "Variables", "LOANSCORER_APPLICATIONS_QUEUE")) != queue.ref() {
			p.add(m, "sends to %s, which is not the applications queue", queue.name)
		}
	}
	role := s.at(m.get("Integration", "Credentials"))
	if !s.may(role, "sqs:SendMessage", queue.arn()) {
		p.add(m, "its role lacks sqs:SendMessage on %s", queue.name)
	}
	for _, st := range s.grants(role) {
		if slices.ContainsFunc(st.actions, func(a string) bool { return a != "sqs:SendMessage" && !strings.HasPrefix(a, "kms:") }) {
			p.add(m, "its role may do more than send: %v", st.actions)
		}
	}
}

// checkDirectAnswers: 202 only for what SQS took, and everything else is an
// error that says to try again.
func checkDirectAnswers(m *resource, p *problems) {
	accepted, otherwise := 0, 0
	for _, a := range items(m.get("Integration", "IntegrationResponses")) {
		code, pattern := text(get(a, "StatusCode")), text(get(a, "SelectionPattern"))
		switch {
		case pattern == "200" && code == "202":
			accepted++
		case pattern == "" && code == "503":
			otherwise++
		default:
			p.add(m, "answers %s for %q", code, pattern)
		}
		if get(a, "ResponseParameters", "method.response.header.Retry-After") == nil {
			p.add(m, "answers %s without Retry-After", code)
		}
	}
	if accepted != 1 || otherwise != 1 {
		p.add(m, "must answer 202 for 200 of SQS, and 503 for everything else")
	}
}
