//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "vector_amd64.h"

// PIVOT6 halves the 16 pivots once: Z16 and Z17 hold their upper halves, Z18 and Z19
// their lower ones. The key is (Z1, Z2), the position Z3, eight times 64 bits.
#define PIVOT6(step) \
	VPORQ     step, Z3, Z4; \
	VMOVDQA64 Z4, Z5; \
	VMOVDQA64 Z4, Z6; \
	VPERMI2Q  Z17, Z16, Z5; \
	VPERMI2Q  Z19, Z18, Z6; \
	VPCMPUQ   $1, Z1, Z5, K1; \
	VPCMPUQ   $0, Z1, Z5, K3; \
	VPCMPUQ   $2, Z2, Z6, K3, K3; \
	KORW      K1, K3, K1; \
	VMOVDQA64 Z4, K1, Z3

// BLOCK6 halves what lies between two pivots once; the step is Y27, the position Y3.
#define BLOCK6(starts, last) \
	VPADDD       Y27, Y3, Y4; \
	VPMINUD      last, Y4, Y4; \
	VPADDD       Y4, Y4, Y5; \
	WIDE((starts)(Y5*8), Z6); \
	WIDE(8(starts)(Y5*8), Z7); \
	VPCMPUQ      $1, Z1, Z6, K1; \
	VPCMPUQ      $0, Z1, Z6, K3; \
	VPCMPUQ      $2, Z2, Z7, K3, K3; \
	KORW         K1, K3, K1; \
	VMOVDQA32    Y4, K1, Y3

// FIND6 finds the positions of CX / 4 addresses, in bytes of 32 bits each: pivots are
// done, what lies between them is halved step by step. It uses AX and BX.
#define FIND6(starts, step, next, loop, done) \
	MOVQ         step, BX; \
next: \
	TESTQ        BX, BX; \
	JZ           done; \
	VPBROADCASTD BX, Y27; \
	XORQ         AX, AX; \
loop: \
	VMOVDQU64    Work_hi(R12)(AX*2), Z1; \
	VMOVDQU64    Work_lo(R12)(AX*2), Z2; \
	VMOVDQU32    Work_position(R12)(AX*1), Y3; \
	BLOCK6(starts, Y25); \
	VMOVDQU32    Y3, Work_position(R12)(AX*1); \
	ADDQ         $32, AX; \
	CMPQ         AX, CX; \
	JLT          loop; \
	SHRQ         $1, BX; \
	JMP          next; \
done:

// ADDRESSES loads the addresses in places Y0 of the list at R10 into (Z1, Z2).
#define ADDRESSES \
	VPADDD     Y0, Y0, Y3; \
	WIDE((R10)(Y3*8), Z1); \
	WIDE(8(R10)(Y3*8), Z2)

// PIVOTS6 finds the pivot in Y3 and makes it a position: every 2^shift-th start.
#define PIVOTS6 \
	VPXORQ   Z3, Z3, Z3; \
	PIVOT6(Z20); \
	PIVOT6(Z21); \
	PIVOT6(Z22); \
	PIVOT6(Z23); \
	VPMOVQD  Z3, Y3; \
	VPSLLVD  Y26, Y3, Y3; \
	VPMINUD  Y25, Y3, Y3

// LOADPIVOTS6 loads every 2^shift-th start, 16 of them, and the steps of PIVOTS6.
#define LOADPIVOTS6(starts, shift, last) \
	VPBROADCASTD shift, Y26; \
	VPBROADCASTD last, Y25; \
	VMOVDQU32    lanes<>(SB), Y0; \
	VPADDD.BCST  c8<>(SB), Y0, Y1; \
	VPSLLVD      Y26, Y0, Y0; \
	VPSLLVD      Y26, Y1, Y1; \
	VPMINUD      Y25, Y0, Y0; \
	VPMINUD      Y25, Y1, Y1; \
	VPADDD       Y0, Y0, Y0; \
	VPADDD       Y1, Y1, Y1; \
	WIDE((starts)(Y0*8), Z16); \
	WIDE((starts)(Y1*8), Z17); \
	WIDE(8(starts)(Y0*8), Z18); \
	WIDE(8(starts)(Y1*8), Z19); \
	MOVQ         $8, AX; \
	VPBROADCASTQ AX, Z20; \
	VPSRLQ       $1, Z20, Z21; \
	VPSRLQ       $2, Z20, Z22; \
	VPSRLQ       $3, Z20, Z23

