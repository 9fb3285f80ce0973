package deploy

import (
	"slices"
	"strings"
)

// statement is one statement of a policy.
type statement struct {
	effect    string
	actions   []string
	resources []string
	principal any
	condition doc
	odd       bool // NotAction, NotResource or NotPrincipal
}

func statements(policy any) []statement {
	var list []statement
	for _, s := range items(get(policy, "Statement")) {
		list = append(list, statement{
			effect: text(get(s, "Effect")), actions: texts(get(s, "Action")), resources: texts(get(s, "Resource")),
			principal: get(s, "Principal"), condition: asDoc(get(s, "Condition")),
			odd: get(s, "NotAction") != nil || get(s, "NotResource") != nil || get(s, "NotPrincipal") != nil,
		})
	}
	return list
}

// everybody reports whether the statement is about everyone in the world.
func (st *statement) everybody() bool {
	if text(st.principal) == "*" {
		return true
	}
	return slices.Contains(texts(get(st.principal, "AWS")), "*")
}

// services are the AWS services that the statement is about.
func (st *statement) services() []string { return texts(get(st.principal, "Service")) }

// fromHere reports whether the statement holds only for what this account's
// resources do: without it a service could be made to act for a stranger.
func (st *statement) fromHere() bool {
	for _, operator := range []string{"StringEquals", "ArnEquals", "ArnLike", "StringLike"} {
		for key, value := range asDoc(st.condition[operator]) {
			switch strings.ToLower(key) {
			case "aws:sourceaccount":
				if operator == "StringEquals" && text(value) == "${AWS::AccountId}" {
					return true
				}
			case "aws:sourcearn", "kms:encryptioncontext:aws:logs:arn":
				if strings.Contains(text(value), "${AWS::AccountId}") || strings.HasSuffix(text(value), ".Arn}") {
					return true
				}
			}
		}
	}
	return false
}

// allowsService reports whether a service of this account may do that.
func (st *statement) allowsService(service, action, resource string) bool {
	return st.effect == "Allow" && slices.Contains(st.services(), service) && slices.Contains(st.actions, action) &&
		slices.Contains(st.resources, resource) && st.fromHere()
}

// resourcePolicy gathers the statements of the policies of one resource.
func (s *stack) resourcePolicy(kind, names, ref string) []statement {
	var list []statement
	for _, policy := range s.of(kind) {
		if slices.Contains(texts(policy.get(names)), ref) {
			list = append(list, statements(policy.get("PolicyDocument"))...)
		}
	}
	return list
}

// deniesPlain reports whether a policy refuses requests without TLS, from
// anybody, to all of these resources.
func (s *stack) deniesPlain(kind, names, ref string, resources []string, action string) bool {
	for _, st := range s.resourcePolicy(kind, names, ref) {
		if st.effect != "Deny" || !st.everybody() || st.odd || !slices.Contains(st.actions, action) || len(st.condition) != 1 {
			continue
		}
		bools := asDoc(st.condition["Bool"])
		if len(bools) != 1 || text(bools["aws:SecureTransport"]) != "false" {
			continue
		}
		if !slices.ContainsFunc(resources, func(r string) bool { return !slices.Contains(st.resources, r) }) {
			return true
		}
	}
	return false
}

// grants are the permissions of a role, from its own and attached policies.
func (s *stack) grants(role *resource) []statement {
	var list []statement
	if role == nil {
		return nil
	}
	for _, policy := range items(role.get("Policies")) {
		list = append(list, statements(get(policy, "PolicyDocument"))...)
	}
	for _, kind := range []string{"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"} {
		list = append(list, s.resourcePolicy(kind, "Roles", role.ref())...)
	}
	return list
}

// may reports whether a role may do that to that.
func (s *stack) may(role *resource, action, resource string) bool {
	for _, st := range s.grants(role) {
		if st.effect == "Allow" && slices.Contains(st.actions, action) && slices.Contains(st.resources, resource) && len(st.condition) == 0 {
			return true
		}
	}
	return false
}

// roleOf is the role that a function works under.
func (s *stack) roleOf(function *resource) *resource {
	role := s.at(function.get("Role"))
	if role == nil || role.kind != "AWS::IAM::Role" || text(function.get("Role")) != role.arn() {
		return nil
	}
	return role
}

// isKey reports whether a reference names the stack's own key.
func (s *stack) isKey(reference string) bool {
	key := s.at(reference)
	return key != nil && key.kind == "AWS::KMS::Key" && (reference == key.ref() || reference == key.arn())
}
