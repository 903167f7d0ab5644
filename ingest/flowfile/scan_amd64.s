//go:build !purego

#include "textflag.h"

// func vectorScan(text *byte, blocks int, wanted byte, masks *uint64) (high bool)
//
// AVX2 only: two registers of 32 bytes make a mask. Y7 gathers the bits of all bytes.
TEXT ·vectorScan(SB), NOSPLIT, $0-33
	MOVQ    text+0(FP), SI
	MOVQ    blocks+8(FP), CX
	MOVBLZX wanted+16(FP), AX
	MOVQ    masks+24(FP), DI
	VMOVD   AX, X0
	VPBROADCASTB X0, Y0
	VPXOR   Y7, Y7, Y7

block:
	VMOVDQU (SI), Y1
	VMOVDQU 32(SI), Y2
	VPOR    Y1, Y7, Y7
	VPOR    Y2, Y7, Y7
	VPCMPEQB Y0, Y1, Y1
	VPCMPEQB Y0, Y2, Y2
	VPMOVMSKB Y1, AX
	VPMOVMSKB Y2, BX
	SHLQ    $32, BX
	ORQ     BX, AX
	MOVQ    AX, (DI)
	ADDQ    $64, SI
	ADDQ    $8, DI
	DECQ    CX
	JNZ     block
	VPMOVMSKB Y7, AX
	VZEROUPPER
	TESTL   AX, AX
	SETNE   high+32(FP)
	RET