// func vectorRows6(t *rowTables, q *Query, addresses *interval.IPv6, blocks int, w *Work) int
//
// Eight at a time; AVX-512 VL.
TEXT ·vectorRows6(SB), NOSPLIT, $0-48
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         addresses+16(FP), R10
	MOVQ         blocks+24(FP), CX
	MOVQ         w+32(FP), R12
	SHLQ         $6, CX
	MOVQ         rowTables_starts(DI), R8
	MOVQ         rowTables_of(DI), R9
	LOADPIVOTS6(R8, rowTables_shift(DI), rowTables_last(DI))
	VMOVDQU32    lanes<>(SB), Y27
	VPADDD       Y27, Y27, Y28
	VPADDD       Y28, Y27, Y27
	XORQ         AX, AX

pivot6:
	GATHER((SI)(Y27*4), Y0)
	ADDRESSES
	VMOVDQU32  Y0, Work_key(R12)(AX*1)
	VMOVDQU64  Z1, Work_hi(R12)(AX*2)
	VMOVDQU64  Z2, Work_lo(R12)(AX*2)
	PIVOTS6
	VMOVDQU32  Y3, Work_position(R12)(AX*1)
	ADDQ       $96, SI
	ADDQ       $32, AX
	CMPQ       AX, CX
	JLT        pivot6

	FIND6(R8, rowTables_step(DI), step6, block6, found6)
	VMOVDQU32 lanes<>(SB), Y28
	XORQ      BX, BX
	XORQ      R13, R13

row6:
	VMOVDQU32  Work_key(R12)(R13*1), Y0
	VMOVDQU32  Work_position(R12)(R13*1), Y3
	GATHER((R9)(Y3*2), Y8)
	MIXED(Y0, Y8, Y28, c8<>(SB), Y4)
	VMOVDQU32  Y8, Work_row(R12)(R13*1)
	ADDQ       $32, R13
	CMPQ       R13, CX
	JLT        row6
	MOVQ       BX, ret+40(FP)
	VZEROUPPER
	RET

// func vectorZones6(t *rowTables, count int, addresses *interval.IPv6, w *Work)
TEXT ·vectorZones6(SB), NOSPLIT, $0-32
	MOVQ         t+0(FP), DI
	MOVQ         count+8(FP), CX
	MOVQ         addresses+16(FP), R10
	MOVQ         w+24(FP), R12
	MOVQ         rowTables_atlas(DI), R9
	LOADPIVOTS6(R9, rowTables_atlasShift(DI), rowTables_atlasLast(DI))
	VPBROADCASTD CX, Y29
	SHLQ         $2, CX
	VMOVDQU32    lanes<>(SB), Y28
	XORQ         AX, AX
	XORQ         R13, R13

atlasPivot6:
	// K2: the lanes that are there; the others take the first address.
	VPBROADCASTD R13, Y4
	VPADDD       Y28, Y4, Y4
	VPCMPUD      $1, Y29, Y4, K2
	VMOVDQU32.Z  Work_mixedAddress(R12)(AX*1), K2, Y0
	ADDRESSES
	VMOVDQU64    Z1, Work_hi(R12)(AX*2)
	VMOVDQU64    Z2, Work_lo(R12)(AX*2)
	PIVOTS6
	VMOVDQU32    Y3, Work_position(R12)(AX*1)
	ADDQ         $8, R13
	ADDQ         $32, AX
	CMPQ         AX, CX
	JLT          atlasPivot6

	FIND6(R9, rowTables_atlasStep(DI), atlasStep6, atlas6, region6)
	XORQ R13, R13
	XORQ AX, AX

zone6:
	VPBROADCASTD R13, Y4
	VPADDD       Y28, Y4, Y4
	VPCMPUD      $1, Y29, Y4, K2
	VMOVDQU32    Work_position(R12)(AX*1), Y3
	VMOVDQU32    Work_mixedBlock(R12)(AX*1), Y8
	ZONED(Y8, Y3, Y6, Y7)
	VMOVDQU32    Work_mixedPlace(R12)(AX*1), Y6
	KMOVW        K2, K1
	VPSCATTERDD  Y7, K1, Work_row(R12)(Y6*4)
	ADDQ         $8, R13
	ADDQ         $32, AX
	CMPQ         AX, CX
	JLT          zone6
	VZEROUPPER
	RET
