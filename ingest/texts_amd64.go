package ingest

import "golang.org/x/sys/cpu"

// texts is findTexts, by assembly where the processor has what that needs.
func texts(cells *cellRun, f *fieldPlan, codes []uint32) int {
	if !cpu.X86.HasBMI2 || len(codes) == 0 {
		return findTexts(cells, f, codes)
	}
	_ = cells.bounds[(len(codes)-1)*cells.step+1]
	return knownTextsBMI2(&textCells{
		codes: &codes[0], n: len(codes), data: &cells.data[0], bounds: &cells.bounds[0], step: cells.step,
		slots: &f.names.slots, factor: f.names.factor, masks: &textMasks.second,
	})
}

// textCells is what knownTextsBMI2 needs, see cellRun.
type textCells struct {
	codes  *uint32
	n      int
	data   *byte
	bounds *uint32
	step   int
	slots  *[nameSlots]nameSlot
	factor uint64
	masks  *[16]uint64
}

// knownTextsBMI2 reads 16 bytes from each cell on, whatever they are.
//
//go:noescape
func knownTextsBMI2(cells *textCells) int
