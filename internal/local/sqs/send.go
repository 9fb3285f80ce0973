package sqs

import (
	"context"
	"encoding/json"
)

// outgoing is one message to send, as SendMessage and the entries of
// SendMessageBatch carry it.
type outgoing struct {
	MessageBody             *string
	DelaySeconds            *int64
	MessageAttributes       map[string]*attribute
	MessageSystemAttributes map[string]*attribute
	MessageGroupID          string `json:"MessageGroupId"`
	MessageDeduplicationID  string `json:"MessageDeduplicationId"`
}

// envelope is what is stored beside the body.
type envelope struct {
	Attributes map[string]*attribute `json:"attributes,omitempty"`
	Trace      string                `json:"trace,omitempty"`
	Group      string                `json:"group,omitempty"`
}

// sent is the answer for one message.
type sent struct {
	MessageID                    string `json:"MessageId"`
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
}

const traceHeader = "AWSTraceHeader"

// size is the message's size as SQS counts it: body, names, types and values
// in bytes; system attributes are free.
func (o *outgoing) size() int {
	n := 0
	if o.MessageBody != nil {
		n = len(*o.MessageBody)
	}
	for name, a := range o.MessageAttributes {
		if a != nil {
			n += a.size(name)
		}
	}
	return n
}

func (o *outgoing) check(q *queue) error {
	if o.MessageBody == nil || *o.MessageBody == "" {
		return missing("MessageBody")
	}
	if n, limit := int64(o.size()), q.settings().MaxSize; n > limit {
		return kindParameter.errorf("One or more parameters are invalid. Reason: Message must be shorter than %d bytes, it has %d.", limit, n)
	}
	if !isText(*o.MessageBody) {
		return kindContents.errorf("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	if len(o.MessageAttributes) > maxAttributes {
		return kindParameter.errorf("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(o.MessageAttributes), maxAttributes)
	}
	for name, a := range o.MessageAttributes {
		if a == nil {
			return kindParameter.errorf("The message attribute %q has no value.", name)
		}
		if err := a.check(name); err != nil {
			return err
		}
	}
	return o.checkSystem()
}

func (o *outgoing) checkSystem() error {
	for name, a := range o.MessageSystemAttributes {
		if name != traceHeader || a == nil || a.DataType != "String" || a.StringValue == nil || !isText(*a.StringValue) {
			return kindParameter.errorf("The only message system attribute is %s, a String.", traceHeader)
		}
	}
	if o.MessageDeduplicationID != "" {
		return kindParameter.errorf("The request includes a parameter that is not valid for this queue type: MessageDeduplicationId.")
	}
	if len(o.MessageGroupID) > 128 {
		return badParameter("MessageGroupId", o.MessageGroupID, "It can have up to 128 characters.")
	}
	for _, c := range []byte(o.MessageGroupID) {
		if c <= ' ' || c > '~' {
			return badParameter("MessageGroupId", o.MessageGroupID, "It can only include alphanumeric and punctuation characters.")
		}
	}
	return nil
}

// message makes the row; delay in seconds.
func (o *outgoing) message(q *queue) (*message, error) {
	if err := o.check(q); err != nil {
		return nil, err
	}
	delay, err := between("DelaySeconds", o.DelaySeconds, 0, maxDelay, q.settings().Delay)
	if err != nil {
		return nil, err
	}
	m := &message{state: state{queue: q.id, id: newID(), visible: delay * 1000}, body: *o.MessageBody}
	e := envelope{Attributes: o.MessageAttributes, Group: o.MessageGroupID}
	if a := o.MessageSystemAttributes[traceHeader]; a != nil {
		e.Trace = *a.StringValue
	}
	if len(e.Attributes) > 0 || e.Trace != "" || e.Group != "" {
		text, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		m.attributes = string(text)
	}
	return m, nil
}

func (o *outgoing) answer(m *message) sent {
	return sent{
		MessageID:                    formatID(m.id),
		MD5OfMessageBody:             textMD5(m.body),
		MD5OfMessageAttributes:       attributesMD5(o.MessageAttributes),
		MD5OfMessageSystemAttributes: attributesMD5(o.MessageSystemAttributes),
	}
}

// store commits the messages, whose visible holds the delay so far.
func (s *Service) store(ctx context.Context, q *queue, messages ...*message) error {
	return s.do(ctx, func(ctx context.Context, t *transaction) error {
		for _, m := range messages {
			row := *m
			row.sent, row.visible = t.now, t.now+m.visible
			if err := t.insert(ctx, &row); err != nil {
				return err
			}
		}
		t.wake = append(t.wake, q)
		return nil
	})
}

// Send stores one message and returns its id when it is on disk. attributes
// become message attributes of type String; nil for none. The body is 1 to
// 1,048,576 bytes with the attributes, of the characters that XML allows.
// Errors: *[Error], [ErrFull], [ErrClosed].
func (s *Service) Send(ctx context.Context, queue, body string, attributes map[string]string) (messageID string, err error) {
	q, err := s.byName(queue)
	if err != nil {
		return "", err
	}
	o := outgoing{MessageBody: &body, MessageAttributes: map[string]*attribute{}}
	for name, value := range attributes {
		o.MessageAttributes[name] = &attribute{DataType: "String", StringValue: &value}
	}
	m, err := o.message(q)
	if err != nil {
		return "", err
	}
	if err := s.store(ctx, q, m); err != nil {
		return "", err
	}
	return formatID(m.id), nil
}

func (s *Service) sendMessage(ctx context.Context, _ call, in *struct {
	queueURLInput
	outgoing
},
) (any, error) {
	q, err := s.byURL(in.QueueURL)
	if err != nil {
		return nil, err
	}
	m, err := in.message(q)
	if err != nil {
		return nil, err
	}
	if err := s.store(ctx, q, m); err != nil {
		return nil, err
	}
	return in.answer(m), nil
}
