#include "textflag.h"

// func addAVX2(run *float64, n int, v float64)
TEXT ·addAVX2(SB), NOSPLIT, $0-24
	MOVQ         run+0(FP), DI
	MOVQ         n+8(FP), CX
	VBROADCASTSD v+16(FP), Y0  // v, v, v, v
	SUBQ         $16, CX
	JLT          fours

sixteen: // four vectors of four
	VADDPD  (DI), Y0, Y1
	VADDPD  32(DI), Y0, Y2
	VADDPD  64(DI), Y0, Y3
	VADDPD  96(DI), Y0, Y4
	VMOVUPD Y1, (DI)
	VMOVUPD Y2, 32(DI)
	VMOVUPD Y3, 64(DI)
	VMOVUPD Y4, 96(DI)
	ADDQ    $128, DI
	SUBQ    $16, CX
	JGE     sixteen

fours: // CX is what is left, less 16
	ADDQ $12, CX
	JLT  ones

four:
	VADDPD  (DI), Y0, Y1
	VMOVUPD Y1, (DI)
	ADDQ    $32, DI
	SUBQ    $4, CX
	JGE     four

ones: // CX is what is left, less 4
	ADDQ $4, CX
	JEQ  done

one:
	VADDSD (DI), X0, X1
	VMOVSD X1, (DI)
	ADDQ   $8, DI
	DECQ   CX
	JNE    one

done:
	VZEROUPPER
	RET
