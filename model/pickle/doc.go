// Package pickle reads Python pickles (protocols 0 to 5) as data and executes
// nothing.
//
//	bytes --Decode--> nil, bool, int64, float64, string, []byte,
//	                  Tuple, *List, *Dict, Global, *Object, Unread
//
// A call, a new instance or a restored state, which Python would run, becomes
// an [*Object] that records the callable's name, its arguments and its state.
// Names that the caller did not allow end the reading. Bytes between the
// opcodes, as joblib writes arrays, are read where the caller announces them.
// Byte strings are slices of the input, so a large array costs no copy.
//
// Work is bounded by the input's length, memory by [Options.MaxMemory]. No
// input panics. What it does not do: persistent ids, extension codes and
// out-of-band buffers are refused; integers beyond int64 keep no value.
//
// Source: CPython's Lib/pickletools.py, which documents every opcode.
package pickle
