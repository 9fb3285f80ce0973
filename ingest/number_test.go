package ingest

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// failure 48
func TestParseNumber(t *testing.T) {
	t.Parallel()
	good := []string{
		"0", "-0", "1", "5849", "985.7999878", "16.12000084", "1e3", "1E+3", "1e-3", "-1.5e10", "0.1", "0.0", "0e0",
		"123456789012345", "1234567890123456", "12345678901234567890", "9007199254740993", "0.1234567890123456789",
		"999999999999999.0", "99999999999999.9", "0.000000000000001", "1.7976931348623157e308", "5e-324", "1e-400",
		"2.2250738585072011e-308", "1e22", "1e23", "0." + "00000000000000000000000000000000000000001",
	}
	for _, text := range good {
		want, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseNumber([]byte(text)); err != nil || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
	bad := map[string]error{
		"1e400": ErrOverflow, "-1e400": ErrOverflow, "1.8e308": ErrOverflow, "1e99999999999999999999": ErrOverflow,
	}
	for _, text := range []string{
		"", " ", " 1", "1 ", "+1", "-", "--1", "01", "-01", "00", ".5", "5.", "-.5", "1.e5", "e5", "1e", "1e+", "1e5.0",
		"0x10", "0b1", "0o7", "1_000", "5,000", "5.000,00", "1,5", "NaN", "nan", "Inf", "Infinity", "-Infinity", "NA",
		"null", "true", "1f", "1d", "0x1p-2", "１", "1\x00", "1.2.3", "1-2", "$5", "5%",
	} {
		bad[text] = ErrNumber
	}
	for text, want := range bad {
		if got, err := ParseNumber([]byte(text)); !errors.Is(err, want) || got != 0 {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestParseNumberEqualsStrconv(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	for range 200_000 {
		value := math.Float64frombits(random.Uint64())
		if random.IntN(2) == 0 {
			value = float64(random.IntN(1e9)) / pow10[random.IntN(10)]
		}
		if math.IsNaN(value) || math.IsInf(value, 0) {
			continue
		}
		format := "feg"[random.IntN(3)]
		text := strconv.AppendFloat(nil, value, format, -1+random.IntN(2)*random.IntN(19), 64)
		checkNumber(t, text)
	}
}

// checkNumber compares ParseNumber with strconv and encoding/json.
func checkNumber(tb testing.TB, text []byte) {
	tb.Helper()
	got, err := ParseNumber(text)
	isNumber := json.Valid(text) && len(text) > 0 && (text[0] == '-' || '0' <= text[0] && text[0] <= '9') &&
		text[len(text)-1] > ' '
	want, wantErr := strconv.ParseFloat(string(text), 64)
	switch {
	case !isNumber:
		if !errors.Is(err, ErrNumber) {
			tb.Errorf("%q is no JSON number: %v, %v", text, got, err)
		}
	case wantErr != nil:
		if !errors.Is(err, ErrOverflow) {
			tb.Errorf("%q: %v, %v; strconv says %v", text, got, err, wantErr)
		}
	case err != nil || math.Float64bits(got) != math.Float64bits(want):
		tb.Errorf("%q: %v, %v; strconv says %v", text, got, err, want)
	}
}
