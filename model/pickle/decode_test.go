package pickle_test

import (
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loanscorer/loanscorer/model/pickle"
)

type tuple = pickle.Tuple

func list(items ...any) *pickle.List { return &pickle.List{Items: items} }

func anyName(pickle.Global) bool { return true }

// The pickles were written with Python's pickle and pickletools.
func TestDecodeValues(t *testing.T) {
	t.Parallel()
	thing := pickle.Global{Module: "m", Name: "Thing"}
	for _, tc := range []struct {
		name, in string
		want     any
	}{
		{"none", "N.", nil},
		{"bools", "\x80\x02\x88\x89\x86.", tuple{true, false}},
		{"text bools", "(I01\nI00\nt.", tuple{true, false}},
		{"text numbers", "(I-7\nL12L\nF2.5\nI1\nt.", tuple{int64(-7), int64(12), 2.5, int64(1)}},
		{"binary numbers", "(J\xff\xff\xff\xffK\xffM\x00\x01G\x3f\xf8\x00\x00\x00\x00\x00\x00t.", tuple{int64(-1), int64(255), int64(256), 1.5}},
		{"longs", "\x80\x02(\x8a\x00\x8a\x01\xff\x8a\x02\xff\x00\x8b\x03\x00\x00\x00\x01\x00\x80t.", tuple{int64(0), int64(-1), int64(255), int64(-8388607)}},
		{"long integer", "\x80\x02\x8a\x09\x01\x00\x00\x00\x00\x00\x00\x00\x01.", pickle.Unread("an integer beyond 64 bits")},
		{"long text", "L99999999999999999999L\n.", pickle.Unread("an integer beyond 64 bits")},
		{"text", "(X\x02\x00\x00\x00\xc3\xa9V\\u00e9\xe9\\\nS'a\\'\\n\\x41'\nU\x01\xfft.", tuple{"é", "éé\\", "a'\nA", "\xff"}},
		{"bytes", "\x80\x05(C\x02\x00\xffB\x01\x00\x00\x00x\x96\x01\x00\x00\x00\x00\x00\x00\x00yt.", tuple{[]byte{0, 255}, []byte("x"), []byte("y")}},
		{"latin-1 bytes", "c_codecs\nencode\n(X\x03\x00\x00\x00a\xc3\xbfX\x06\x00\x00\x00latin1tR.", []byte{'a', 0xff}},
		{"empty bytes", "c__builtin__\nbytes\n)R.", []byte{}},
		{"lists", "(](l]I1\na(I2\nI3\ne(I4\nlt.", tuple{list(), list(), list(int64(1), int64(2), int64(3)), list(int64(4))}},
		{"empty tuple", ").", tuple{}},
		{"tuples", "\x80\x02NNN\x87\x85.", tuple{tuple{nil, nil, nil}}},
		{"sets", "\x80\x04\x8f(K\x01\x90(K\x02\x91\x86.", tuple{list(int64(1)), list(int64(2))}},
		{"memo", "\x80\x04K\x07\x94K\x08\x94h\x00\x87r\x05\x00\x00\x000j\x05\x00\x00\x00.", tuple{int64(7), int64(8), int64(7)}},
		{"pop", "K\x01K\x020.", int64(1)},
		{"pop mark", "K\x01(K\x02K\x031.", int64(1)},
		{"pop the mark itself", "K\x01(0.", int64(1)},
		{"dup", "K\x012\x86.", tuple{int64(1), int64(1)}},
		{"text memo", "I5\np3\n0g3\n.", int64(5)},
		{"class", "cm\nThing\n.", thing},
		{"stack class", "\x80\x04\x8c\x01m\x8c\x05Thing\x93.", thing},
		{"call", "cm\nThing\n(K\x01tR.", &pickle.Object{Class: thing, Args: tuple{int64(1)}}},
		{"new", "\x80\x02cm\nThing\n)\x81K\x01b.", &pickle.Object{Class: thing, Args: tuple{}, State: int64(1), Built: true}},
		{"new with keywords", "\x80\x04cm\nThing\n)}\x92.", &pickle.Object{Class: thing, Args: tuple{}}},
		{"old instance", "(K\x01im\nThing\n.", &pickle.Object{Class: thing, Args: tuple{int64(1)}}},
		{"old object", "(cm\nThing\nK\x01o.", &pickle.Object{Class: thing, Args: tuple{int64(1)}}},
		{"reconstructor", "ccopy_reg\n_reconstructor\n(cm\nThing\nc__builtin__\nobject\nNtRK\x01b.", &pickle.Object{Class: thing, State: int64(1), Built: true}},
		{"items of an object", "cm\nThing\n)R(K\x01K\x02uK\x01aK\x01K\x02s.", &pickle.Object{Class: thing, Args: tuple{}}},
		{"read only buffer", "\x80\x05C\x01x\x98.", []byte("x")},
		{"frame", "\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00K\x01.", int64(1)},
	} {
		got, err := pickle.Decode([]byte(tc.in), pickle.Options{Allow: anyName})
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

func TestDecodeDict(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"}X\x01\x00\x00\x00aK\x01sK\x05K\x06s.", "(X\x01\x00\x00\x00aK\x01K\x05K\x06d.", "}(X\x01\x00\x00\x00aK\x01K\x05K\x06u."} {
		got, err := pickle.Decode([]byte(in), pickle.Options{})
		d, ok := got.(*pickle.Dict)
		if err != nil || !ok {
			t.Errorf("%q: %v, %v", in, got, err)
			continue
		}
		if v, ok := d.Get("a"); !ok || v != int64(1) {
			t.Errorf("%q: a = %v", in, v)
		}
		if _, ok := d.Get("b"); ok {
			t.Errorf("%q: has b", in)
		}
	}
}

// Every opcode that makes Python call something stops at the name.
func TestNothingIsExecuted(t *testing.T) {
	t.Parallel()
	const command = "X\x04\x00\x00\x00true"
	for name, in := range map[string]string{
		"REDUCE":       "cposix\nsystem\n(" + command + "tR.",
		"STACK_GLOBAL": "\x80\x04\x8c\x05posix\x8c\x06system\x93(" + command + "tR.",
		"INST":         "(" + command + "iposix\nsystem\n.",
		"OBJ":          "(cposix\nsystem\n" + command + "o.",
		"NEWOBJ":       "\x80\x02cposix\nsystem\n" + command + "\x85\x81.",
		"NEWOBJ_EX":    "\x80\x04cposix\nsystem\n" + command + "\x85}\x92.",
		"BUILD":        "cposix\nsystem\n}" + command + "b.",
		"memo":         "cposix\nsystem\nq\x000h\x00" + command + "\x85R.",
		"unused":       "cposix\nsystem\n" + command + "\x85R0K\x01.",
	} {
		_, err := pickle.Decode([]byte(in), pickle.Options{})
		var forbidden *pickle.ForbiddenError
		if !errors.As(err, &forbidden) || forbidden.Global.String() != "posix.system" || forbidden.First != forbidden.Global {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodeRefusesMalformed(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"empty": "", "no end": "K\x01", "unknown opcode": "\xff.", "newer protocol": "\x80\x06N.",
		"nothing on the stack": ".", "two values": "NN.", "open mark": "(N.", "trailing": "N.N",
		"pop empty": "0.", "pop mark empty": "1.", "below the mark": "K\x01(\x85.", "dup empty": "2.",
		"tuple without mark": "Nt.", "append to a number": "K\x01K\x02a.", "items of a tuple": ")(K\x01K\x02u.",
		"odd items": "}(K\x01u.", "build a number": "K\x01Nb.", "build twice": "cm\nT\n)RNbNb.",
		"build a class": "cm\nT\nNb.", "call a number": "K\x01)R.", "call with a list": "cm\nT\n]R.",
		"class of a number": "\x80\x04K\x01K\x02\x93.", "object of nothing": "(o.", "object of a number": "(K\x01o.",
		"memo unknown": "h\x00.", "memo gap": "K\x01q\x050h\x03.", "memo text": "gx\n.", "put on empty": "q\x00.",
		"persistent": "Px\n.", "binary persistent": "NQ.", "extension": "\x82\x01.", "extension 4": "\x84\x01\x00\x00\x00.",
		"out of band": "\x80\x05\x97.", "bad int": "Ix\n.", "empty int": "I\n.", "two signs": "I--1\n.", "bad float": "Fx\n.",
		"bad line": "I1", "no quotes": "Sx\n.", "bad escape": "S'\\q'\n.", "short escape": "V\\u12\n.", "surrogate": "V\\ud800\n.",
		"bad utf-8": "X\x01\x00\x00\x00\xff.", "encode to utf-8": "c_codecs\nencode\n(X\x01\x00\x00\x00aX\x05\x00\x00\x00utf-8tR.",
		"encode beyond latin-1": "c_codecs\nencode\n(X\x03\x00\x00\x00\xe2\x82\xacX\x06\x00\x00\x00latin1tR.",
		"reconstruct a number":  "ccopyreg\n_reconstructor\n(K\x01K\x02NtR.", "reconstruct nothing": "ccopyreg\n_reconstructor\n)R.",
		"frame past the end": "\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff.", "bytes past the end": "B\xff\xff\xff\xffx.",
		"8-byte length": "\x8e\xff\xff\xff\xff\xff\xff\xff\x7fx.", "text past the end": "\x8d\x00\x00\x00\x00\x00\x00\x00\x80x.",
		"long past the end": "\x8b\xff\xff\xff\x7fx.", "negative long": "\x8b\xff\xff\xff\xffx.",
	} {
		if v, err := pickle.Decode([]byte(in), pickle.Options{Allow: anyName}); !errors.Is(err, pickle.ErrMalformed) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

// Bombs: little input that asks for much memory, or 8 MiB of one opcode.
func TestBombsEndAtTheLimit(t *testing.T) {
	const size = 8 << 20
	u32 := func(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) }
	for name, in := range map[string]string{
		"memo":         "Nr" + u32(math.MaxUint32) + ".",
		"memo text":    "Np4294967295\n.",
		"lists":        strings.Repeat("]", size),
		"nested lists": "]" + strings.Repeat("]a", size/2),
		"nones":        strings.Repeat("N", size),
		"nest tuples":  "N" + strings.Repeat("\x85", size),
		"memoize":      "N" + strings.Repeat("\x94", size),
		"dup tuple":    "N" + strings.Repeat("2\x86", size/2),
		"appends":      "](" + strings.Repeat("N", 1<<19) + "e" + strings.Repeat("(NNNNNNNNe", size/16),
		"dict":         "}" + strings.Repeat("NNs", size/3),
		"classes":      strings.Repeat("cm\nT\n0", size/6),
		"objects":      "cm\nT\nq\x00" + strings.Repeat(")Rh\x00", size/4),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		data := []byte(in)
		if _, err := pickle.Decode(data, pickle.Options{Allow: anyName}); !errors.Is(err, pickle.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc - uint64(len(data)); used > 200<<20 {
			t.Errorf("%s: %d MiB allocated in all", name, used>>20)
		}
	}
	marks := strings.Repeat("(", size)
	if _, err := pickle.Decode([]byte(marks), pickle.Options{}); !errors.Is(err, pickle.ErrMalformed) {
		t.Errorf("marks: %v", err)
	}
}

func TestForbiddenNamesTheFirstClass(t *testing.T) {
	t.Parallel()
	allow := func(g pickle.Global) bool { return g.Module == "good" }
	_, err := pickle.Decode([]byte("cgood\nModel\n)Rcos\nsystem\n."), pickle.Options{Allow: allow})
	var forbidden *pickle.ForbiddenError
	if !errors.As(err, &forbidden) || forbidden.First.String() != "good.Model" || !strings.Contains(err.Error(), "os.system") {
		t.Error(err)
	}
	odd := pickle.Global{Module: "a\nb", Name: strings.Repeat("x", 1000)}
	if s := odd.String(); strings.Contains(s, "\n") || len(s) > 200 {
		t.Errorf("%s", s)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x80\x04\x95\x02\x00\x00\x00\x00\x00\x00\x00K\x01."))
	f.Add([]byte("ccopy_reg\n_reconstructor\n(cm\nThing\nc__builtin__\nobject\nNtRK\x01b."))
	f.Add([]byte("}(X\x01\x00\x00\x00aK\x01K\x05K\x06uq\x000h\x00."))
	f.Add([]byte("\x80\x02(\x8a\x00\x8a\x01\xff\x8b\x03\x00\x00\x00\x01\x00\x80]K\x01aF1.5\nS'x\\x00'\nV\\u00e9\nt."))
	f.Add([]byte("(K\x01im\nThing\n(cm\nThing\nK\x01o\x86."))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := pickle.Decode(data, pickle.Options{Allow: anyName, MaxMemory: 1 << 20})
		if err != nil && !errors.Is(err, pickle.ErrMalformed) && !errors.Is(err, pickle.ErrLimit) {
			t.Fatal(err)
		}
		if err != nil && v != nil {
			t.Fatal("a value with an error")
		}
	})
}

// joblib writes an array's bytes behind the object that describes it, and an
// array of objects as a pickle of its own.
func TestDataBehindAnObject(t *testing.T) {
	t.Parallel()
	follow := func(o *pickle.Object) (pickle.Follow, error) {
		switch o.State {
		case int64(1):
			return pickle.Follow{Bytes: 3}, nil
		case int64(2):
			return pickle.Follow{Padded: true, Bytes: 2}, nil
		case int64(3):
			return pickle.Follow{Padded: true, Pickle: true}, nil
		case int64(4):
			return pickle.Follow{}, errors.New("told so")
		}
		return pickle.Follow{}, nil
	}
	const object = "cm\nT\n)R"
	for in, want := range map[string]any{
		object + "K\x01babc.":                       []byte("abc"),
		object + "K\x02b\x02\xff\xffab.":            []byte("ab"),
		object + "K\x03b\x01\xff\x80\x02]K\x07a..":  list(int64(7)),
		object + "K\x03b\x00(K\x07q\x00l.h\x000.":   "malformed: the memo is another one",
		object + "K\x03b\x00" + object + "K\x01b..": &pickle.Object{Class: pickle.Global{Module: "m", Name: "T"}, Args: tuple{}, State: int64(1), Built: true},
		object + "K\x05b.":                          nil,
		object + "K\x01bab":                         "malformed: short",
		object + "K\x03bN":                          "malformed: no end",
		object + "K\x03b\x00NN.":                    "malformed: two values inside",
		object + "K\x03b\x00N.":                     "malformed: no end outside",
		object + "K\x04b.":                          "error",
	} {
		v, err := pickle.Decode([]byte(in), pickle.Options{Allow: anyName, Follow: follow})
		if why, bad := want.(string); bad {
			if err == nil || (why != "error" && !errors.Is(err, pickle.ErrMalformed)) {
				t.Errorf("%q: %v, %v, want %s", in, v, err, why)
			}
			continue
		}
		o, ok := v.(*pickle.Object)
		if err != nil || !ok {
			t.Errorf("%q: %v, %v", in, v, err)
			continue
		}
		if diff := cmp.Diff(want, o.Data); diff != "" {
			t.Errorf("%q: %s", in, diff)
		}
	}
}
