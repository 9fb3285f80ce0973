package deploy

import (
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/internal/status"
)

// summaries are what the api writes of a batch, to cancel it.
const summaries = status.BatchesPrefix + "*/summary.json"

func accessRules() []rule {
	return []rule{
		{"public", checkPublic},
		{"roles", checkRoles},
		{"grants", checkGrants},
		{"needs", checkNeeds},
		{"least", checkLeast},
		{"loop", checkLoop},
		{"invoke", checkInvoke},
	}
}

// allowedActions are all that roles of this stack may ever be granted. No role
// deletes objects, empties queues, or changes what it works on.
func allowedActions() []string {
	return []string{
		"s3:ListBucket", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:AbortMultipartUpload",
		"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes",
		"kms:Decrypt", "kms:GenerateDataKey", "logs:CreateLogStream", "logs:PutLogEvents",
		"xray:PutTraceSegments", "xray:PutTelemetryRecords",
	}
}

// checkPublic: no policy of any kind gives anything to everybody, to another
// account, or to a service acting for a stranger.
func checkPublic(s *stack, p *problems) {
	for _, kind := range []string{
		"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::SecretsManager::ResourcePolicy",
		"AWS::KMS::Key", "AWS::Logs::ResourcePolicy",
	} {
		for _, r := range s.of(kind) {
			document := r.get("PolicyDocument")
			if kind == "AWS::KMS::Key" {
				document = r.get("KeyPolicy")
			}
			for _, st := range statements(document) {
				checkOutsiders(r, &st, p)
			}
		}
	}
	for _, kind := range []string{"AWS::Lambda::Url", "AWS::SQS::QueueInlinePolicy", "AWS::S3::AccessPoint"} {
		for _, r := range s.of(kind) {
			p.add(r, "is a way in that nothing here guards")
		}
	}
}

func checkOutsiders(r *resource, st *statement, p *problems) {
	if st.odd {
		p.add(r, "NotAction, NotResource and NotPrincipal allow more than one thinks")
	}
	if st.effect != "Allow" {
		return
	}
	if st.everybody() {
		p.add(r, "gives %v to everybody", st.actions)
	}
	for _, who := range texts(get(st.principal, "AWS")) {
		if r.kind != "AWS::KMS::Key" || who != "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" {
			p.add(r, "gives %v to %s", st.actions, who)
		}
	}
	if len(st.services()) > 0 && !st.fromHere() {
		p.add(r, "lets %v act for any account: needs aws:SourceAccount or aws:SourceArn", st.services())
	}
	if len(st.services()) == 0 && get(st.principal, "AWS") == nil {
		p.add(r, "names nobody whom it allows %v", st.actions)
	}
	for _, action := range st.actions {
		if strings.Contains(action, "*") && get(st.principal, "AWS") == nil {
			p.add(r, "wildcard %s", action)
		}
	}
}

// checkRoles: each function has a role of its own that nobody else can take.
func checkRoles(s *stack, p *problems) {
	used := map[string]string{}
	for _, f := range s.functions() {
		role := s.roleOf(f)
		if role == nil {
			p.add(f, "has no role in this stack")
			continue
		}
		if other, ok := used[role.name]; ok {
			p.add(role, "is shared by %s and %s", other, f.name)
		}
		used[role.name] = f.name
	}
	for _, role := range s.of("AWS::IAM::Role") {
		service := "apigateway.amazonaws.com"
		if used[role.name] != "" {
			service = "lambda.amazonaws.com"
		}
		trust := statements(role.get("AssumeRolePolicyDocument"))
		if len(trust) != 1 || !slices.Equal(trust[0].services(), []string{service}) || get(trust[0].principal, "AWS") != nil ||
			trust[0].everybody() || !slices.Equal(trust[0].actions, []string{"sts:AssumeRole"}) || trust[0].odd {
			p.add(role, "must be for %s alone", service)
		}
		if used[role.name] == "" && (len(trust) != 1 || !trust[0].fromHere()) {
			p.add(role, "a gateway of any account could take it: needs aws:SourceAccount")
		}
		if len(items(role.get("ManagedPolicyArns"))) > 0 {
			p.add(role, "managed policies give more than is needed")
		}
	}
	for _, kind := range []string{"AWS::IAM::User", "AWS::IAM::AccessKey", "AWS::IAM::Group"} {
		for _, r := range s.of(kind) {
			p.add(r, "nobody needs a user")
		}
	}
}

