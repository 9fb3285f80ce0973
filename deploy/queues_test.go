package deploy

import (
	"slices"
	"strings"
)

func queueRules() []rule {
	return []rule{
		{"event source", checkEventSources},
		{"concurrency", checkConcurrency},
		{"dead letters", checkDeadLetters},
		{"queue", checkQueues},
		{"two queues", checkTwoQueues},
	}
}

// sources are the event source mappings of queues.
func (s *stack) sources() []*resource { return s.of("AWS::Lambda::EventSourceMapping") }

// checkEventSources: visibility, batch size, window and partial failures.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
func checkEventSources(s *stack, p *problems) {
	for _, m := range s.sources() {
		queue, function := s.at(m.get("EventSourceArn")), s.at(m.get("FunctionName"))
		if queue == nil || queue.kind != "AWS::SQS::Queue" || function == nil {
			p.add(m, "must join a queue and a function of this stack")
			continue
		}
		window := number(m.get("MaximumBatchingWindowInSeconds"), 0)
		timeout := number(function.get("Timeout"), 3)
		visibility := number(queue.get("VisibilityTimeout"), 30)
		if need := 6*timeout + window; visibility < need {
			p.add(queue, "visible again after %v s, needs %v: six times the timeout of %s and the window", visibility, need, function.name)
		}
		if size := number(m.get("BatchSize"), 10); size < 1 || size > 10000 || size > 10 && window < 1 {
			p.add(m, "batches of %v need a window of 1 s or more", size)
		}
		if size := number(m.get("BatchSize"), 10); s.part(function) == "bulk" && size != 1 || size > 1000 {
			p.add(m, "batches of %v: chunks come one at a time, applications up to 1,000: all must end within the timeout", size)
		}
		if window > 300 {
			p.add(m, "window %v s: 300 at most", window)
		}
		if !slices.Contains(texts(m.get("FunctionResponseTypes")), "ReportBatchItemFailures") {
			p.add(m, "must take ReportBatchItemFailures, or one bad message repeats its whole batch")
		}
		if e := m.get("Enabled"); e != nil && !isTrue(e) {
			p.add(m, "is switched off")
		}
		if m.get("FilterCriteria") != nil {
			p.add(m, "filters: what is filtered out is deleted")
		}
		if arn := text(m.get("EventSourceArn")); arn != queue.arn() {
			p.add(m, "%s is not the ARN of a queue", arn)
		}
	}
}

// checkConcurrency: every source is capped, and within what is reserved.
// failure 77
func checkConcurrency(s *stack, p *problems) {
	total := map[string]float64{}
	for _, m := range s.sources() {
		limit := number(m.get("ScalingConfig", "MaximumConcurrency"), 0)
		if limit < 2 || limit > 1000 {
			p.add(m, "MaximumConcurrency %v: must be 2 to 1000", limit)
		}
		if function := s.at(m.get("FunctionName")); function != nil {
			total[function.name] += limit
		}
	}
	for _, f := range s.functions() {
		reserved := f.get("ReservedConcurrentExecutions")
		if reserved != nil && number(reserved, 0) < max(total[f.name], 1) {
			p.add(f, "%v copies are reserved, its queues start up to %v: the rest is throttled and eats deliveries",
				reserved, total[f.name])
		}
	}
}

