package deploy

import (
	"slices"
	"strings"
)

func keyRules() []rule {
	return []rule{
		{"key", checkKey},
		{"key for roles", checkKeyGrants},
		{"key for services", checkKeyServices},
	}
}

// checkKey: one key, rotated, that the account rules.
func checkKey(s *stack, p *problems) {
	keys := s.of("AWS::KMS::Key")
	if len(keys) != 1 {
		p.whole("%d keys: one is enough", len(keys))
	}
	for _, key := range keys {
		if !isTrue(key.get("EnableKeyRotation")) {
			p.add(key, "must be rotated")
		}
		if e := key.get("Enabled"); e != nil && !isTrue(e) {
			p.add(key, "is disabled: nothing can be read")
		}
		ruled := false
		for _, st := range statements(key.get("KeyPolicy")) {
			root := slices.Contains(texts(get(st.principal, "AWS")), "arn:${AWS::Partition}:iam::${AWS::AccountId}:root")
			ruled = ruled || st.effect == "Allow" && root && slices.Contains(st.actions, "kms:*") && len(st.condition) == 0
			if st.effect != "Allow" {
				p.add(key, "denies %v", st.actions)
			}
			if len(st.services()) == 0 {
				continue
			}
			for _, action := range st.actions {
				if !slices.Contains([]string{
					"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey",
				}, action) {
					p.add(key, "%s for %v is too much", action, st.services())
				}
			}
		}
		if !ruled {
			p.add(key, "nobody could change its policy any more")
		}
	}
}

// checkKeyGrants: whoever reads or writes what the key encrypts may use it.
// SQS and S3 ask in the caller's name: sending and putting need
// GenerateDataKey (and a multipart upload Decrypt), receiving and getting
// Decrypt. A function's environment is encrypted as well.
func checkKeyGrants(s *stack, p *problems) {
	for _, role := range s.of("AWS::IAM::Role") {
		var reads, writes bool
		for _, st := range s.grants(role) {
			for _, action := range st.actions {
				reads = reads || action == "s3:GetObject" || action == "sqs:ReceiveMessage"
				writes = writes || action == "s3:PutObject" || action == "sqs:SendMessage"
			}
		}
		for _, key := range s.of("AWS::KMS::Key") {
			if (reads || writes) && !s.may(role, "kms:Decrypt", key.arn()) {
				p.add(role, "lacks kms:Decrypt on %s", key.name)
			}
			if writes && !s.may(role, "kms:GenerateDataKey", key.arn()) {
				p.add(role, "lacks kms:GenerateDataKey on %s", key.name)
			}
		}
	}
	for _, f := range s.functions() {
		if !s.isKey(text(f.get("KmsKeyArn"))) {
			p.add(f, "its environment must be encrypted with the stack's key")
		}
	}
}

// checkKeyServices: services that must use the key by themselves may.
func checkKeyServices(s *stack, p *problems) {
	for _, key := range s.of("AWS::KMS::Key") {
		has := func(service string, actions ...string) {
			for _, action := range actions {
				if !slices.ContainsFunc(statements(key.get("KeyPolicy")), func(st statement) bool {
					return st.allowsService(service, action, "*")
				}) {
					p.add(key, "%s needs %s", service, action)
				}
			}
		}
		for _, n := range items(s.bucket().get("NotificationConfiguration", "QueueConfigurations")) {
			if queue := s.at(get(n, "Queue")); queue != nil && s.isKey(text(queue.get("KmsMasterKeyId"))) {
				has("s3.amazonaws.com", "kms:GenerateDataKey", "kms:Decrypt")
			}
		}
		if len(s.of("AWS::CloudWatch::Alarm")) > 0 && len(s.of("AWS::SNS::Topic")) > 0 {
			has("cloudwatch.amazonaws.com", "kms:GenerateDataKey", "kms:Decrypt")
		}
		if len(s.of("AWS::Logs::LogGroup")) > 0 {
			has("logs.${AWS::Region}.amazonaws.com",
				"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey")
		}
		for _, st := range statements(key.get("KeyPolicy")) {
			for _, service := range st.services() {
				if strings.HasPrefix(service, "logs.") && get(st.condition, "ArnLike", "kms:EncryptionContext:aws:logs:arn") !=
					"arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:*" {
					p.add(key, "%s must be held to this account's log groups", service)
				}
			}
		}
	}
}
