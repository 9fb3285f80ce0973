package deploy

import (
	"slices"
	"strings"

	"github.com/loanscorer/loanscorer/internal/status"
)

func storageRules() []rule {
	return []rule{
		{"bucket", checkBucket},
		{"bucket policy", checkBucketPolicy},
		{"notification", checkNotification},
		{"lifecycle", checkLifecycle},
		{"write once", checkWriteOnce},
		{"secret", checkSecret},
		{"logs", checkLogGroups},
	}
}

// bucket is the one bucket.
func (s *stack) bucket() *resource {
	if all := s.of("AWS::S3::Bucket"); len(all) == 1 {
		return all[0]
	}
	return &resource{name: "(not exactly one bucket)", props: doc{}, raw: doc{}}
}

// checkBucket: versions, encryption, nothing public. failure 67
func checkBucket(s *stack, p *problems) {
	b := s.bucket()
	if text(b.get("VersioningConfiguration", "Status")) != "Enabled" {
		p.add(b, "must have versions: reads are pinned to them")
	}
	for _, name := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		if !isTrue(b.get("PublicAccessBlockConfiguration", name)) {
			p.add(b, "%s must be on", name)
		}
	}
	rules := items(b.get("OwnershipControls", "Rules"))
	if len(rules) != 1 || text(get(rules[0], "ObjectOwnership")) != "BucketOwnerEnforced" {
		p.add(b, "must enforce the owner: no access control lists")
	}
	for _, name := range []string{"AccessControl", "WebsiteConfiguration", "CorsConfiguration"} {
		if b.get(name) != nil {
			p.add(b, "%s opens it", name)
		}
	}
	encryption := items(b.get("BucketEncryption", "ServerSideEncryptionConfiguration"))
	if len(encryption) != 1 {
		p.add(b, "must have one rule of encryption")
		return
	}
	by := get(encryption[0], "ServerSideEncryptionByDefault")
	algorithm, key := text(get(by, "SSEAlgorithm")), text(get(by, "KMSMasterKeyID"))
	if s.params["DataEncryption"] != "KMS" {
		if algorithm != "AES256" {
			p.add(b, "is encrypted by %q, not AES256", algorithm)
		}
		return
	}
	if algorithm != "aws:kms" || !s.isKey(key) {
		p.add(b, "must be encrypted with the stack's key, not %q %q", algorithm, key)
	}
	if !isTrue(get(encryption[0], "BucketKeyEnabled")) {
		p.add(b, "needs a bucket key: every object would cost a request to KMS")
	}
}

func checkBucketPolicy(s *stack, p *problems) {
	b := s.bucket()
	if !s.deniesPlain("AWS::S3::BucketPolicy", "Bucket", b.ref(), []string{b.arn(), b.arn() + "/*"}, "s3:*") {
		p.add(b, "no policy refuses requests without TLS")
	}
	for _, st := range s.resourcePolicy("AWS::S3::BucketPolicy", "Bucket", b.ref()) {
		if st.effect == "Allow" {
			p.add(b, "its policy gives access; roles do")
		}
	}
}

