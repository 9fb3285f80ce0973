#include "go_asm.h"
#include "textflag.h"

DATA primes<>+0(SB)/8, $0x9e3779b185ebca87
DATA primes<>+8(SB)/8, $0xc2b2ae3d27d4eb4f
DATA primes<>+16(SB)/8, $0x165667b19e3779f9
DATA primes<>+24(SB)/8, $0x85ebca77c2b2ae63
DATA primes<>+32(SB)/8, $0x27d4eb2f165667c5
GLOBL primes<>(SB), RODATA|NOPTR, $40

#define PRIME1 primes<>+0(SB)
#define PRIME2 primes<>+8(SB)
#define PRIME3 primes<>+16(SB)
#define PRIME4 primes<>+24(SB)
#define PRIME5 primes<>+32(SB)

// One round of XXH64: the word in R13 into the hash in DX.
#define HASHWORD \
	IMULQ PRIME2, R13 \
	ROLQ  $31, R13    \
	IMULQ PRIME1, R13 \
	XORQ  R13, DX     \
	ROLQ  $27, DX     \
	IMULQ PRIME1, DX  \
	ADDQ  PRIME4, DX

// The lowest byte of R13 into the hash in DX.
#define HASHBYTE \
	MOVBLZX R13B, R14   \
	IMULQ   PRIME5, R14 \
	XORQ    R14, DX     \
	ROLQ    $11, DX     \
	IMULQ   PRIME1, DX

// func takeShort(run *shortRun)
//
//	DI  data              AX  start of the text      R12  start of the one before it
//	SI  ends, its end     BX  end, then spare        R13  size of the one before it, then spare
//	R8  prefixes, its end R15 size                   X0   16 bytes of the one before it
//	R9  suffixes, its end CX  row, from -n to 0      DX, R14  spare
//	R10 hashes, its end   R11 to
TEXT ·takeShort(SB), NOSPLIT, $40-8
	MOVQ run+0(FP), DX
	MOVQ shortRun_n(DX), CX
	MOVQ shortRun_data(DX), DI
	MOVQ shortRun_ends(DX), SI
	LEAQ (SI)(CX*4), SI
	MOVQ shortRun_prefixes(DX), R8
	LEAQ (R8)(CX*4), R8
	MOVQ shortRun_suffixes(DX), R9
	LEAQ (R9)(CX*4), R9
	MOVQ shortRun_hashes(DX), R10
	TESTQ R10, R10
	JZ   unhashed
	LEAQ (R10)(CX*8), R10

unhashed:
	MOVQ  shortRun_to(DX), R11
	MOVQ  shortRun_limit(DX), AX
	MOVQ  AX, limit-8(SP)
	MOVQ  $0, falls-16(SP)
	MOVQ  $0, size-32(SP)
	MOVQ  shortRun_before(DX), R12
	MOVQ  shortRun_start(DX), AX
	MOVQ  AX, R13
	SUBQ  R12, R13
	MOVOU (DI)(R12*1), X0
	NEGQ  CX

next:
	// Is the text short, and are there 32 bytes?
	MOVL (SI)(CX*4), R15
	SUBL AX, R15
	CMPL R15, $16
	JHI  done
	CMPQ AX, limit-8(SP)
	JGT  done

	// What it shares with the one before it: as many bytes as are alike, but no more than either has.
	MOVOU    (DI)(AX*1), X1
	PCMPEQB  X1, X0
	PMOVMSKB X0, R14
	MOVO     X1, X0
	NOTL     R14
	TZCNTL   R14, R14 // an old processor takes it for BSFL: the same, as R14 is not 0
	CMPL     R13, R15
	CMOVLHI  R15, R13
	LEAQ     (AX)(R14*1), BX
	MOVBLZX  (DI)(BX*1), DX
	LEAQ     (R12)(R14*1), BX

	// It falls if its next byte is less, or one of the two has no next byte.
	CMPB    DX, (DI)(BX*1)
	SETCS   DX
	CMPL    R14, R13
	SETCC   BX
	ORL     BX, DX
	ORB     DX, falls-16(SP)
	CMPL    R14, R13
	CMOVLHI R13, R14
	MOVL    R14, (R8)(CX*4)

	// What comes after that.
	LEAQ  (AX)(R14*1), BX
	MOVOU (DI)(BX*1), X1
	MOVOU X1, (R11)
	MOVL  R15, BX
	SUBL  R14, BX
	MOVL  BX, (R9)(CX*4)
	ADDQ  BX, R11

	TESTQ R10, R10
	JZ    hashed
	MOVQ  (DI)(AX*1), R13
	CMPL  R15, $8
	JCS   few
	CMPQ  R13, eight-24(SP)
	JNE   eight
	CMPQ  R15, size-32(SP)
	JNE   eight
	MOVQ  made-40(SP), DX

more:
	MOVQ 8(DI)(AX*1), R13
	CMPL R15, $16
	JNE  fours
	HASHWORD
	JMP  mix

eight:
	// The first eight bytes are mostly those of the text before it. What they make is kept.
	MOVQ R13, eight-24(SP)
	MOVQ R15, size-32(SP)
	MOVQ PRIME5, DX
	ADDQ R15, DX
	HASHWORD
	MOVQ DX, made-40(SP)
	JMP  more

few:
	MOVQ PRIME5, DX
	ADDQ R15, DX

fours:
	TESTL $4, R15
	JZ    bytes
	MOVL  R13, R14
	IMULQ PRIME1, R14
	XORQ  R14, DX
	ROLQ  $23, DX
	IMULQ PRIME2, DX
	ADDQ  PRIME3, DX
	SHRQ  $32, R13

bytes:
	TESTL $3, R15
	JZ    mix
	HASHBYTE
	TESTL $2, R15
	JZ    mix
	SHRQ  $8, R13
	HASHBYTE
	TESTL $1, R15
	JZ    mix
	SHRQ  $8, R13
	HASHBYTE

mix:
	MOVQ  DX, R14
	SHRQ  $33, R14
	XORQ  R14, DX
	IMULQ PRIME2, DX
	MOVQ  DX, R14
	SHRQ  $29, R14
	XORQ  R14, DX
	IMULQ PRIME3, DX
	MOVQ  DX, R14
	SHRQ  $32, R14
	XORQ  R14, DX
	MOVQ  DX, (R10)(CX*8)

hashed:
	MOVQ AX, R12
	MOVQ R15, R13
	ADDQ R15, AX
	INCQ CX
	JNZ  next

done:
	MOVQ run+0(FP), DX
	ADDQ shortRun_n(DX), CX
	MOVQ CX, shortRun_rows(DX)
	SUBQ shortRun_to(DX), R11
	MOVQ R11, shortRun_bytes(DX)
	MOVQ falls-16(SP), AX
	MOVQ AX, shortRun_falls(DX)
	RET