// checkDeadLetters: failed messages go somewhere, late enough, and stay longer
// than they could have waited. failures 25, 26
func checkDeadLetters(s *stack, p *problems) {
	for _, m := range s.sources() {
		queue := s.at(m.get("EventSourceArn"))
		if queue == nil {
			continue
		}
		receives := number(queue.get("RedrivePolicy", "maxReceiveCount"), 0)
		if receives < 5 || receives > 1000 {
			p.add(queue, "maxReceiveCount %v: must be 5 or more, a throttled function eats some", receives)
		}
		retention := number(queue.get("MessageRetentionPeriod"), 345600)
		if least := max(86400, receives*number(queue.get("VisibilityTimeout"), 30)); retention < least {
			p.add(queue, "keeps messages for %v s, needs %v for every try", retention, least)
		}
		target := text(queue.get("RedrivePolicy", "deadLetterTargetArn"))
		dead := s.at(target)
		if dead == nil || dead.kind != "AWS::SQS::Queue" || target != dead.arn() {
			p.add(queue, "has no dead-letter queue")
			continue
		}
		if kept := number(dead.get("MessageRetentionPeriod"), 345600); kept <= retention || kept < 1209600 {
			p.add(dead, "keeps messages for %v s: must be 14 days, and more than %s", kept, queue.name)
		}
		if permission := text(get(dead.get("RedriveAllowPolicy"), "redrivePermission")); permission != "" && permission != "allowAll" {
			p.add(dead, "%s: refuses dead letters", permission)
		}
		for _, other := range s.sources() {
			from := s.at(other.get("EventSourceArn"))
			if from == dead {
				p.add(dead, "is read by %s", other.name)
			}
			if from != nil && from != queue && text(from.get("RedrivePolicy", "deadLetterTargetArn")) == target {
				p.add(dead, "is shared by %s and %s: a redrive would not know where to", queue.name, from.name)
			}
		}
		function := s.at(m.get("FunctionName"))
		if got := number(function.get("Environment", "Variables", "LOANSCORER_MAX_RECEIVES"), 0); got != receives {
			p.add(function, "LOANSCORER_MAX_RECEIVES %v, maxReceiveCount of %s is %v", got, queue.name, receives)
		}
	}
}

// checkQueues: every queue is encrypted, takes TLS only, and is an ordinary
// queue without delay.
func checkQueues(s *stack, p *problems) {
	for _, q := range s.of("AWS::SQS::Queue") {
		kms, own := text(q.get("KmsMasterKeyId")), isTrue(q.get("SqsManagedSseEnabled"))
		switch {
		case strings.Contains(kms, "alias/aws/"):
			p.add(q, "%s: S3 and CloudWatch may not use that key", kms)
		case kms != "" && !s.isKey(kms):
			p.add(q, "is encrypted with %s, not the stack's key", kms)
		case kms != "" && own, kms == "" && !own:
			p.add(q, "must be encrypted by either KMS or SQS")
		}
		if wanted := s.params["DataEncryption"] == "KMS"; wanted != (kms != "") {
			p.add(q, "is not encrypted as DataEncryption says")
		}
		if isTrue(q.get("FifoQueue")) || number(q.get("DelaySeconds"), 0) > 0 {
			p.add(q, "must be a standard queue without delay")
		}
		if number(q.get("MaximumMessageSize"), 1<<20) < 1<<18 {
			p.add(q, "does not take the largest message")
		}
		if !s.deniesPlain("AWS::SQS::QueuePolicy", "Queues", q.ref(), []string{q.arn()}, "sqs:*") {
			p.add(q, "no policy refuses requests without TLS")
		}
	}
}

// checkTwoQueues: single applications and files never share a queue or a
// function, and every queue of the environment is worked on.
func checkTwoQueues(s *stack, p *problems) {
	readers := map[string][]string{}
	for _, m := range s.sources() {
		queue := s.at(m.get("EventSourceArn"))
		if queue == nil {
			continue
		}
		readers[queue.ref()] = append(readers[queue.ref()], text(m.get("FunctionName")))
	}
	for _, f := range s.functions() {
		env := asDoc(f.get("Environment", "Variables"))
		applications, bulk := text(env["LOANSCORER_APPLICATIONS_QUEUE"]), text(env["LOANSCORER_BULK_QUEUE"])
		if applications == bulk {
			p.add(f, "both queues are %s: a file would delay single applications", bulk)
		}
		if len(readers[applications]) != 1 || len(readers[bulk]) != 1 || readers[applications][0] == readers[bulk][0] {
			p.add(f, "%s and %s must each be read by one function of its own", applications, bulk)
		}
	}
}
