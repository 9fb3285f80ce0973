package sqs

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// redrive is a RedrivePolicy: where a message goes at the receive after
// MaxReceives receives.
type redrive struct {
	Target      string   `json:"deadLetterTargetArn"`
	MaxReceives receives `json:"maxReceiveCount"`
}

// receives reads 3 as well as "3", as the service does.
type receives int64

// UnmarshalJSON reads an integer or a string that holds one.
func (r *receives) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(string(bytes.Trim(b, `"`)), 10, 64)
	*r = receives(n)
	return err
}

// redriveFrom is a RedriveAllowPolicy: whose dead-letter queue this may be.
type redriveFrom struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

// allows says whether the queue with that ARN may name this one as its target.
func (a *redriveFrom) allows(source string) bool {
	switch {
	case a == nil || a.Permission == "allowAll":
		return true
	case a.Permission == "byQueue":
		return slices.Contains(a.Sources, source)
	default:
		return false
	}
}

// parseRedrive reads a RedrivePolicy; "" removes it.
func (s *Service) parseRedrive(text string) (*redrive, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no policy is a valid value
	}
	p := &redrive{}
	if err := json.Unmarshal([]byte(text), p); err != nil {
		return nil, badParameter(attributeRedrive, text, "Redrive policy is not a valid JSON map of deadLetterTargetArn and maxReceiveCount.")
	}
	if p.MaxReceives < 1 || p.MaxReceives > 1000 {
		return nil, badParameter(attributeRedrive, text, "Invalid value for maxReceiveCount: want an integer from 1 to 1000.")
	}
	if s.byARN(p.Target) == nil {
		return nil, badParameter(attributeRedrive, text, "Dead letter target does not exist.")
	}
	return p, nil
}

// parseAllow reads a RedriveAllowPolicy; "" removes it.
func parseAllow(text string) (*redriveFrom, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no policy is a valid value
	}
	p := &redriveFrom{}
	err := json.Unmarshal([]byte(text), p)
	byQueue := p.Permission == "byQueue" && len(p.Sources) >= 1 && len(p.Sources) <= 10
	forAll := (p.Permission == "allowAll" || p.Permission == "denyAll") && len(p.Sources) == 0
	if err != nil || !byQueue && !forAll {
		return nil, badParameter(attributeAllow, text, "Want redrivePermission allowAll, denyAll, or byQueue with 1 to 10 sourceQueueArns.")
	}
	return p, nil
}

// checkRedrive refuses a policy whose target does not take this queue.
func (s *Service) checkRedrive(name string, c *settings) error {
	if c.Redrive == nil {
		return nil
	}
	target := s.byARN(c.Redrive.Target)
	if target == nil || target.settings().Allow.allows(s.arn(name)) {
		return nil
	}
	return badParameter(attributeRedrive, jsonText(c.Redrive), "Queue does not have permission to use the dead letter queue: its RedriveAllowPolicy refuses it.")
}

// deadLetter is the queue that takes this queue's failures, with the limit of
// receives; nil when there is none or it was deleted.
func (s *Service) deadLetter(q *queue) (target *queue, limit int64) {
	p := q.settings().Redrive
	if p == nil {
		return nil, 0
	}
	return s.byARN(p.Target), int64(p.MaxReceives)
}
