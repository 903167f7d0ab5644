//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "vector_amd64.h"

// func vectorRows4(t *rowTables, q *Query, blocks int, w *Work) int
TEXT ·vectorRows4(SB), NOSPLIT, $0-40
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         blocks+16(FP), CX
	MOVQ         w+24(FP), R12
	SHLQ         $6, CX
	MOVQ         rowTables_starts(DI), R8
	MOVQ         rowTables_of(DI), R9
	MOVQ         rowTables_shift(DI), R10
	STEPS
	VPBROADCASTD rowTables_last(DI), Z25
	VPBROADCASTD rowTables_shift(DI), Z26
	LOADPIVOTS(R8, Z26, Z25, Z16, Z17)
	VPSLLVD      Z26, Z24, Z27
	VMOVDQU32    lanes<>(SB), Z28
	VMOVDQU32    remotes<>(SB), Z29
	THIRDS(AX)

	XORQ AX, AX

pivot4:
	QUESTIONS(SI)
	REMOTES(Z29, Z3)
	PIVOTS(Z16, Z17, Z3, Z1, Z2)
	VPSLLVD   Z26, Z1, Z1
	VPMINUD   Z25, Z1, Z1
	VMOVDQU32 Z3, Work_key(R12)(AX*1)
	VMOVDQU32 Z1, Work_position(R12)(AX*1)
	ADDQ      $192, SI
	ADDQ      $64, AX
	CMPQ      AX, CX
	JLT       pivot4

step4:
	TESTQ  R10, R10
	JZ     found4
	VPSRLD $1, Z27, Z27
	XORQ   AX, AX

block4:
	VMOVDQU32 Work_key(R12)(AX*1), Z0
	VMOVDQU32 Work_position(R12)(AX*1), Z1
	BLOCK(R8, Z25, Z0, Z1, Z27, Z2, Z3)
	VMOVDQU32 Z1, Work_position(R12)(AX*1)
	ADDQ      $64, AX
	CMPQ      AX, CX
	JLT       block4
	DECQ      R10
	JMP       step4

found4:
	XORQ BX, BX
	XORQ R13, R13

row4:
	VMOVDQU32 Work_key(R12)(R13*1), Z0
	VMOVDQU32 Work_position(R12)(R13*1), Z1
	GATHER((R9)(Z1*2), Z3)
	MIXED(Z0, Z3, Z28, c16<>(SB), Z2)
	VMOVDQU32 Z3, Work_row(R12)(R13*1)
	ADDQ      $64, R13
	CMPQ      R13, CX
	JLT       row4
	MOVQ      BX, ret+32(FP)
	VZEROUPPER
	RET

// func vectorZones4(t *rowTables, count int, w *Work)
TEXT ·vectorZones4(SB), NOSPLIT, $0-24
	MOVQ         t+0(FP), DI
	MOVQ         count+8(FP), CX
	MOVQ         w+16(FP), R12
	MOVQ         rowTables_root(DI), R8
	MOVQ         rowTables_atlas(DI), R9
	VPBROADCASTD c1<>(SB), Z24
	VPBROADCASTD CX, Z25
	VMOVDQU32    lanes<>(SB), Z26
	XORQ         BX, BX

zones4:
	// K2: the lanes that are there.
	VPBROADCASTD BX, Z1
	VPADDD       Z26, Z1, Z1
	VPCMPUD      $1, Z25, Z1, K2
	VMOVDQU32    Work_mixedAddress(R12)(BX*4), Z0
	VMOVDQU32    Work_mixedBlock(R12)(BX*4), Z3

	// Z5 and Z6: first and last interval of the atlas that the first 16 bits of
	// the address leave open; Z7: how many.
	VPSRLD      $16, Z0, Z4
	SOME(K2, (R8)(Z4*4), Z5)
	SOME(K2, 4(R8)(Z4*4), Z6)
	VPSUBD      Z5, Z6, Z7
	VPADDD      Z24, Z7, Z7
	VPCMPUD     $6, Z24, Z7, K2, K3
	KORTESTW    K3, K3
	JZ          region4

atlas4:
	VPSRLD      $1, Z7, Z8
	VPADDD      Z8, Z5, Z9
	SOME(K3, (R9)(Z9*4), Z10)
	VPCMPUD     $2, Z0, Z10, K3, K4
	VMOVDQA32   Z9, K4, Z5
	VPSUBD      Z8, Z7, K3, Z7
	VPCMPUD     $6, Z24, Z7, K2, K3
	KORTESTW    K3, K3
	JNZ         atlas4

region4:
	ZONED(Z3, Z5, Z6, Z7)
	VMOVDQU32    Work_mixedPlace(R12)(BX*4), Z6
	KMOVW        K2, K1
	VPSCATTERDD  Z7, K1, Work_row(R12)(Z6*4)
	ADDQ         $16, BX
	CMPQ         BX, CX
	JLT          zones4
	VZEROUPPER
	RET
