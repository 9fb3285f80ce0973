#include "textflag.h"

// Four positions: the lowest bit of R9, plus the offset R8, to (DI); then that
// bit is cleared.
#define POSITION(to) \
	TZCNTQ R9, R11 \
	ADDL   R8, R11 \
	MOVL   R11, to(DI) \
	BLSRQ  R9, R9

// func separatorsAVX2(bounds *uint32, lines []uint64, data *byte, delimiter byte) int
//
//	DI  where the next positions go        Y0  the delimiter in every byte
//	BX  lines left                         Y1  the line feed in every byte
//	CX  blocks left                        R8  offset of the block in data
//	SI  the block                          R9  bits of all separators in it
TEXT ·separatorsAVX2(SB), NOSPLIT, $0-56
	MOVQ bounds+0(FP), DI
	MOVQ lines_base+8(FP), BX
	MOVQ lines_len+16(FP), CX
	MOVQ data+32(FP), SI
	MOVQ DI, DX
	XORL R8, R8

	VPBROADCASTB delimiter+40(FP), Y0
	MOVL         $0x0a0a0a0a, AX
	MOVD         AX, X1
	VPBROADCASTD X1, Y1

block:
	VMOVDQU   (SI), Y2
	VMOVDQU   32(SI), Y3
	VPCMPEQB  Y2, Y1, Y4 // line feeds
	VPCMPEQB  Y3, Y1, Y5
	VPCMPEQB  Y2, Y0, Y2 // delimiters
	VPCMPEQB  Y3, Y0, Y3
	VPOR      Y4, Y2, Y2
	VPOR      Y5, Y3, Y3
	VPMOVMSKB Y4, AX
	VPMOVMSKB Y5, R10
	SHLQ      $32, R10
	ORQ       R10, AX
	MOVQ      AX, (BX)
	VPMOVMSKB Y2, R9
	VPMOVMSKB Y3, R10
	SHLQ      $32, R10
	ORQ       R10, R9
	POPCNTQ   R9, R12
	LEAQ      (DI)(R12*4), R13 // where the next block's go

more:
	// Eight at a time, some of them for nothing: their number is hard to
	// guess, whether it is above eight is not.
	POSITION(0)
	POSITION(4)
	POSITION(8)
	POSITION(12)
	POSITION(16)
	POSITION(20)
	POSITION(24)
	POSITION(28)
	ADDQ  $32, DI
	TESTQ R9, R9
	JNE   more

	MOVQ R13, DI
	ADDQ $64, SI
	ADDQ $8, BX
	ADDL $64, R8
	DECQ CX
	JNE  block

	VZEROUPPER
	SUBQ DX, DI
	SHRQ $2, DI
	MOVQ DI, ret+48(FP)
	RET
