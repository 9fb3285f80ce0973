package deploy

import (
	"regexp"
	"slices"
	"strings"
)

func httpRules() []rule {
	return []rule{
		{"callers", checkCallers},
		{"stages", checkStages},
		{"integration", checkIntegration},
		{"direct intake", checkDirectIntake},
	}
}

// checkCallers: every way in asks who is calling. failure 63
func checkCallers(s *stack, p *problems) {
	for _, r := range s.of("AWS::ApiGatewayV2::Route") {
		switch text(r.get("AuthorizationType")) {
		case "AWS_IAM":
		case "JWT":
			a := s.at(r.get("AuthorizerId"))
			if a == nil || text(a.get("AuthorizerType")) != "JWT" || text(a.get("JwtConfiguration", "Issuer")) == "" ||
				len(texts(a.get("JwtConfiguration", "Audience"))) == 0 || text(a.get("ApiId")) != text(r.get("ApiId")) {
				p.add(r, "its authorizer must check issuer and audience")
			}
		default:
			p.add(r, "is open to everybody")
		}
		if jwt := s.params["JwtIssuer"] != ""; jwt != (text(r.get("AuthorizationType")) == "JWT") {
			p.add(r, "must ask for a token if, and only if, there is an issuer")
		}
	}
	for _, r := range s.of("AWS::ApiGateway::Method") {
		if text(r.get("AuthorizationType")) != "AWS_IAM" {
			p.add(r, "is open to everybody")
		}
	}
	for _, r := range s.of("AWS::ApiGatewayV2::Api") {
		for _, name := range []string{"Target", "RouteKey", "Body", "BodyS3Location"} {
			if r.get(name) != nil {
				p.add(r, "%s makes a route of its own, open to everybody", name)
			}
		}
		if r.get("CorsConfiguration") != nil {
			p.add(r, "lets web pages of others call it")
		}
		if isTrue(r.get("DisableExecuteApiEndpoint")) != (s.params["DomainName"] != "") {
			p.add(r, "must have one address: its own, or the domain")
		}
	}
	for _, r := range s.of("AWS::ApiGatewayV2::DomainName") {
		for _, c := range items(r.get("DomainNameConfigurations")) {
			if text(get(c, "SecurityPolicy")) != "TLS_1_2" {
				p.add(r, "must ask for TLS 1.2")
			}
		}
	}
}

// logged are the context variables that an access log may hold: none of them
// comes from an applicant. A path may name a Loan_ID.
func logged() []string {
	return []string{
		"requestTime", "requestId", "extendedRequestId", "httpMethod", "status", "responseLength", "responseLatency",
		"integrationStatus", "integrationLatency", "protocol", "apiId", "stage", "routeKey", "authorizer.error",
	}
}

var contextVariable = regexp.MustCompile(`\$([A-Za-z]+)\.?([A-Za-z._]*)`)

// checkStages: throttled, and logged without applicant data.
func checkStages(s *stack, p *problems) {
	for _, r := range s.of("AWS::ApiGatewayV2::Stage") {
		checkThrottle(r, r.get("DefaultRouteSettings"), p)
		checkAccessLog(s, r, r.get("AccessLogSettings"), p)
		if !isTrue(r.get("AutoDeploy")) || isTrue(r.get("DefaultRouteSettings", "DataTraceEnabled")) {
			p.add(r, "must deploy by itself, and trace no data")
		}
		if r.get("RouteSettings") != nil {
			p.add(r, "routes with settings of their own escape the limit")
		}
	}
	for _, r := range s.of("AWS::ApiGateway::Stage") {
		settings := items(r.get("MethodSettings"))
		if len(settings) != 1 || text(get(settings[0], "HttpMethod")) != "*" || text(get(settings[0], "ResourcePath")) != "/*" {
			p.add(r, "must have one setting for all methods")
			continue
		}
		checkThrottle(r, settings[0], p)
		checkAccessLog(s, r, r.get("AccessLogSetting"), p)
		if level := text(get(settings[0], "LoggingLevel")); isTrue(get(settings[0], "DataTraceEnabled")) || level != "" && level != "OFF" {
			p.add(r, "its execution log would hold whole applications")
		}
	}
}

func checkThrottle(r *resource, settings any, p *problems) {
	for _, name := range []string{"ThrottlingRateLimit", "ThrottlingBurstLimit"} {
		if n := number(get(settings, name), 0); n < 1 || n > 10000 {
			p.add(r, "%s %v: must be 1 to 10000", name, n) // failure 77
		}
	}
}

func checkAccessLog(s *stack, r *resource, log any, p *problems) {
	group := s.at(get(log, "DestinationArn"))
	if group == nil || group.kind != "AWS::Logs::LogGroup" {
		p.add(r, "must log requests to a log group of this stack")
		return
	}
	format := text(get(log, "Format"))
	found := contextVariable.FindAllStringSubmatch(format, -1)
	for _, variable := range found {
		if variable[1] != "context" || !slices.Contains(logged(), variable[2]) {
			p.add(r, "logs %s, which may come from an applicant", variable[0])
		}
	}
	if !strings.Contains(format, "$context.requestId") || len(found) != strings.Count(format, "$") {
		p.add(r, "must log the request's id, and nothing that is not understood")
	}
}

// checkIntegration: every route of the HTTP API ends in the api function.
func checkIntegration(s *stack, p *problems) {
	for _, api := range s.of("AWS::ApiGatewayV2::Api") {
		routes := 0
		for _, r := range s.of("AWS::ApiGatewayV2::Route") {
			if s.at(r.get("ApiId")) != api {
				continue
			}
			routes++
			to := s.at(strings.TrimPrefix(text(r.get("Target")), "integrations/"))
			if to == nil || text(to.get("IntegrationType")) != "AWS_PROXY" || text(to.get("PayloadFormatVersion")) != "2.0" {
				p.add(r, "must lead to a function, with payload format 2.0")
				continue
			}
			f := s.at(to.get("IntegrationUri"))
			if f == nil || s.part(f) != "api" || !slices.ContainsFunc(s.of("AWS::Lambda::Permission"), func(l *resource) bool {
				return s.at(l.get("FunctionName")) == f && text(l.get("Principal")) == "apigateway.amazonaws.com" &&
					strings.HasPrefix(text(l.get("SourceArn")), "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:"+api.ref()+"/")
			}) {
				p.add(r, "must lead to the api function, and may call it")
			}
		}
		if routes == 0 {
			p.add(api, "has no route")
		}
	}
}
