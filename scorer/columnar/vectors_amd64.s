#include "go_asm.h"
#include "textflag.h"

DATA range<>+0(SB)/4, $0xffffff00
GLOBL range<>(SB), RODATA|NOPTR, $4
DATA sixteen<>+0(SB)/4, $0x10101010
GLOBL sixteen<>(SB), RODATA|NOPTR, $4
DATA saturate<>+0(SB)/4, $0x70707070
GLOBL saturate<>(SB), RODATA|NOPTR, $4
DATA unknown<>+0(SB)/4, $0xfefefefe
GLOBL unknown<>(SB), RODATA|NOPTR, $4

// The order of four bytes each after packing two vectors twice.
DATA order<>+0(SB)/4, $0
DATA order<>+4(SB)/4, $4
DATA order<>+8(SB)/4, $1
DATA order<>+12(SB)/4, $5
DATA order<>+16(SB)/4, $2
DATA order<>+20(SB)/4, $6
DATA order<>+24(SB)/4, $3
DATA order<>+28(SB)/4, $7
GLOBL order<>(SB), RODATA|NOPTR, $32

// 8 in the upper eight bytes of 16.
DATA upper<>+0(SB)/8, $0
DATA upper<>+8(SB)/8, $0x0808080808080808
GLOBL upper<>(SB), RODATA|NOPTR, $16

// Appends the bits in BX, R12 of them, to those in R8, and writes whole bytes.
#define APPEND \
	SHLXQ R9, BX, BX   \
	ORQ   BX, R8       \
	MOVQ  R8, (DI)     \
	ADDQ  R12, R9      \
	MOVQ  R9, R12      \
	SHRQ  $3, R12      \
	ADDQ  R12, DI      \
	SHLQ  $3, R12      \
	SHRXQ R12, R8, R8  \
	ANDQ  $7, R9

// func packFewAVX2(run *fewRun) int
//
//	SI  codes    CX  codes left    DX  levels   DI  to
//	R8  rest     R9  bits in it    R10 width    R11 values
//	R13 places   AX  the rows that have a value, a bit each
//	Y15 the first table    Y14 what no code has    Y13 unknown   Y12 order   Y11 upper
//	Y10 pairs    Y9  fours    X8  shift    Y7  the lower half of 64 bits
//	Y6  the last code of the tables
TEXT ·packFewAVX2(SB), NOSPLIT, $0-16
	MOVQ run+0(FP), AX
	MOVQ fewRun_codes(AX), SI
	MOVQ fewRun_n(AX), CX
	MOVQ fewRun_places(AX), R13
	MOVQ fewRun_levels(AX), DX
	MOVQ fewRun_to(AX), DI
	MOVQ fewRun_width(AX), R10
	MOVQ fewRun_rest(AX), R8
	MOVQ fewRun_nRest(AX), R9
	XORL R11, R11

	MOVQ           fewRun_table(AX), BX
	VBROADCASTI128 (BX), Y15
	MOVQ           fewRun_tables(AX), R12
	SHLL           $4, R12
	DECL           R12
	VMOVD          R12, X6
	VPBROADCASTB   X6, Y6
	VPBROADCASTD   range<>(SB), Y14
	VPBROADCASTD   unknown<>(SB), Y13
	VMOVDQU        order<>(SB), Y12
	VBROADCASTI128 upper<>(SB), Y11
	VPBROADCASTW   fewRun_pairs(AX), Y10
	VPBROADCASTD   fewRun_fours(AX), Y9
	VMOVQ          fewRun_shift(AX), X8
	VPCMPEQD       Y7, Y7, Y7
	VPSRLQ         $32, Y7, Y7

rows:
	// 32 codes as bytes. One that is in no table is not for here.
	VMOVDQU   (SI), Y0
	VMOVDQU   32(SI), Y1
	VMOVDQU   64(SI), Y2
	VMOVDQU   96(SI), Y3
	VPOR      Y0, Y1, Y4
	VPOR      Y2, Y3, Y5
	VPOR      Y4, Y5, Y4
	VPTEST    Y14, Y4
	JNE       done
	VPACKUSDW Y1, Y0, Y0
	VPACKUSDW Y3, Y2, Y2
	VPACKUSWB Y2, Y0, Y0
	VPERMD    Y0, Y12, Y0

	VPSUBUSB  Y6, Y0, Y1
	VPTEST    Y1, Y1
	JNE       done

	// Their indexes: from the first table, as codes below 16, which a byte's
	// highest bit tells apart from others after adding; then 16 less, from the
	// next.
	MOVQ         run+0(FP), AX
	MOVQ         fewRun_tables(AX), R12
	VPBROADCASTD saturate<>(SB), Y3
	VPADDUSB     Y3, Y0, Y1
	VPSHUFB      Y1, Y15, Y1
	DECQ         R12
	JEQ          looked
	MOVQ         fewRun_table(AX), BX
	VPBROADCASTD sixteen<>(SB), Y2

