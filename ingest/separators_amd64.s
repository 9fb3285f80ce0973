#include "textflag.h"

// One position: that of the lowest bit of R9, plus the offset R8, to (DI); then that
// bit is cleared.
#define POSITION(to) \
	TZCNTQ R9, R11 \
	ADDL   R8, R11 \
	MOVL   R11, to(DI) \
	BLSRQ  R9, R9

// func separatorsAVX2(bounds *uint32, lines []uint64, data *byte, delimiter byte) (n int, odd bool)
//
//	DI  where the next positions go        Y0  the delimiter in every byte
//	BX  lines left                         Y1  the line feed in every byte
//	CX  blocks left                        Y6  the quote in every byte
//	SI  the block                          Y7  the last control character in every byte
//	R8  offset of the block in data        Y8  what is odd so far
//	R9  bits of all separators in it
TEXT ·separatorsAVX2(SB), NOSPLIT, $0-57
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
	MOVL         $0x22222222, AX
	MOVD         AX, X6
	VPBROADCASTD X6, Y6
	MOVL         $0x1f1f1f1f, AX
	MOVD         AX, X7
	VPBROADCASTD X7, Y7
	VPXOR        Y8, Y8, Y8
	VPCMPEQB     Y11, Y11, Y11 // all ones

block:
	VMOVDQU   (SI), Y2
	VMOVDQU   32(SI), Y3
	VPCMPEQB  Y2, Y1, Y4 // line feeds
	VPCMPEQB  Y3, Y1, Y5
	VPCMPEQB  Y2, Y6, Y9 // quotes
	VPCMPEQB  Y3, Y6, Y10
	VPOR      Y9, Y8, Y8
	VPOR      Y10, Y8, Y8
	VPCMPGTB  Y7, Y2, Y9 // printable ASCII: above 0x1f, as signed bytes
	VPCMPGTB  Y7, Y3, Y10
	VPCMPEQB  Y2, Y0, Y2 // delimiters
	VPCMPEQB  Y3, Y0, Y3
	VPOR      Y4, Y2, Y2
	VPOR      Y5, Y3, Y3
	VPOR      Y2, Y9, Y9
	VPOR      Y3, Y10, Y10
	VPAND     Y9, Y10, Y9
	VPANDN    Y11, Y9, Y9 // in Y9 is what is none of these
	VPOR      Y9, Y8, Y8
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

	VPTEST Y8, Y8
	SETNE  odd+56(FP)
	VZEROUPPER
	SUBQ DX, DI
	SHRQ $2, DI
	MOVQ DI, n+48(FP)
	RET
