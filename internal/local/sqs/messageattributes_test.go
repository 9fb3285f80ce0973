package sqs

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func text(v string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: new("String"), StringValue: &v}
}

func TestMessageAttributes(t *testing.T) {
	t.Parallel()
	f := newFixture(t, testOptions(t), map[string]string{"VisibilityTimeout": "0"})
	all := map[string]types.MessageAttributeValue{
		"app.name":  text("ü"),
		"app.build": {DataType: new("Number.int"), StringValue: new("-12")},
		"logo":      {DataType: new("Binary.png"), BinaryValue: []byte{0, 255, 1}},
		"apps":      text("not app.*"),
	}
	sent, err := f.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: f.url, MessageBody: new("body"), MessageAttributes: all, MessageGroupId: new("tenant-1"),
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: new("String"), StringValue: new("Root=1-5759e988-bd862e3fe1be46a994272793")}},
	})
	f.must(err)
	if *sent.MD5OfMessageBody != "841a2d689ad86bd1611447453c22c6fc" || *sent.MD5OfMessageSystemAttributes != "62a56dd927315f2b2e12832b84617ea5" {
		t.Errorf("digests %s, %s", *sent.MD5OfMessageBody, *sent.MD5OfMessageSystemAttributes)
	}
	tests := map[string]struct {
		names []string
		want  []string
	}{
		"all":             {[]string{"All"}, []string{"app.build", "app.name", "apps", "logo"}},
		"all by wildcard": {[]string{".*"}, []string{"app.build", "app.name", "apps", "logo"}},
		"prefix":          {[]string{"app.*"}, []string{"app.build", "app.name"}},
		"names":           {[]string{"logo", "apps", "nope"}, []string{"apps", "logo"}},
		"none":            {nil, nil},
	}
	for name, test := range tests {
		m := f.one(func(in *sqs.ReceiveMessageInput) { in.MessageAttributeNames = test.names })
		want := map[string]types.MessageAttributeValue{}
		for _, n := range test.want {
			want[n] = all[n]
		}
		if diff := cmp.Diff(want, m.MessageAttributes, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(types.MessageAttributeValue{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if full := len(test.want) == len(all); full && *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes || len(test.want) == 0 && m.MD5OfMessageAttributes != nil {
			t.Errorf("%s: digest differs", name)
		}
		if m.Attributes["AWSTraceHeader"] == "" || m.Attributes["MessageGroupId"] != "tenant-1" {
			t.Errorf("%s: system attributes %v", name, m.Attributes)
		}
	}
}

// Both names of the list of system attributes are honoured.
func TestSystemAttributeNames(t *testing.T) {
	t.Parallel()
	f := newFixture(t, testOptions(t), map[string]string{"VisibilityTimeout": "0"})
	f.send("a")
	m := f.one(func(in *sqs.ReceiveMessageInput) {
		in.AttributeNames = []types.QueueAttributeName{"SentTimestamp"} //nolint:staticcheck // the older name is what is tested
		in.MessageSystemAttributeNames = []types.MessageSystemAttributeName{"SenderId"}
	})
	if len(m.Attributes) != 2 || m.Attributes["SentTimestamp"] == "" || m.Attributes["SenderId"] == "" {
		t.Errorf("attributes %v", m.Attributes)
	}
}

func TestAttributeRefusals(t *testing.T) {
	t.Parallel()
	good := func() *attribute { return &attribute{DataType: "String", StringValue: new("v")} }
	tests := map[string]struct {
		name string
		a    *attribute
		want string
	}{
		"good":            {"a", good(), ""},
		"empty name":      {"", good(), badValue},
		"aws prefix":      {"aWs.x", good(), badValue},
		"amazon prefix":   {"Amazon.x", good(), badValue},
		"aws alone":       {"awsx", good(), ""},
		"leading period":  {".a", good(), badValue},
		"trailing period": {"a.", good(), badValue},
		"two periods":     {"a..b", good(), badValue},
		"space":           {"a b", good(), badValue},
		"no type":         {"a", &attribute{StringValue: new("v")}, badValue},
		"unknown type":    {"a", &attribute{DataType: "Float", StringValue: new("v")}, badValue},
		"empty value":     {"a", &attribute{DataType: "String", StringValue: new("")}, badValue},
		"no value":        {"a", &attribute{DataType: "Binary"}, badValue},
		"wrong field":     {"a", &attribute{DataType: "Binary", StringValue: new("v")}, badValue},
		"not a number":    {"a", &attribute{DataType: "Number", StringValue: new("1x")}, badValue},
		"number":          {"a", &attribute{DataType: "Number.float", StringValue: new("-1.5e10")}, ""},
		"39 digits":       {"a", &attribute{DataType: "Number", StringValue: new("123456789012345678901234567890123456789")}, badValue},
		"control":         {"a", &attribute{DataType: "String", StringValue: new("\x01")}, "InvalidMessageContents"},
		"list":            {"a", &attribute{DataType: "String", StringListValues: []string{"v"}}, unsupported},
	}
	for name, test := range tests {
		err := test.a.check(test.name)
		got := ""
		if err != nil {
			got = asError(err).kind.query
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// Digests that Amazon SQS returned, as moto's tests record them
// (getmoto/moto, tests/test_sqs/test_sqs.py), and one by hand of the published
// algorithm for the order of names and the Binary type.
func TestAttributesMD5(t *testing.T) {
	t.Parallel()
	number := func(dataType, v string) *attribute { return &attribute{DataType: dataType, StringValue: &v} }
	tests := map[string]map[string]*attribute{
		"235c5c510d26fb653d073faed50ae77c": {"timestamp": number("Number", "1493147359900")},
		"994258b45346a2cc3f9cbb611aa7af30": {"timestamp": number("Number", "1493147359901")},
		"36655e7e9d7c0e8479fa3f3f42247ae7": {"SOME_Valid.attribute-Name": number("Number", "1493147359900")},
		"2e2e4876d8e0bd6b8c2c8f556831c349": {"timestamp": number("Number.java.lang.Long", "1493147359900")},
		"0cac918032f61db13d24f99f36d94b54": {
			"ccc": number("String", "testjunk"), "aaa": {DataType: "Binary", BinaryValue: []byte{2, 3, 4}},
			"zzz": number("Number", "0230.01"), "ücode": number("String", "Tüst"),
		},
		"": {},
	}
	for want, attributes := range tests {
		if got := attributesMD5(attributes); got != want {
			t.Errorf("digest %s, want %s", got, want)
		}
	}
}
