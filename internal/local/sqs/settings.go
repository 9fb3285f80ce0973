package sqs

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// settings are the attributes of a queue that can be set. JSON: the row in the
// database. Times are seconds, sizes bytes.
type settings struct {
	Delay     int64        `json:"delay_seconds"`
	MaxSize   int64        `json:"maximum_message_size"`
	Retention int64        `json:"message_retention_period"`
	Wait      int64        `json:"receive_message_wait_time_seconds"`
	Timeout   int64        `json:"visibility_timeout"`
	Redrive   *redrive     `json:"redrive_policy,omitempty"`
	Allow     *redriveFrom `json:"redrive_allow_policy,omitempty"`
}

// defaultSettings are those of Amazon SQS.
func defaultSettings() settings {
	return settings{MaxSize: maxMessageBytes, Retention: 345600, Timeout: 30}
}

// number is an attribute that is an integer between bounds.
type number struct {
	name     string
	min, max int64
	of       func(*settings) *int64
}

func numbers() []number {
	return []number{
		{"DelaySeconds", 0, maxDelay, func(s *settings) *int64 { return &s.Delay }},
		{"MaximumMessageSize", 1024, maxMessageBytes, func(s *settings) *int64 { return &s.MaxSize }},
		{"MessageRetentionPeriod", minRetention, 1209600, func(s *settings) *int64 { return &s.Retention }},
		{"ReceiveMessageWaitTimeSeconds", 0, maxWait, func(s *settings) *int64 { return &s.Wait }},
		{"VisibilityTimeout", 0, maxTimeout, func(s *settings) *int64 { return &s.Timeout }},
	}
}

const (
	attributeRedrive = "RedrivePolicy"
	attributeAllow   = "RedriveAllowPolicy"
)

// apply sets the attributes, all or none.
func (s *Service) apply(to *settings, attributes map[string]string) error {
	next := *to
	for name, value := range attributes {
		if err := s.applyOne(&next, name, value); err != nil {
			return err
		}
	}
	*to = next
	return nil
}

func (s *Service) applyOne(to *settings, name, value string) (err error) {
	for _, n := range numbers() {
		if n.name != name {
			continue
		}
		v, err := strconv.ParseInt(value, 10, 64)
		if err != nil || v < n.min || v > n.max {
			return kindAttributeValue.errorf("Invalid value %q for the parameter %s: want an integer from %d to %d.", value, name, n.min, n.max)
		}
		*n.of(to) = v
		return nil
	}
	switch name {
	case attributeRedrive:
		to.Redrive, err = s.parseRedrive(value)
	case attributeAllow:
		to.Allow, err = parseAllow(value)
	case "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
		return kindUnsupported.errorf("FIFO queues are not supported by this server: attribute %s is refused.", name)
	default:
		return kindAttributeName.errorf("Unknown Attribute %s: this server supports %s.", name, strings.Join(settable(), ", "))
	}
	return err
}

func settable() []string {
	var names []string
	for _, n := range numbers() {
		names = append(names, n.name)
	}
	return append(names, attributeRedrive, attributeAllow)
}

// attributes are the values as a client reads them.
func (c *settings) attributes() map[string]string {
	values := map[string]string{}
	for _, n := range numbers() {
		values[n.name] = strconv.FormatInt(*n.of(c), 10)
	}
	if c.Redrive != nil {
		values[attributeRedrive] = jsonText(c.Redrive)
	}
	if c.Allow != nil {
		values[attributeAllow] = jsonText(c.Allow)
	}
	return values
}

// firstDifference names an attribute among names whose value differs.
func firstDifference(a, b *settings, names []string) string {
	left, right := a.attributes(), b.attributes()
	slices.Sort(names)
	for _, name := range names {
		if left[name] != right[name] {
			return name
		}
	}
	return ""
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "" // strings and integers always marshal
	}
	return string(b)
}
