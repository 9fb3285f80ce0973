package ingest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// decimalText writes digits, a tail of more of them, a point and an exponent as a number of the grammar.
func decimalText(digits uint64, tail string, point, exponent int) []byte {
	all := strconv.FormatUint(digits, 10) + tail
	if point < len(all) {
		all = all[:len(all)-point] + "." + all[len(all)-point:]
	} else {
		all = "0." + strings.Repeat("0", point-len(all)) + all
	}
	all = strings.TrimSuffix(all, ".")
	if whole, _, _ := strings.Cut(all, "."); len(whole) > 1 && whole[0] == '0' {
		all = "1" + all
	}
	if exponent != 0 {
		all += fmt.Sprintf("e%+d", exponent)
	}
	return []byte(all)
}

// Every way to convert: exact ones, one division, short texts, and bounds of long ones.
func TestParseNumberOfManyDigits(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 8))
	for range 200_000 {
		digits := random.Uint64() >> random.IntN(64)
		tail := ""
		if random.IntN(4) == 0 {
			tail = strconv.FormatUint(random.Uint64(), 10)[:1+random.IntN(10)]
		}
		checkNumber(t, decimalText(digits, tail, random.IntN(25), random.IntN(2)*(random.IntN(80)-40)))
	}
}

// One division: one in a few thousand of these is told from halfway by its rest alone.
func TestParseNumberByDivision(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(11, 12))
	for range 100_000 {
		digits := 1e16 + random.Uint64N(1e19-1e16)
		checkNumber(t, decimalText(digits, "", 1+random.IntN(19), 0))
	}
}

// Numbers halfway between two float64 and beside that, which are easiest to get wrong.
func TestParseNumberHalfway(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(9, 10))
	for range 20_000 {
		// (2m+1)/2 * 2^e lies between two floats of 53 bits, and is written out in full.
		m := 1<<53 + random.Uint64N(1<<53)
		text := new(strings.Builder)
		switch e := random.IntN(3); e {
		case 0:
			fmt.Fprintf(text, "%d", m|1)
		default: // 2^53 <= m < 2^54, so that m/2^e has one bit more than a float64
			fmt.Fprintf(text, "%d.%s", m>>e, [...]string{"", "5", "25"}[e])
			if e == 2 && m&2 != 0 {
				text.Reset()
				fmt.Fprintf(text, "%d.75", m>>e)
			}
		}
		checkNumber(t, []byte(text.String()))
		for _, more := range []string{"0", "000000000001", "00000000000000000000000000000000001", "9"} {
			if strings.Contains(text.String(), ".") {
				checkNumber(t, []byte(text.String()+more))
			} else {
				checkNumber(t, []byte(text.String()+"."+more))
			}
		}
	}
}

func TestParseNumberExtremes(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("0", 400)
	for _, text := range []string{
		"18446744073709551615", "18446744073709551616", "9999999999999999999", "9999999999999999999.9",
		"9007199254740993", "9007199254740992.5", "9007199254740991e22", "1e22", "1e23", "9007199254740993e-19",
		"0e999999999999999999999", "0." + zeros + "1e401", "1" + zeros + "e-400", "0." + zeros + "0e400", "1" + zeros,
		"2.4703282292062327208e-324", "2.4703282292062328e-324", "2.47032822920623272088284396434110686182e-324",
		"1.7976931348623158079e308", "1.7976931348623159e308", "179769313486231580793" + zeros[:289],
		"1e-99999999999999999999", "1e99999999999999999999", "-0.0", "-0e5", "1e-9223372036854775809",
	} {
		checkNumber(t, []byte(text))
		checkNumber(t, []byte("-"+text))
	}
}

func TestParseNumberDoesNotAllocate(t *testing.T) {
	for _, text := range []string{
		"5849", "-985.7999878", "1.5e10", "1234567890.123456789", "1e-300", "2.2250738585072011e-308",
		"0.123456789012345678901234567890123456789", "not a number", "1e400",
	} {
		number := []byte(text)
		if n := testing.AllocsPerRun(100, func() { _, _ = ParseNumber(number) }); n != 0 {
			t.Errorf("%s: %g allocations", text, n)
		}
	}
}

func FuzzDecimal(f *testing.F) {
	f.Add(uint64(9007199254740993), uint32(0), uint8(0), int16(0), false)
	f.Add(uint64(math.MaxUint64), uint32(5), uint8(19), int16(0), true)
	f.Add(uint64(9857999878), uint32(0), uint8(7), int16(-3), false)
	f.Add(uint64(1), uint32(1), uint8(200), int16(300), false)
	f.Fuzz(func(t *testing.T, digits uint64, tail uint32, point uint8, exponent int16, negative bool) {
		text := decimalText(digits, strings.TrimLeft(strconv.Itoa(int(tail)), "0"), int(point), int(exponent))
		if negative {
			text = append([]byte("-"), text...)
		}
		checkNumber(t, text)
	})
}

// BenchmarkDecimal compares with strconv on cells as they come.
func BenchmarkDecimal(b *testing.B) {
	for name, texts := range map[string][]string{
		"whole":    {"5849", "128", "360", "1", "0", "12841", "6000", "2583"},
		"fraction": {"985.7999878", "16.12000084", "0.5", "146.4", "1508.25", "12.5"},
		"exponent": {"1e3", "1.5E-7", "2.5e10", "6.02e23"},
		"17digits": {"1234567890.1234567", "0.12345678901234567", "9007199254740993.5"},
	} {
		var cells [256][]byte
		for i := range cells {
			cells[i] = []byte(texts[(i*i*7+i*3)%len(texts)])
		}
		for who, parse := range map[string]func([]byte) (float64, error){
			"ParseNumber": ParseNumber,
			"strconv":     func(b []byte) (float64, error) { return strconv.ParseFloat(string(b), 64) },
		} {
			b.Run(name+"/"+who, func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if _, err := parse(cells[i&255]); err != nil {
						b.Fatal(err)
					}
					i++
				}
			})
		}
	}
}