// checkNotification: every new upload, and nothing of ours, reaches the bulk
// queue, and S3 may put it there. failure 35
func checkNotification(s *stack, p *problems) {
	b := s.bucket()
	all := asDoc(b.get("NotificationConfiguration"))
	list := items(all["QueueConfigurations"])
	if len(all) != 1 || len(list) != 1 {
		p.add(b, "must announce uploads to one queue and nothing else")
		return
	}
	n := list[0]
	if event := text(get(n, "Event")); event != "s3:ObjectCreated:*" {
		p.add(b, "announces %q, must be s3:ObjectCreated:* (a multipart upload ends otherwise than a PUT)", event)
	}
	filters := items(get(n, "Filter", "S3Key", "Rules"))
	if len(filters) != 1 || text(get(filters[0], "Name")) != "prefix" || text(get(filters[0], "Value")) != status.UploadsPrefix {
		p.add(b, "must announce what is under %s, all of it and nothing else", status.UploadsPrefix)
	}
	queue := s.at(get(n, "Queue"))
	if queue == nil || queue.kind != "AWS::SQS::Queue" || text(get(n, "Queue")) != queue.arn() {
		p.add(b, "announces to what is no queue of this stack")
		return
	}
	for _, f := range s.functions() {
		if bulk := text(f.get("Environment", "Variables", "LOANSCORER_BULK_QUEUE")); bulk != queue.ref() {
			p.add(f, "its bulk queue is %s, uploads are announced to %s", bulk, queue.name)
		}
	}
	allowed := ""
	for _, policy := range s.of("AWS::SQS::QueuePolicy") {
		for _, st := range statements(policy.get("PolicyDocument")) {
			if slices.Contains(texts(policy.get("Queues")), queue.ref()) && st.allowsService("s3.amazonaws.com", "sqs:SendMessage", queue.arn()) {
				allowed = policy.name
			}
		}
	}
	if allowed == "" {
		p.add(queue, "its policy does not let S3 send")
	} else if !slices.Contains(texts(b.raw["DependsOn"]), allowed) {
		p.add(b, "must depend on %s: S3 tries the queue at once", allowed)
	}
}

// lifecycle is a rule of the bucket.
type lifecycle struct {
	prefix     string
	days       float64 // 0: objects stay
	noncurrent float64
	abort      float64
	markers    bool
}