table:
	VPSUBB         Y2, Y0, Y0
	VPADDUSB       Y3, Y0, Y4
	ADDQ           $16, BX
	VBROADCASTI128 (BX), Y5
	VPSHUFB        Y4, Y5, Y4
	VPOR           Y4, Y1, Y1
	DECQ           R12
	JNE            table

looked:
	VMOVDQA   Y1, Y0
	VPCMPEQB  Y13, Y0, Y1
	VPTEST    Y1, Y1
	JNE       done

	// Levels, and in every eight bytes those that are there to the front, zeros
	// after them.
	VPMOVMSKB   Y0, AX
	NOTL        AX
	MOVL        AX, (DX)
	MOVBLZX     AL, BX
	VMOVQ       (R13)(BX*8), X1
	MOVBLZX     AH, BX
	VMOVHPS     (R13)(BX*8), X1, X1
	MOVL        AX, R12
	SHRL        $16, R12
	MOVBLZX     R12, BX
	VMOVQ       (R13)(BX*8), X2
	SHRL        $8, R12
	VMOVHPS     (R13)(R12*8), X2, X2
	VINSERTI128 $1, X2, Y1, Y1
	VPOR        Y11, Y1, Y1
	VPSHUFB     Y1, Y0, Y0

	// Eight values side by side in every 64 bits: by twos, by fours, all.
	VPMADDUBSW Y10, Y0, Y0
	VPMADDWD   Y9, Y0, Y0
	VPSRLQ     X8, Y0, Y1
	VPAND      Y7, Y0, Y0
	VPOR       Y1, Y0, Y0

	POPCNTL      AX, BX
	ADDQ         BX, R11
	MOVBLZX      AL, R12
	POPCNTL      R12, R12
	IMULQ        R10, R12
	VMOVQ        X0, BX
	APPEND
	MOVBLZX      AH, BX
	POPCNTL      BX, R12
	IMULQ        R10, R12
	VPEXTRQ      $1, X0, BX
	APPEND
	SHRL         $16, AX
	VEXTRACTI128 $1, Y0, X0
	MOVBLZX      AL, R12
	POPCNTL      R12, R12
	IMULQ        R10, R12
	VMOVQ        X0, BX
	APPEND
	MOVBLZX      AH, BX
	POPCNTL      BX, R12
	IMULQ        R10, R12
	VPEXTRQ      $1, X0, BX
	APPEND

	ADDQ $4, DX
	ADDQ $128, SI
	SUBQ $32, CX
	JNE  rows

done:
	VZEROUPPER
	MOVQ run+0(FP), AX
	MOVQ R8, fewRun_rest(AX)
	MOVQ R9, fewRun_nRest(AX)
	MOVQ R11, fewRun_there(AX)
	SUBQ fewRun_to(AX), DI
	MOVQ DI, fewRun_bytes(AX)
	MOVQ fewRun_n(AX), BX
	SUBQ CX, BX
	MOVQ BX, ret+8(FP)
	RET

// func squeezeAVX2(run *squeezeRun) int
//
//	SI  codes    CX  codes left    DX  levels    DI  to    R13 places
//	Y15 minus 1
TEXT ·squeezeAVX2(SB), NOSPLIT, $0-16
	MOVQ         run+0(FP), AX
	MOVQ         squeezeRun_codes(AX), SI
	MOVQ         squeezeRun_n(AX), CX
	MOVQ         squeezeRun_places(AX), R13
	MOVQ         squeezeRun_levels(AX), DX
	MOVQ         squeezeRun_to(AX), DI
	VPCMPEQD     Y15, Y15, Y15
	MOVQ         DI, R12

eight:
	VMOVDQU   (SI), Y0
	VPADDD    Y15, Y0, Y0
	VMOVMSKPS Y0, AX
	XORL      $0xff, AX
	MOVB      AX, (DX)
	VPMOVZXBD (R13)(AX*8), Y1
	VPERMD    Y0, Y1, Y0 // those that are there to the front
	VMOVDQU   Y0, (DI)
	POPCNTL   AX, AX
	LEAQ      (DI)(AX*4), DI
	ADDQ      $32, SI
	INCQ      DX
	SUBQ      $8, CX
	JNE       eight

	VZEROUPPER
	SUBQ R12, DI
	SHRQ $2, DI
	MOVQ DI, ret+8(FP)
	RET
