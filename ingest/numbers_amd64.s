#include "go_asm.h"
#include "textflag.h"

// Constants of four 64-bit lanes, and tables of eight 32-bit entries by digits.
DATA zeros<>+0(SB)/8, $0x3030303030303030
GLOBL zeros<>(SB), RODATA|NOPTR, $8
DATA nines<>+0(SB)/8, $0x0909090909090909
GLOBL nines<>(SB), RODATA|NOPTR, $8
DATA tens<>+0(SB)/8, $0x010a010a010a010a
GLOBL tens<>(SB), RODATA|NOPTR, $8
DATA hundreds<>+0(SB)/8, $0x0001006400010064
GLOBL hundreds<>(SB), RODATA|NOPTR, $8
DATA low<>+0(SB)/8, $0x00000000ffffffff
GLOBL low<>(SB), RODATA|NOPTR, $8
DATA seven<>+0(SB)/8, $7
GLOBL seven<>(SB), RODATA|NOPTR, $8
DATA one<>+0(SB)/8, $1
GLOBL one<>(SB), RODATA|NOPTR, $8
DATA all<>+0(SB)/8, $64
GLOBL all<>(SB), RODATA|NOPTR, $8
DATA tenthousand<>+0(SB)/8, $10000
GLOBL tenthousand<>(SB), RODATA|NOPTR, $8
DATA nan<>+0(SB)/8, $0x7ff8000000000001
GLOBL nan<>(SB), RODATA|NOPTR, $8

// The least number of so many digits, and how many there are below smallNumbers.
DATA least<>+0(SB)/4, $0
DATA least<>+4(SB)/4, $0
DATA least<>+8(SB)/4, $10
DATA least<>+12(SB)/4, $100
DATA least<>+16(SB)/4, $1000
DATA least<>+20(SB)/4, $10000
DATA least<>+24(SB)/4, $100000
DATA least<>+28(SB)/4, $0
GLOBL least<>(SB), RODATA|NOPTR, $32
DATA span<>+0(SB)/4, $0
DATA span<>+4(SB)/4, $10
DATA span<>+8(SB)/4, $90
DATA span<>+12(SB)/4, $900
DATA span<>+16(SB)/4, $9000
DATA span<>+20(SB)/4, $90000
DATA span<>+24(SB)/4, $31072
DATA span<>+28(SB)/4, $0
GLOBL span<>(SB), RODATA|NOPTR, $32

// func smallNumbersAVX2(cells *fourCells) (n int, unknown bool)
//
//	DI  codes    SI  values    CX  cells left
//	BX  data+1   DX  bounds    R8  bytes to the next row's bounds    R9  small
//	Y0  lengths of four cells  Y1  their numbers    Y5  which of them are empty
//	Y6  all ones if cells may be empty    R13  not 0 for a number without a code
TEXT ·smallNumbersAVX2(SB), NOSPLIT, $0-17
	MOVQ cells+0(FP), AX
	MOVQ fourCells_codes(AX), DI
	MOVQ fourCells_values(AX), SI
	MOVQ fourCells_n(AX), CX
	MOVQ fourCells_data(AX), BX
	MOVQ fourCells_bounds(AX), DX
	MOVQ fourCells_step(AX), R8
	MOVQ fourCells_small(AX), R9
	SHLQ $2, R8
	LEAQ (R8)(R8*2), R10
	INCQ BX

	VPBROADCASTQ low<>(SB), Y15
	VPBROADCASTQ one<>(SB), Y14
	VPBROADCASTQ all<>(SB), Y13
	VPBROADCASTQ zeros<>(SB), Y12
	VPBROADCASTQ nines<>(SB), Y11
	VPBROADCASTQ tens<>(SB), Y10
	VPBROADCASTQ hundreds<>(SB), Y9
	VPBROADCASTQ tenthousand<>(SB), Y8
	VPBROADCASTQ seven<>(SB), Y7
	VPBROADCASTQ fourCells_empty(AX), Y6
	MOVQ CX, AX
	XORL R13, R13

