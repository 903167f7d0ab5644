//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// Constants of parseIPv4s, in its order.
DATA ipv4<>+0x00(SB)/8, $0x2e2e2e2e2e2e2e2e // dots
DATA ipv4<>+0x08(SB)/8, $0x2e2e2e2e2e2e2e2e
DATA ipv4<>+0x10(SB)/8, $0x3030303030303030 // zeros
DATA ipv4<>+0x18(SB)/8, $0x3030303030303030
DATA ipv4<>+0x20(SB)/8, $0x0909090909090909 // the largest digit
DATA ipv4<>+0x28(SB)/8, $0x0909090909090909
DATA ipv4<>+0x30(SB)/8, $0x010a6400010a6400 // what the digits of a field count, from the least on
DATA ipv4<>+0x38(SB)/8, $0x010a6400010a6400
DATA ipv4<>+0x40(SB)/8, $0x0001000100010001
DATA ipv4<>+0x48(SB)/8, $0x0001000100010001
DATA ipv4<>+0x50(SB)/8, $0x808080800004080c // fields to the bytes of a number
DATA ipv4<>+0x58(SB)/8, $0x8080808080808080
GLOBL ipv4<>(SB), RODATA|NOPTR, $96

// func parseIPv4s(text *byte, offsets *int32, n int, v4 *uint32, family *uint8, patterns *[256]ipv4Pattern)
//
// No text makes a jump. The dots say how long the four fields are, that names a pattern,
// and the pattern moves the digits of each field to four bytes of its own:
//
//	10.0.0.4    0 0 1 0   0 0 0 0   0 0 0 0   0 0 0 4
//
// which sums of products make numbers. What is no address shows in a length, in the
// number of dots, in a byte that is no digit, or in a number above 255 or less than its
// digits promise.
TEXT ·parseIPv4s(SB), NOSPLIT, $0-48
	MOVQ    text+0(FP), DI
	MOVQ    offsets+8(FP), SI
	MOVQ    n+16(FP), CX
	MOVQ    v4+24(FP), BX
	MOVQ    family+32(FP), DX
	MOVQ    patterns+40(FP), R8
	VMOVDQU ipv4<>+0x00(SB), X10
	VMOVDQU ipv4<>+0x10(SB), X11
	VMOVDQU ipv4<>+0x20(SB), X12
	VMOVDQU ipv4<>+0x30(SB), X13
	VMOVDQU ipv4<>+0x40(SB), X14
	VMOVDQU ipv4<>+0x50(SB), X9
	MOVLQSX (SI), AX
	SUBQ    AX, DI
	XORQ    AX, AX

next:
	MOVLQSX   (SI)(AX*4), R9
	MOVL      4(SI)(AX*4), R10
	SUBL      R9, R10          // the length of the text
	VMOVDQU   (DI)(R9*1), X0
	VPCMPEQB  X10, X0, X1
	VPMOVMSKB X1, R11
	BZHIL     R10, R11, R11
	LEAL      -7(R10), R12
	POPCNTL   R11, R13

	// Where the dots are, then the length of each field less 1: R14, R9, R11, R10.
	TZCNTL R11, R14
	BLSRL  R11, R11
	TZCNTL R11, R9
	BLSRL  R11, R11
	TZCNTL R11, R11
	SUBL   R11, R10
	SUBL   $2, R10
	SUBL   R9, R11
	SUBL   $2, R11
	SUBL   R14, R9
	SUBL   $2, R9
	SUBL   $1, R14

	// CMPL sets a condition for each; those together are the family.
	CMPL    R12, $8
	SETLS   R12
	CMPL    R13, $3
	SETEQ   R13
	ANDL    R13, R12
	MOVL    R14, R13
	ORL     R9, R13
	ORL     R11, R13
	ORL     R10, R13
	CMPL    R13, $3
	SETLS   R13
	ANDL    R13, R12
	LEAL    (R9)(R14*4), R14
	LEAL    (R11)(R14*4), R14
	LEAL    (R10)(R14*4), R14
	MOVBLZX R14, R14
	SHLL    $5, R14

	VPSUBB     X11, X0, X0
	VPSHUFB    ipv4Pattern_move(R8)(R14*1), X0, X0
	VPSUBUSB   X12, X0, X1
	VPMADDUBSW X13, X0, X0
	VPMADDWD   X14, X0, X0
	VMOVDQU    ipv4Pattern_least(R8)(R14*1), X2
	VPCMPGTD   X0, X2, X2
	VPSRLD     $8, X0, X3
	VPOR       X1, X2, X2
	VPOR       X3, X2, X2
	VPTEST     X2, X2
	SETEQ      R13
	ANDL       R13, R12
	SHLL       $2, R12
	VPSHUFB    X9, X0, X0
	VMOVD      X0, (BX)(AX*4)
	MOVB       R12, (DX)(AX*1)
	INCQ       AX
	CMPQ       AX, CX
	JLT        next
	RET
