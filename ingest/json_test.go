package ingest

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const goodJSON = `{"Loan_ID":"LP1","Gender":"Male","Married":"Yes","Dependents":"3+","Education":"Not Graduate",` +
	`"Self_Employed":"No","ApplicantIncome":5849,"CoapplicantIncome":985.7999878,"LoanAmount":128,` +
	`"Loan_Amount_Term":360,"Credit_History":1,"Property_Area":"Urban","Loan_Status":"Y","TotalIncome":6834.7999878}`

func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	a, err := DecodeJSON([]byte(goodJSON))
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(a)
	if err != nil || string(out) != goodJSON {
		t.Errorf("round trip: %v\n%s\n%s", err, out, goodJSON)
	}
	least := ` { "TotalIncome" : 0 , "Property_Area" : " semiURBAN ", "LoanAmount":null, "Gender":"", "Dependents": 2 }` + "\n"
	a, err = DecodeJSON([]byte(least))
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := json.Marshal(a); string(out) != `{"Dependents":"2","Property_Area":"semiURBAN","TotalIncome":0}` {
		t.Errorf("got %s", out)
	}
}

// failure 65
func TestDecodeJSONMalformed(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"empty":                   ``,
		"not JSON":                `hello`,
		"truncated":               `{"LoanAmount":1`,
		"an array":                `[{"LoanAmount":1}]`,
		"null":                    `null`,
		"a number":                `1`,
		"duplicate":               `{"LoanAmount":1,"LoanAmount":1}`,
		"duplicate by escape":     `{"LoanAmount":1,"Loan\u0041mount":1}`,
		"duplicate null":          `{"LoanAmount":null,"LoanAmount":1}`,
		"duplicate unknown":       `{"x":1,"x":2}`,
		"second document":         `{"LoanAmount":1}{"LoanAmount":1}`,
		"rest":                    `{"LoanAmount":1} x`,
		"NaN":                     `{"LoanAmount":NaN}`,
		"Infinity":                `{"LoanAmount":-Infinity}`,
		"plus":                    `{"LoanAmount":+1}`,
		"leading zero":            `{"LoanAmount":01}`,
		"hexadecimal":             `{"LoanAmount":0x10}`,
		"underscore":              `{"LoanAmount":1_000}`,
		"comment":                 `{"LoanAmount":1}//x`,
		"trailing comma":          `{"LoanAmount":1,}`,
		"byte order mark":         "\xEF\xBB\xBF" + `{"LoanAmount":1}`,
		"not UTF-8":               "{\"Loan_ID\":\"\xff\"}",
		"control character":       "{\"Loan_ID\":\"a\nb\"}",
		"lone high surrogate":     `{"Loan_ID":"\ud83d"}`,
		"high surrogate, text":    `{"Loan_ID":"\ud83dabcdefgh"}`,
		"two high surrogates":     `{"Loan_ID":"\ud83d\ud83d\ude00"}`,
		"lone low surrogate":      `{"Loan_ID":"\ude00"}`,
		"lone surrogate in name":  `{"\ude00":1}`,
		"too deep":                strings.Repeat(`{"x":`, 17) + `1` + strings.Repeat(`}`, 17),
		"far too deep":            strings.Repeat(`[`, 30000),
		"nothing but open quotes": `"`,
		"backslash at the end":    `{"Loan_ID":"\`,
	}
	for name, document := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if a, err := DecodeJSON([]byte(document)); !errors.Is(err, ErrMalformed) || a != nil {
				t.Errorf("%v, %v, want ErrMalformed", a, err)
			}
		})
	}
	large := `{"Loan_ID":"` + strings.Repeat("x", MaxJSON) + `"}`
	if _, err := DecodeJSON([]byte(large)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

// failure 48, failure 49, failure 64
func TestDecodeJSONFields(t *testing.T) {
	t.Parallel()
	const rest = `"ApplicantIncome":1,"CoapplicantIncome":2,"Property_Area":"Rural"`
	cases := map[string]struct {
		document string
		want     []FieldError
	}{
		"nothing": {`{}`, []FieldError{
			{"/ApplicantIncome", CodeMissingValue, "is required together with CoapplicantIncome, unless TotalIncome is given"},
			{"/CoapplicantIncome", CodeMissingValue, "is required together with ApplicantIncome, unless TotalIncome is given; 0 when there is none"},
			{"/Property_Area", CodeMissingValue, "is required: Rural, Semiurban or Urban"},
		}},
		"one income": {`{"ApplicantIncome":1,"Property_Area":"Rural"}`, []FieldError{
			{"/CoapplicantIncome", CodeMissingValue, "is required together with ApplicantIncome, unless TotalIncome is given; 0 when there is none"},
		}},
		"everything at once, in published order": {
			`{"Nationality":"x","loanamount":1,"Property_Area":7,"Credit_History":0.9,"LoanAmount":0,"ApplicantIncome":-1,` +
				`"CoapplicantIncome":"1","Loan_Amount_Term":-360,"Gender":true,"a/b~c":1}`,
			[]FieldError{
				{"/Gender", CodeWrongType, "must be a string"},
				{"/ApplicantIncome", CodeOutOfRange, "must be 0 or greater"},
				{"/CoapplicantIncome", CodeWrongType, "must be a number"},
				{"/LoanAmount", CodeOutOfRange, "must be greater than 0"},
				{"/Loan_Amount_Term", CodeOutOfRange, "must be greater than 0"},
				{"/Credit_History", CodeOutOfRange, "must be 0 or 1, or left out when it is not known"},
				{"/Property_Area", CodeWrongType, "must be a string"},
				{"/Nationality", CodeUnknownField, "is not a field of an application"},
				{"/loanamount", CodeUnknownField, "is not a field of an application; did you mean LoanAmount?"},
				{"/a~1b~0c", CodeUnknownField, "is not a field of an application"},
			},
		},
		"nested values": {`{` + rest + `,"LoanAmount":{"x":1},"Loan_ID":["x"],"Dependents":[3]}`, []FieldError{
			{"/Loan_ID", CodeWrongType, "must be a string"},
			{"/Dependents", CodeWrongType, `must be a string such as "3+", or an integer`},
			{"/LoanAmount", CodeWrongType, "must be a number"},
		}},
		"Dependents is no integer": {`{` + rest + `,"Dependents":2.5}`, []FieldError{
			{"/Dependents", CodeWrongType, `must be a string such as "3+", or an integer`},
		}},
		"numbers": {`{"TotalIncome":1e400,"LoanAmount":true,"Property_Area":"Urban"}`, []FieldError{
			{"/LoanAmount", CodeWrongType, "must be a number"},
			{"/TotalIncome", CodeOverflow, "is too large for a 64-bit number"},
		}},
		"sum": {`{"ApplicantIncome":1e308,"CoapplicantIncome":1e308,"Property_Area":"Urban"}`, []FieldError{
			{"/CoapplicantIncome", CodeOverflow, "is too large to be added to ApplicantIncome"},
		}},
		"totals that contradict": {`{` + rest + `,"TotalIncome":3.1}`, []FieldError{
			{"/TotalIncome", CodeInconsistent, "must be the sum of ApplicantIncome and CoapplicantIncome"},
		}},
		"a total less than one income": {`{"ApplicantIncome":3,"TotalIncome":2,"Property_Area":"Urban"}`, []FieldError{
			{"/TotalIncome", CodeInconsistent, "must be the sum of ApplicantIncome and CoapplicantIncome"},
		}},
		"areas": {`{"TotalIncome":1,"Property_Area":"Suburb"}`, []FieldError{
			{"/Property_Area", CodeUnknownCategory, "must be Rural, Semiurban or Urban, by name"},
		}},
		"a bare code": {`{"TotalIncome":1,"Property_Area":"2"}`, []FieldError{
			{"/Property_Area", CodeUnknownCategory, "must be Rural, Semiurban or Urban, by name"},
		}},
		"text": {
			`{"Loan_ID":"` + strings.Repeat("x", 65) + `","Gender":"` + strings.Repeat("é", 129) + `","Married":"a\u0000b","Education":"a\u0085b",` + rest + `}`,
			[]FieldError{
				{"/Loan_ID", CodeTooLong, "must be at most 64 bytes of UTF-8"},
				{"/Gender", CodeTooLong, "must be at most 256 bytes of UTF-8"},
				{"/Married", CodeControlCharacter, "must not contain control characters"},
				{"/Education", CodeControlCharacter, "must not contain control characters"},
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := DecodeJSON([]byte(c.document))
			var invalid *ValidationError
			if !errors.As(err, &invalid) {
				t.Fatalf("error %v, want a *ValidationError", err)
			}
			if diff := cmp.Diff(c.want, invalid.Fields); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecodeJSONBoundsUnknownFields(t *testing.T) {
	t.Parallel()
	var document strings.Builder
	document.WriteString(`{"` + strings.Repeat("é", 1000) + `":1`)
	for i := range 1000 {
		document.WriteString(`,"x` + string(rune(0x4e00+i)) + `":1`)
	}
	_, err := DecodeJSON([]byte(document.String() + `}`))
	var invalid *ValidationError
	if !errors.As(err, &invalid) || len(invalid.Fields) != 3+maxUnknown {
		t.Fatalf("error %.200v", err)
	}
	if p := invalid.Fields[3].Pointer; len(p) > 70 || !strings.HasSuffix(p, "...") {
		t.Errorf("pointer %q", p)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	for range 20_000 {
		a := randomApplication(random)
		if a.Validate() != nil {
			continue
		}
		out, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := DecodeJSON(out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Fatalf("%s\n%s", out, diff)
		}
	}
}

// randomApplication is valid more often than not.
func randomApplication(random *rand.Rand) *Application {
	a := new(Application)
	texts := []string{"", "Male", `a "quoted" <b> & 'c' \`, "3+", "é\u2028😀", " x ", "\ufffd"}
	for c := range NumColumns {
		switch {
		case random.IntN(4) == 0 && c != PropertyArea:
		case c == CreditHistory:
			a.putNumber(c, float64(random.IntN(2)))
		case c == TotalIncome && a.Has(ApplicantIncome) && a.Has(CoapplicantIncome):
			a.putNumber(c, a.numbers[ApplicantIncome]+a.numbers[CoapplicantIncome])
		case c.Numeric():
			value := math.Abs(math.Float64frombits(random.Uint64()))
			if random.IntN(2) == 0 || math.IsNaN(value) || value > 1e300 {
				value = math.Abs(random.NormFloat64() * 1e4)
			}
			a.putNumber(c, value)
		case c == PropertyArea:
			a.putText(c, []byte([]string{"Rural", "Semiurban", "URBAN"}[random.IntN(3)]))
		default:
			if err := a.SetText(c, texts[random.IntN(len(texts))]); err != nil {
				panic(err)
			}
		}
	}
	return a
}

func TestApplicationValues(t *testing.T) {
	t.Parallel()
	var a Application
	for c := range NumColumns {
		_, number := a.Number(c)
		_, text := a.Text(c)
		if number || text || a.Has(c) {
			t.Errorf("the zero value has %v", c)
		}
	}
	if _, ok := a.TotalIncome(); ok {
		t.Error("the zero value has an income")
	}
	for name, err := range map[string]error{
		"number as text": a.SetText(LoanAmount, "1"), "no column": a.SetText(-1, "x"), "beyond": a.SetText(NumColumns, "x"),
		"text as number": a.SetNumber(Gender, 1), "beyond as number": a.SetNumber(99, 1),
	} {
		if !errors.Is(err, ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"NaN": a.SetNumber(LoanAmount, math.NaN()), "Inf": a.SetNumber(LoanAmount, math.Inf(-1)), "not UTF-8": a.SetText(Gender, "\xff"),
	} {
		if !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := errors.Join(a.SetText(Gender, " Female\t"), a.SetNumber(TotalIncome, 7), a.SetNumber(ApplicantIncome, 5)); err != nil {
		t.Fatal(err)
	}
	if text, ok := a.Text(Gender); !ok || text != "Female" {
		t.Errorf("Gender %q, %v", text, ok)
	}
	if total, ok := a.TotalIncome(); !ok || total != 7 {
		t.Errorf("TotalIncome %v, %v", total, ok)
	}
	if err := a.SetText(Gender, "  "); err != nil || a.Has(Gender) {
		t.Errorf("blank text was kept: %v", err)
	}
	a.Reset()
	if !a.Equal(new(Application)) || a.Equal(nil) || (*Application)(nil).Equal(&a) {
		t.Error("Reset left something, or Equal is wrong")
	}
}
