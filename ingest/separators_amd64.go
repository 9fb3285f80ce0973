package ingest

import "golang.org/x/sys/cpu"

// vectors tells that the processor has what the assembly needs.
var vectors = cpu.X86.HasAVX2 && cpu.X86.HasBMI1 && cpu.X86.HasPOPCNT

// separators is findSeparators, by vectors where the processor has them.
func separators(bounds []uint32, lines []uint64, data []byte, delimiter byte) (n int, odd bool) {
	if !vectors || len(lines) == 0 {
		return findSeparators(bounds, lines, data, delimiter)
	}
	_, _ = data[len(lines)*wordsBytes-1], bounds[len(lines)*wordsBytes+7]
	return separatorsAVX2(&bounds[0], lines, &data[0], delimiter)
}

// separatorsAVX2 compares 64 bytes at a time.
//
//go:noescape
func separatorsAVX2(bounds *uint32, lines []uint64, data *byte, delimiter byte) (n int, odd bool)
