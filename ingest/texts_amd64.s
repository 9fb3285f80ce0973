#include "go_asm.h"
#include "textflag.h"

// func knownTextsBMI2(cells *textCells) int
//
//	DI  codes       CX  cells left
//	BX  data        DX  bounds     R8  bytes to the next row's bounds
//	R9  slots       R10 factor     R11 masks of second words
//	SI  size        R14, AX        the text's words
//	R12, R15        where the hash is made
TEXT ·knownTextsBMI2(SB), NOSPLIT, $0-16
	MOVQ cells+0(FP), AX
	MOVQ textCells_codes(AX), DI
	MOVQ textCells_n(AX), CX
	MOVQ textCells_data(AX), BX
	MOVQ textCells_bounds(AX), DX
	MOVQ textCells_step(AX), R8
	MOVQ textCells_slots(AX), R9
	MOVQ textCells_factor(AX), R10
	MOVQ textCells_masks(AX), R11
	SHLQ $2, R8

cell:
	MOVL (DX), AX
	INCL AX               // before the cell at byte 0 is -1, in 32 bits
	MOVL 4(DX), SI
	SUBL AX, SI
	CMPL SI, $16
	JCC  done

	// The text's words without what comes after it.
	LEAQ  (SI*8), R12
	MOVQ  (BX)(AX*1), R14
	BZHIQ R12, R14, R14
	MOVQ  8(BX)(AX*1), AX
	ANDQ  (R11)(SI*8), AX

	// nameHash.
	IMUL3Q $const_nameFold, AX, R15
	XORQ  R14, R15
	IMULQ R10, R15
	SHRQ  $58, R15
	LEAQ  (R15)(R15*2), R15
	LEAQ  (R9)(R15*8), R15
	CMPQ  nameSlot_word0(R15), R14
	JNE   done
	CMPQ  nameSlot_word1(R15), AX
	JNE   done
	CMPL  nameSlot_size(R15), SI
	JNE   done
	MOVL  nameSlot_code(R15), AX
	MOVL  AX, (DI)

	ADDQ R8, DX
	ADDQ $4, DI
	DECQ CX
	JNE  cell

done:
	MOVQ cells+0(FP), AX
	MOVQ textCells_n(AX), AX
	SUBQ CX, AX
	MOVQ AX, ret+8(FP)
	RET
