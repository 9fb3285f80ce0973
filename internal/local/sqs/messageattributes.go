package sqs

import (
	"crypto/md5" //nolint:gosec // the protocol asks for MD5; nothing secret rests on it
	"encoding/binary"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// attribute is one message attribute as it travels. Exactly one value is set:
// StringValue for the types String and Number, BinaryValue for Binary.
type attribute struct {
	DataType         string
	StringValue      *string  `json:",omitempty"`
	BinaryValue      []byte   `json:",omitempty"`
	StringListValues []string `json:",omitempty"` // reserved by SQS: refused
	BinaryListValues [][]byte `json:",omitempty"` // reserved by SQS: refused
}

// size is what the attribute counts towards the message's size, in bytes.
func (a *attribute) size(name string) int {
	n := len(name) + len(a.DataType) + len(a.BinaryValue)
	if a.StringValue != nil {
		n += len(*a.StringValue)
	}
	return n
}

var numberSyntax = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$`)

// check refuses what SQS refuses.
func (a *attribute) check(name string) error {
	if err := checkAttributeName(name); err != nil {
		return err
	}
	base, _, _ := strings.Cut(a.DataType, ".")
	if len(a.DataType) > 256 || !isText(a.DataType) {
		return kindParameter.errorf("The type of message attribute %q must be 1 to 256 allowed characters.", name)
	}
	if a.StringListValues != nil || a.BinaryListValues != nil {
		return kindUnsupported.errorf("Message attribute list values in SendMessage operation are not supported.")
	}
	switch base {
	case "String", "Number":
		if a.StringValue == nil || *a.StringValue == "" || a.BinaryValue != nil {
			return kindParameter.errorf("The message attribute %q with type %q must use field String.", name, a.DataType)
		}
		if !isText(*a.StringValue) {
			return kindContents.errorf("The value of message attribute %q has characters that are not allowed.", name)
		}
		if base == "Number" && !isNumber(*a.StringValue) {
			return kindParameter.errorf("Could not cast message attribute %q value to number.", name)
		}
	case "Binary":
		if len(a.BinaryValue) == 0 || a.StringValue != nil {
			return kindParameter.errorf("The message attribute %q with type %q must use field Binary.", name, a.DataType)
		}
	default:
		return kindParameter.errorf("The type of message attribute %q is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
	}
	return nil
}

// isNumber accepts decimal numbers of up to 38 digits.
func isNumber(s string) bool {
	if !numberSyntax.MatchString(s) {
		return false
	}
	digits := 0
	for _, c := range []byte(s) {
		if c == 'e' || c == 'E' {
			break
		}
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return digits <= 38
}

func checkAttributeName(name string) error {
	lower := strings.ToLower(name)
	bad := name == "" || len(name) > 256 || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") ||
		strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.")
	for _, c := range []byte(name) {
		bad = bad || !isAlphanumeric(c) && c != '_' && c != '-' && c != '.'
	}
	if bad {
		return kindParameter.errorf("Message (user) attribute name %q is invalid: 1 to 256 of A-Z a-z 0-9 _ - . without a period at an end or two in a row, and not AWS. or Amazon. in front.", name)
	}
	return nil
}

// attributesMD5 is the digest that SDKs compare, lower-case hex; "" for none.
// Source: "Calculating the MD5 message digest for message attributes" in the
// Amazon SQS developer guide.
func attributesMD5(attributes map[string]*attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	var b []byte
	field := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		field(name)
		field(a.DataType)
		if a.StringValue != nil {
			b = append(b, 1)
			field(*a.StringValue)
		} else {
			b = append(b, 2)
			field(string(a.BinaryValue))
		}
	}
	return textMD5(string(b))
}

func textMD5(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // the protocol asks for MD5; nothing secret rests on it
	return hex.EncodeToString(sum[:])
}

// selectAttributes keeps those that a receive asked for: by name, "All" or
// ".*" for every one, "prefix.*" for those that begin with "prefix.".
func selectAttributes(all map[string]*attribute, wanted []string) map[string]*attribute {
	kept := map[string]*attribute{}
	for name, a := range all {
		if slices.ContainsFunc(wanted, func(w string) bool { return matchesName(w, name) }) {
			kept[name] = a
		}
	}
	return kept
}

func matchesName(wanted, name string) bool {
	if wanted == "All" || wanted == name {
		return true
	}
	prefix, ok := strings.CutSuffix(wanted, ".*")
	return ok && (prefix == "" || strings.HasPrefix(name, prefix+"."))
}