func (s *stack) lifecycles(p *problems) []lifecycle {
	var list []lifecycle
	b := s.bucket()
	for _, r := range items(b.get("LifecycleConfiguration", "Rules")) {
		id := text(get(r, "Id"))
		if text(get(r, "Status")) != "Enabled" {
			p.add(b, "rule %s is switched off", id)
		}
		if get(r, "Transition") != nil || get(r, "Transitions") != nil {
			p.add(b, "rule %s moves objects: readers expect them where they are", id)
		}
		if get(r, "TagFilters") != nil || get(r, "ObjectSizeGreaterThan") != nil || get(r, "ObjectSizeLessThan") != nil {
			p.add(b, "rule %s chooses by more than the prefix", id)
		}
		list = append(list, lifecycle{
			prefix: text(get(r, "Prefix")), days: number(get(r, "ExpirationInDays"), 0),
			noncurrent: number(get(r, "NoncurrentVersionExpiration", "NoncurrentDays"), 0),
			abort:      number(get(r, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"), 0),
			markers:    isTrue(get(r, "ExpiredObjectDeleteMarker")),
		})
	}
	return list
}

// expiry is after how many days objects under a prefix go; 0 is never.
func expiry(list []lifecycle, prefix string) float64 {
	least := 0.0
	for _, l := range list {
		if l.days > 0 && strings.HasPrefix(prefix, l.prefix) && (least == 0 || l.days < least) {
			least = l.days
		}
	}
	return least
}

// checkLifecycle: nothing stays for ever but models and reasons, nothing goes while it is
// needed. A document whose result file is gone would read as undecided.
func checkLifecycle(s *stack, p *problems) {
	b := s.bucket()
	list := s.lifecycles(p)
	const dlqDays = 14
	days := func(prefix string) float64 { return expiry(list, prefix) }
	if days(status.ModelsPrefix) != 0 || days(status.ReasonsPrefix) != 0 {
		p.add(b, "models and reason codes expire: decisions could not be replayed")
	}
	if days(status.ReasonsPrefix) != 0 {
		p.add(b, "reason codes expire: decisions could not be replayed")
	}
	if d := days(status.UploadsPrefix); d <= dlqDays {
		p.add(b, "uploads are kept for %v days: a message may come back for %d", d, dlqDays)
	}
	if d := days("idempotency/"); d < 2 || d > 7 {
		p.add(b, "idempotency keys are kept for %v days: they count for one", d)
	}
	audit := number(s.params["AuditDays"], 0)
	if s.defaults && audit < 760 {
		p.whole("decisions are kept for %v days by default: 25 months are 760", audit)
	}
	for _, prefix := range []string{
		status.ApplicationsPrefix, status.BatchesPrefix, status.ReceiptsPrefix,
		status.ApplicationResultsPrefix, status.DailyResultsPrefix, status.BatchResultsPrefix,
	} {
		if d := days(prefix); d != audit {
			p.add(b, "%s is kept for %v days, must be %v", prefix, d, audit)
		}
	}
	var abort, noncurrent float64
	markers := false
	for _, l := range list {
		if l.prefix == "" {
			abort, noncurrent, markers = max(abort, l.abort), max(noncurrent, l.noncurrent), markers || l.markers
		} else if !strings.HasSuffix(l.prefix, "/") {
			p.add(b, "prefix %q of a rule must end with a slash", l.prefix)
		}
	}
	if abort != 1 {
		p.add(b, "abandoned multipart uploads must go after one day") // failure 16
	}
	if noncurrent <= dlqDays || noncurrent > 90 {
		p.add(b, "old versions are kept for %v days: more than %d, since reads are pinned to them, and 90 at most", noncurrent, dlqDays)
	}
	if !markers {
		p.add(b, "delete markers stay for ever")
	}
}

// checkWriteOnce: what must not be written twice can only be written with a
// condition.
func checkWriteOnce(s *stack, p *problems) {
	b := s.bucket()
	for _, prefix := range []string{
		status.ApplicationsPrefix, status.BatchesPrefix, status.ModelsPrefix, status.ReasonsPrefix, "results/",
	} {
		found := false
		for _, st := range s.resourcePolicy("AWS::S3::BucketPolicy", "Bucket", b.ref()) {
			null := asDoc(get(st.condition, "Null"))
			found = found || st.effect == "Deny" && st.everybody() && slices.Contains(st.actions, "s3:PutObject") &&
				slices.Contains(st.resources, b.arn()+"/"+prefix+"*") &&
				isTrue(null["s3:if-none-match"]) && isTrue(null["s3:if-match"]) && len(null) == 2 &&
				isTrue(get(st.condition, "Bool", "s3:ObjectCreationOperation"))
		}
		if !found {
			p.add(b, "no policy refuses unconditional writes under %s", prefix)
		}
	}
}

// checkSecret: the secret behind ids is made by AWS, in 64 hexadecimal digits.
func checkSecret(s *stack, p *problems) {
	for _, r := range s.of("AWS::SecretsManager::Secret") {
		how := asDoc(r.get("GenerateSecretString"))
		if !s.isKey(text(r.get("KmsKeyId"))) {
			p.add(r, "must be encrypted with the stack's key")
		}
		if r.get("SecretString") != nil || number(how["PasswordLength"], 0) < 64 || number(how["PasswordLength"], 0) > 128 ||
			!isTrue(how["ExcludeUppercase"]) || !isTrue(how["ExcludePunctuation"]) ||
			text(how["ExcludeCharacters"]) != "ghijklmnopqrstuvwxyz" || isTrue(how["ExcludeNumbers"]) ||
			isTrue(how["ExcludeLowercase"]) || isTrue(how["IncludeSpace"]) {
			p.add(r, "must be generated, as at least 64 hexadecimal digits")
		}
	}
}

// checkLogGroups: logs are encrypted and do not stay for ever.
func checkLogGroups(s *stack, p *problems) {
	for _, r := range s.of("AWS::Logs::LogGroup") {
		if days := number(r.get("RetentionInDays"), 0); days < 1 || days > 731 {
			p.add(r, "must keep logs for 1 to 731 days, not %v", r.get("RetentionInDays"))
		}
		if !s.isKey(text(r.get("KmsKeyId"))) {
			p.add(r, "must be encrypted with the stack's key")
		}
	}
}