// checkGrants: no wildcards, no actions beyond the list, only on what is this
// stack's, objects only under a prefix.
func checkGrants(s *stack, p *problems) {
	for _, role := range s.of("AWS::IAM::Role") {
		for _, st := range s.grants(role) {
			if st.effect != "Allow" || st.odd || st.principal != nil {
				p.add(role, "a role's statements allow actions on resources, and nothing else")
			}
			for _, action := range st.actions {
				if !slices.Contains(allowedActions(), action) {
					p.add(role, "%s is more than any function needs", action)
				}
			}
			for _, resource := range st.resources {
				checkGrantedResource(s, role, &st, resource, p)
			}
		}
	}
}

func checkGrantedResource(s *stack, role *resource, st *statement, resource string, p *problems) {
	onlyTracing := !slices.ContainsFunc(st.actions, func(a string) bool { return !strings.HasPrefix(a, "xray:") })
	if resource == "*" && onlyTracing {
		return
	}
	at := s.at(placeholder.FindString(resource))
	if at == nil || !strings.HasPrefix(resource, at.arn()) {
		p.add(role, "%v on %s, which is none of this stack's", st.actions, resource)
		return
	}
	rest := strings.TrimPrefix(resource, at.arn())
	prefix, star := strings.CutSuffix(rest, "/*")
	switch {
	case rest == "", at.kind == "AWS::S3::Bucket" && rest == "/"+summaries:
	case at.kind == "AWS::S3::Bucket" && star && len(prefix) > 1 && !strings.Contains(prefix, "*"):
	default:
		p.add(role, "%v on %s: too much", st.actions, resource)
	}
}

// checkNeeds: each function may do what its part of the work does.
func checkNeeds(s *stack, p *problems) {
	b := s.bucket()
	under := func(prefix string) string { return b.arn() + "/" + prefix + "*" }
	daily := status.DailyResultsPrefix
	for _, f := range s.functions() {
		role := s.roleOf(f)
		need := func(action string, on ...string) {
			for _, resource := range on {
				if !s.may(role, action, resource) {
					p.add(f, "its role lacks %s on %s", action, resource)
				}
			}
		}
		needs := func(action string, prefixes ...string) {
			for _, prefix := range prefixes {
				need(action, under(prefix))
			}
		}
		needs("s3:GetObject", status.ModelsPrefix, status.ReasonsPrefix) // before the first event
		need("s3:ListBucket", b.arn())                                   // without it a missing object is "forbidden"
		env := asDoc(f.get("Environment", "Variables"))
		applications, bulk := s.at(env["LOANSCORER_APPLICATIONS_QUEUE"]), s.at(env["LOANSCORER_BULK_QUEUE"])
		if applications == nil || bulk == nil {
			continue // told elsewhere
		}
		switch s.part(f) {
		case "api":
			needs("s3:GetObject", status.ApplicationsPrefix, status.BatchesPrefix, status.ReceiptsPrefix, status.ReasonsPrefix, "idempotency/")
			if !s.may(role, "s3:GetObject", under("results/")) {
				needs("s3:GetObject", status.ApplicationResultsPrefix, status.BatchResultsPrefix)
			}
			needs("s3:PutObject", "idempotency/")
			need("s3:PutObject", b.arn()+"/"+summaries)
			need("sqs:SendMessage", applications.arn())
			need("sqs:GetQueueAttributes", applications.arn())
		case "applications":
			writes := []string{status.ApplicationsPrefix, status.ApplicationResultsPrefix, status.ModelsPrefix, status.ReasonsPrefix}
			needs("s3:GetObject", writes...)
			needs("s3:PutObject", writes...)
			needs("s3:AbortMultipartUpload", writes...)
		case "bulk":
			writes := []string{status.BatchesPrefix, status.BatchResultsPrefix, status.ReceiptsPrefix, status.ModelsPrefix, status.ReasonsPrefix}
			needs("s3:GetObject", append(writes, status.UploadsPrefix)...)
			needs("s3:GetObjectVersion", status.UploadsPrefix)
			needs("s3:PutObject", writes...)
			needs("s3:AbortMultipartUpload", writes...)
			need("sqs:SendMessage", bulk.arn())
		case "maintenance":
			needs("s3:GetObject", status.UploadsPrefix, status.BatchesPrefix, status.ReceiptsPrefix, status.ApplicationsPrefix)
			needs("s3:PutObject", status.BatchesPrefix, status.ReceiptsPrefix, status.ApplicationResultsPrefix, daily)
			needs("s3:AbortMultipartUpload", daily)
			need("sqs:SendMessage", bulk.arn())
		}
		for _, m := range s.sources() {
			if queue := s.at(m.get("EventSourceArn")); s.at(m.get("FunctionName")) == f && queue != nil {
				for _, action := range []string{
					"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility",
				} {
					need(action, queue.arn())
				}
			}
		}
		need("logs:CreateLogStream", text(s.logsOf(f)))
		need("logs:PutLogEvents", text(s.logsOf(f)))
	}
}