four:
	CMPQ CX, $4
	JLT  done

	// The bounds of four cells: where each begins, less 1, and where it ends.
	VMOVQ       (DX), X0
	VPINSRQ     $1, (DX)(R8*1), X0, X0
	VMOVQ       (DX)(R8*2), X1
	VPINSRQ     $1, (DX)(R10*1), X1, X1
	VINSERTI128 $1, X1, Y0, Y0
	VPAND       Y15, Y0, Y1
	VPSRLQ      $32, Y0, Y0

	// Before the cell at byte 0 is -1, in 32 bits.
	VPCMPEQQ Y15, Y1, Y2
	VPOR      Y2, Y1, Y1
	VPSUBQ   Y1, Y0, Y0
	VPSUBQ   Y14, Y0, Y0      // lengths

	// The first eight bytes of each: single loads take less than a gather.
	VMOVQ        X1, R11
	VPEXTRQ      $1, X1, R12
	VEXTRACTI128 $1, Y1, X2
	VMOVQ        (BX)(R11*1), X3
	VMOVQ        X2, R11
	VPINSRQ      $1, (BX)(R12*1), X3, X3
	VPEXTRQ      $1, X2, R12
	VMOVQ        (BX)(R11*1), X4
	VPINSRQ      $1, (BX)(R12*1), X4, X4
	VINSERTI128  $1, X4, Y3, Y3

	// Digits to the high end of each word, what comes after the cell away.
	VPXOR      Y12, Y3, Y3
	VPSLLQ     $3, Y0, Y4
	VPSUBQ     Y4, Y13, Y4
	VPSLLVQ    Y4, Y3, Y3
	VPSUBUSB   Y11, Y3, Y5    // not 0 where there is no digit
	VPMADDUBSW Y10, Y3, Y3
	VPMADDWD   Y9, Y3, Y3
	VPMULUDQ   Y8, Y3, Y4
	VPSRLQ     $32, Y3, Y3
	VPADDQ     Y4, Y3, Y1

	// least <= number < least + span, which is nothing for other lengths.
	VMOVDQU  least<>(SB), Y2
	VPERMD   Y2, Y0, Y2
	VMOVDQU  span<>(SB), Y3
	VPERMD   Y3, Y0, Y3
	VPSUBQ   Y2, Y1, Y2
	VPCMPGTQ Y2, Y3, Y3       // number - least < span
	VPXOR    Y4, Y4, Y4
	VPCMPGTQ Y2, Y4, Y2       // number - least < 0
	VPANDN   Y3, Y2, Y3       // in range
	VPCMPGTQ Y7, Y0, Y2       // longer than seven
	VPANDN   Y3, Y2, Y3
	VPCMPEQQ Y4, Y5, Y5       // all digits
	VPAND    Y5, Y3, Y3
	VPCMPEQQ Y4, Y0, Y5       // empty
	VPAND    Y6, Y5, Y5
	VPOR     Y5, Y3, Y3
	VMOVMSKPD Y3, R11
	CMPL     R11, $15
	JNE      done

	// Their codes, 0 of the empty ones.
	VMOVQ        X1, R11
	VPEXTRQ      $1, X1, R12
	VEXTRACTI128 $1, Y1, X2
	VMOVD        (R9)(R11*4), X3
	VMOVQ        X2, R11
	VPINSRD      $1, (R9)(R12*4), X3, X3
	VPEXTRQ      $1, X2, R12
	VPINSRD      $2, (R9)(R11*4), X3, X3
	VPINSRD      $3, (R9)(R12*4), X3, X3
	VEXTRACTI128 $1, Y5, X4
	VSHUFPS      $0x88, X4, X5, X4
	VPANDN       X3, X4, X3
	VMOVDQU      X3, (DI)
	VPXOR        X0, X0, X0
	VPCMPEQD     X0, X3, X3
	VPANDN       X3, X4, X3
	VMOVMSKPS    X3, R11
	ORL          R11, R13

	// The low halves of the numbers, NaN for the empty ones.
	VSHUFPS      $0x88, X2, X1, X1
	VCVTDQ2PD    X1, Y1
	VBROADCASTSD nan<>(SB), Y2
	VBLENDVPD    Y5, Y2, Y1, Y1
	VMOVUPD      Y1, (SI)

	LEAQ (DX)(R8*4), DX
	ADDQ $16, DI
	ADDQ $32, SI
	SUBQ $4, CX
	JMP  four

done:
	VZEROUPPER
	SUBQ  CX, AX
	MOVQ  AX, n+8(FP)
	TESTL R13, R13
	SETNE unknown+16(FP)
	RET