// checkLeast: no function may write where, or use a queue that, only another does.
func checkLeast(s *stack, p *problems) {
	writes := map[string][]string{
		"api":          {"idempotency/", summaries},
		"applications": {status.ApplicationsPrefix, status.ApplicationResultsPrefix, status.ModelsPrefix, status.ReasonsPrefix},
		"bulk":         {status.BatchesPrefix, status.BatchResultsPrefix, status.ReceiptsPrefix, status.ModelsPrefix, status.ReasonsPrefix},
		"maintenance":  {status.BatchesPrefix, status.ReceiptsPrefix, status.ApplicationResultsPrefix, status.DailyResultsPrefix},
	}
	for _, f := range s.functions() {
		part, queue := s.part(f), "LOANSCORER_BULK_QUEUE"
		if part == "api" || part == "applications" {
			queue = "LOANSCORER_APPLICATIONS_QUEUE"
		}
		own := s.at(f.get("Environment", "Variables", queue))
		for _, st := range s.grants(s.roleOf(f)) {
			for _, resource := range st.resources {
				prefix := strings.TrimSuffix(strings.TrimPrefix(resource, s.bucket().arn()+"/"), "*")
				if slices.Contains(st.actions, "s3:PutObject") && !slices.Contains(writes[part], prefix) {
					p.add(f, "has no business writing %s", resource)
				}
				if at := s.at(placeholder.FindString(resource)); at != nil && at.kind == "AWS::SQS::Queue" && at != own {
					p.add(f, "has no business with %s", at.name)
				}
			}
			receives := slices.Contains(st.actions, "sqs:ReceiveMessage") || slices.Contains(st.actions, "sqs:DeleteMessage")
			if receives && part != "applications" && part != "bulk" {
				p.add(f, "has no business taking messages out of a queue")
			}
		}
	}
}

// checkLoop: what announces an upload is never written by what answers it.
// failure 35
func checkLoop(s *stack, p *problems) {
	b := s.bucket()
	var announced []string
	for _, n := range items(b.get("NotificationConfiguration", "QueueConfigurations")) {
		for _, f := range items(get(n, "Filter", "S3Key", "Rules")) {
			announced = append(announced, b.arn()+"/"+text(get(f, "Value")))
		}
	}
	for _, f := range s.functions() {
		if s.part(f) == "api" {
			continue // it may hand out uploads; nothing makes it do so by itself
		}
		for _, st := range s.grants(s.roleOf(f)) {
			if !slices.Contains(st.actions, "s3:PutObject") {
				continue
			}
			for _, resource := range st.resources {
				written := strings.TrimSuffix(resource, "*")
				for _, prefix := range announced {
					if strings.HasPrefix(written, prefix) || strings.HasPrefix(prefix, written) {
						p.add(f, "may write %s, which starts it again", resource)
					}
				}
			}
		}
	}
}

// checkInvoke: functions are only called by resources of this stack.
func checkInvoke(s *stack, p *problems) {
	for _, r := range s.of("AWS::Lambda::Permission") {
		source := text(r.get("SourceArn"))
		ours := false
		for _, name := range references(source) {
			ours = ours || s.resources[name] != nil
		}
		if !ours {
			p.add(r, "anybody's %v could call the function: SourceArn must be of this stack", r.get("Principal"))
		}
		if !slices.Contains([]string{"apigateway.amazonaws.com", "events.amazonaws.com"}, text(r.get("Principal"))) {
			p.add(r, "%v may not call functions", r.get("Principal"))
		}
		if text(r.get("Action")) != "lambda:InvokeFunction" || r.get("FunctionUrlAuthType") != nil {
			p.add(r, "allows %v", r.get("Action"))
		}
	}
}
