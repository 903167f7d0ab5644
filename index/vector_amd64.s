//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// The loops of vector.go. Sixteen questions go side by side; whatever differs
// between them is a mask or an index, never a jump. AVX-512 F only.
//
// Operands stand in Go's order: sources first, destination last. A VPCMPUD with $2
// sets the mask where its second operand is not above its first.

DATA lanes<>+0(SB)/4, $0
DATA lanes<>+4(SB)/4, $1
DATA lanes<>+8(SB)/4, $2
DATA lanes<>+12(SB)/4, $3
DATA lanes<>+16(SB)/4, $4
DATA lanes<>+20(SB)/4, $5
DATA lanes<>+24(SB)/4, $6
DATA lanes<>+28(SB)/4, $7
DATA lanes<>+32(SB)/4, $8
DATA lanes<>+36(SB)/4, $9
DATA lanes<>+40(SB)/4, $10
DATA lanes<>+44(SB)/4, $11
DATA lanes<>+48(SB)/4, $12
DATA lanes<>+52(SB)/4, $13
DATA lanes<>+56(SB)/4, $14
DATA lanes<>+60(SB)/4, $15
GLOBL lanes<>(SB), RODATA|NOPTR, $64

// turned is where the first eight lanes of QUESTIONS come from, in numbers of 4 bytes;
// the others stand 32 bytes further.
DATA turned<>+0(SB)/4, $0
DATA turned<>+4(SB)/4, $16
DATA turned<>+8(SB)/4, $32
DATA turned<>+12(SB)/4, $48
DATA turned<>+16(SB)/4, $4
DATA turned<>+20(SB)/4, $20
DATA turned<>+24(SB)/4, $36
DATA turned<>+28(SB)/4, $52
GLOBL turned<>(SB), RODATA|NOPTR, $32

DATA c1<>+0(SB)/4, $1
GLOBL c1<>(SB), RODATA|NOPTR, $4
DATA c2<>+0(SB)/4, $2
GLOBL c2<>(SB), RODATA|NOPTR, $4
DATA c4<>+0(SB)/4, $4
GLOBL c4<>(SB), RODATA|NOPTR, $4
DATA c6<>+0(SB)/4, $6
GLOBL c6<>(SB), RODATA|NOPTR, $4
DATA c8<>+0(SB)/4, $8
GLOBL c8<>(SB), RODATA|NOPTR, $4
DATA c16<>+0(SB)/4, $16
GLOBL c16<>(SB), RODATA|NOPTR, $4
DATA c17<>+0(SB)/4, $17
GLOBL c17<>(SB), RODATA|NOPTR, $4
DATA cByte<>+0(SB)/4, $0xff
GLOBL cByte<>(SB), RODATA|NOPTR, $4
DATA cShort<>+0(SB)/4, $0xffff
GLOBL cShort<>(SB), RODATA|NOPTR, $4
DATA cDeeper<>+0(SB)/4, $0x8000
GLOBL cDeeper<>(SB), RODATA|NOPTR, $4
DATA cNumber<>+0(SB)/4, $0x7fff
GLOBL cNumber<>(SB), RODATA|NOPTR, $4
DATA cUDP<>+0(SB)/4, $0x10000
GLOBL cUDP<>(SB), RODATA|NOPTR, $4
DATA cPortless<>+0(SB)/4, $0x20000
GLOBL cPortless<>(SB), RODATA|NOPTR, $4

// GATHER loads a 32-bit element per lane; at names base and index.
#define GATHER(at, to) \
	KXNORW     K1, K1, K1; \
	VPXORD     to, to, to; \
	VPGATHERDD at, K1, to

// PIVOT halves the 32 pivots in lo and hi once: position takes the step where the
// pivot there is not above the key.
#define PIVOT(step, lo, hi, key, position, spare) \
	VPORD    step, position, spare; \
	VPERMI2D hi, lo, spare; \
	VPCMPUD  $2, key, spare, K1; \
	VPORD    step, position, K1, position

#define PIVOTS(lo, hi, key, position, spare) \
	VPXORD position, position, position; \
	PIVOT(Z20, lo, hi, key, position, spare); \
	PIVOT(Z21, lo, hi, key, position, spare); \
	PIVOT(Z22, lo, hi, key, position, spare); \
	PIVOT(Z23, lo, hi, key, position, spare); \
	PIVOT(Z24, lo, hi, key, position, spare)

// STEPS sets the constants that PIVOTS reads.
#define STEPS \
	VPBROADCASTD c16<>(SB), Z20; \
	VPBROADCASTD c8<>(SB), Z21; \
	VPBROADCASTD c4<>(SB), Z22; \
	VPBROADCASTD c2<>(SB), Z23; \
	VPBROADCASTD c1<>(SB), Z24

// LOADPIVOTS loads every 2^shift-th start, 32 of them; beyond the last start the
// last one is repeated, which a clamped position makes harmless.
#define LOADPIVOTS(starts, shift, last, lo, hi) \
	VMOVDQU32 lanes<>(SB), Z0; \
	VPADDD    Z20, Z0, Z1; \
	VPSLLVD   shift, Z0, Z0; \
	VPSLLVD   shift, Z1, Z1; \
	VPMINUD   last, Z0, Z0; \
	VPMINUD   last, Z1, Z1; \
	GATHER((starts)(Z0*4), lo); \
	GATHER((starts)(Z1*4), hi)

// BLOCK halves what lies between two pivots once; step is halved too.
#define BLOCK(starts, last, key, position, step, spare, start) \
	VPADDD    step, position, spare; \
	VPMINUD   last, spare, spare; \
	GATHER((starts)(spare*4), start); \
	VPCMPUD   $2, key, start, K1; \
	VMOVDQA32 spare, K1, position; \
	VPSRLD    $1, step, step

// QUESTIONS loads 16 questions of 16 bytes and turns them: lane 4i+b holds question
// 4b+i. Z0 becomes remote addresses, Z1 rows, Z2 source ports, Z3 the rest.
#define QUESTIONS(from) \
	VMOVDQU32   0(from), Z0; \
	VMOVDQU32   64(from), Z1; \
	VMOVDQU32   128(from), Z2; \
	VMOVDQU32   192(from), Z3; \
	VPUNPCKLDQ  Z1, Z0, Z4; \
	VPUNPCKHDQ  Z1, Z0, Z5; \
	VPUNPCKLDQ  Z3, Z2, Z6; \
	VPUNPCKHDQ  Z3, Z2, Z7; \
	VPUNPCKLQDQ Z6, Z4, Z0; \
	VPUNPCKHQDQ Z6, Z4, Z1; \
	VPUNPCKLQDQ Z7, Z5, Z2; \
	VPUNPCKHQDQ Z7, Z5, Z3

// KEYS makes of Z2 and Z3 the source keys in Z4 and the destination keys in Z5.
#define KEYS \
	VPSRLD        $16, Z3, Z6; \
	VPANDD.BCST   cByte<>(SB), Z6, Z6; \
	VPCMPEQD.BCST c6<>(SB), Z6, K2; \
	VPCMPEQD.BCST c17<>(SB), Z6, K3; \
	VPANDD.BCST   cShort<>(SB), Z3, Z3; \
	VPANDD.BCST   cShort<>(SB), Z2, Z2; \
	VPBROADCASTD  cPortless<>(SB), Z4; \
	VPORD         Z6, Z4, Z5; \
	VMOVDQA32     Z2, K2, Z4; \
	VMOVDQA32     Z3, K2, Z5; \
	VPORD.BCST    cUDP<>(SB), Z2, K3, Z4; \
	VPORD.BCST    cUDP<>(SB), Z3, K3, Z5

// ANSWER adds base to the verdicts and puts them where the questions say. A row
// beyond the end of out is not written; K5 collects those that are not.
#define ANSWER(rows, verdicts, count, out) \
	VPADDD      Z30, verdicts, verdicts; \
	VPCMPUD     $1, count, rows, K1; \
	KANDW       K1, K5, K5; \
	VPSCATTERDD verdicts, K1, (out)(rows*4)

// func vectorRows4(t *rowTables, q *Query, blocks int, rows *uint32)
TEXT ·vectorRows4(SB), NOSPLIT, $0-32
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         blocks+16(FP), CX
	MOVQ         rows+24(FP), DX
	MOVQ         rowTables_starts(DI), R8
	MOVQ         rowTables_of(DI), R9
	MOVQ         rowTables_shift(DI), R10
	STEPS
	VPBROADCASTD rowTables_last(DI), Z25
	VPBROADCASTD rowTables_shift(DI), Z26
	LOADPIVOTS(R8, Z26, Z25, Z16, Z17)
	VPSLLVD      Z26, Z24, Z27
	VPSRLD       $1, Z27, Z27

rows4:
	QUESTIONS(SI)
	PIVOTS(Z16, Z17, Z0, Z1, Z2)
	VPSLLVD   Z26, Z1, Z1
	VPMINUD   Z25, Z1, Z1
	VMOVDQA32 Z27, Z4
	MOVQ      R10, AX
	TESTQ     AX, AX
	JZ        found4

block4:
	BLOCK(R8, Z25, Z0, Z1, Z4, Z2, Z3)
	DECQ AX
	JNZ  block4

found4:
	GATHER((R9)(Z1*2), Z3)
	VPANDD.BCST   cShort<>(SB), Z3, Z3
	VPTESTMD.BCST c1<>(SB), Z3, K2
	VPSRLD        $1, Z3, Z3
	KORTESTW      K2, K2
	JZ            plain4

	// Z5 and Z6: first and last interval of the atlas that the first 16 bits of
	// the address leave open; Z7: how many.
	MOVQ        rowTables_root(DI), R11
	VPSRLD      $16, Z0, Z4
	KMOVW       K2, K1
	VPXORD      Z5, Z5, Z5
	VPGATHERDD  (R11)(Z4*4), K1, Z5
	KMOVW       K2, K1
	VPXORD      Z6, Z6, Z6
	VPGATHERDD  4(R11)(Z4*4), K1, Z6
	VPSUBD      Z5, Z6, Z7
	VPADDD      Z24, Z7, Z7
	MOVQ        rowTables_atlas(DI), R11
	VPCMPUD     $6, Z24, Z7, K2, K3
	KORTESTW    K3, K3
	JZ          region4

atlas4:
	VPSRLD      $1, Z7, Z8
	VPADDD      Z8, Z5, Z9
	KMOVW       K3, K1
	VPXORD      Z10, Z10, Z10
	VPGATHERDD  (R11)(Z9*4), K1, Z10
	VPCMPUD     $2, Z0, Z10, K3, K4
	VMOVDQA32   Z9, K4, Z5
	VPSUBD      Z8, Z7, K3, Z7
	VPCMPUD     $6, Z24, Z7, K2, K3
	KORTESTW    K3, K3
	JNZ         atlas4

region4:
	MOVQ        rowTables_region(DI), R11
	KMOVW       K2, K1
	VPXORD      Z6, Z6, Z6
	VPGATHERDD  (R11)(Z5*2), K1, Z6
	VPANDD.BCST cShort<>(SB), Z6, Z6
	MOVQ        rowTables_zoneOf(DI), R11
	KMOVW       K2, K1
	VPXORD      Z7, Z7, Z7
	VPGATHERDD  (R11)(Z6*1), K1, Z7
	VPANDD.BCST cByte<>(SB), Z7, Z7
	VPMULLD.BCST rowTables_zones(DI), Z3, Z8
	VPADDD      Z7, Z8, Z8
	MOVQ        rowTables_zoned(DI), R11
	KMOVW       K2, K1
	VPXORD      Z7, Z7, Z7
	VPGATHERDD  (R11)(Z8*2), K1, Z7
	VPANDD.BCST cShort<>(SB), Z7, K2, Z3

plain4:
	VMOVDQU32 Z3, (DX)
	ADDQ      $64, DX
	ADDQ      $256, SI
	DECQ      CX
	JNZ       rows4
	VZEROUPPER
	RET

// SEARCH6 halves the starts from the step in BX on; the key is (Z1, Z2), the
// position Y3. It spoils BX and Z4 to Z7.
#define SEARCH6(starts, last, loop, done) \
	VPXORD       Y3, Y3, Y3; \
	TESTQ        BX, BX; \
	JZ           done; \
loop: \
	VPBROADCASTD BX, Y4; \
	VPADDD       Y4, Y3, Y4; \
	VPMINUD      last, Y4, Y4; \
	VPADDD       Y4, Y4, Y5; \
	KXNORW       K1, K1, K1; \
	VPXORD       Z6, Z6, Z6; \
	VPGATHERDQ   (starts)(Y5*8), K1, Z6; \
	KXNORW       K1, K1, K1; \
	VPXORD       Z7, Z7, Z7; \
	VPGATHERDQ   8(starts)(Y5*8), K1, Z7; \
	VPCMPUQ      $1, Z1, Z6, K1; \
	VPCMPUQ      $0, Z1, Z6, K3; \
	VPCMPUQ      $2, Z2, Z7, K3, K3; \
	KORW         K1, K3, K1; \
	VMOVDQA32    Y4, K1, Y3; \
	SHRQ         $1, BX; \
	JNZ          loop; \
done:

// func vectorRows6(t *rowTables, q *Query, addresses *interval.IPv6, blocks int, rows *uint32)
//
// Eight at a time, in the order of QUESTIONS; AVX-512 VL.
TEXT ·vectorRows6(SB), NOSPLIT, $0-40
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         addresses+16(FP), R12
	MOVQ         blocks+24(FP), CX
	MOVQ         rows+32(FP), DX
	ADDQ         CX, CX
	MOVQ         $32, R13
	MOVQ         rowTables_starts(DI), R8
	MOVQ         rowTables_of(DI), R9
	VPBROADCASTD rowTables_last(DI), Y25
	VMOVDQU32    turned<>(SB), Y26

rows6:
	KXNORW     K1, K1, K1
	VPXORD     Y0, Y0, Y0
	VPGATHERDD (SI)(Y26*4), K1, Y0
	VPADDD     Y0, Y0, Y0
	KXNORW     K1, K1, K1
	VPXORD     Z1, Z1, Z1
	VPGATHERDQ (R12)(Y0*8), K1, Z1
	KXNORW     K1, K1, K1
	VPXORD     Z2, Z2, Z2
	VPGATHERDQ 8(R12)(Y0*8), K1, Z2
	MOVQ       rowTables_step(DI), BX
	SEARCH6(R8, Y25, interval6, found6)
	KXNORW     K1, K1, K1
	VPXORD     Y8, Y8, Y8
	VPGATHERDD (R9)(Y3*2), K1, Y8
	VPANDD.BCST   cShort<>(SB), Y8, Y8
	VPTESTMD.BCST c1<>(SB), Y8, K2
	VPSRLD        $1, Y8, Y8
	KORTESTW      K2, K2
	JZ            plain6

	MOVQ         rowTables_atlas(DI), R11
	MOVQ         rowTables_atlasStep(DI), BX
	VPBROADCASTD rowTables_atlasLast(DI), Y27
	SEARCH6(R11, Y27, atlas6, region6)
	MOVQ        rowTables_region(DI), R11
	KMOVW       K2, K1
	VPXORD      Y6, Y6, Y6
	VPGATHERDD  (R11)(Y3*2), K1, Y6
	VPANDD.BCST cShort<>(SB), Y6, Y6
	MOVQ        rowTables_zoneOf(DI), R11
	KMOVW       K2, K1
	VPXORD      Y7, Y7, Y7
	VPGATHERDD  (R11)(Y6*1), K1, Y7
	VPANDD.BCST cByte<>(SB), Y7, Y7
	VPMULLD.BCST rowTables_zones(DI), Y8, Y9
	VPADDD      Y7, Y9, Y9
	MOVQ        rowTables_zoned(DI), R11
	KMOVW       K2, K1
	VPXORD      Y7, Y7, Y7
	VPGATHERDD  (R11)(Y9*2), K1, Y7
	VPANDD.BCST cShort<>(SB), Y7, K2, Y8

plain6:
	VMOVDQU32 Y8, (DX)
	ADDQ      $32, DX
	ADDQ      R13, SI
	NEGQ      R13
	ADDQ      $256, R13
	DECQ      CX
	JNZ       rows6
	VZEROUPPER
	RET

// func vectorVerdicts(t *columnTables, q *Query, blocks int, rows *uint32, out *uint32, length int, base uint) bool
TEXT ·vectorVerdicts(SB), NOSPLIT, $0-57
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         blocks+16(FP), CX
	MOVQ         rows+24(FP), DX
	MOVQ         out+32(FP), BX
	VPBROADCASTD length+40(FP), Z31
	VPBROADCASTD base+48(FP), Z30
	KXNORW       K5, K5, K5
	MOVQ         columnTables_starts(DI), R8
	MOVQ         columnTables_of(DI), R9
	MOVQ         columnTables_sourceStarts(DI), R10
	MOVQ         columnTables_sourceOf(DI), R11
	MOVQ         columnTables_class(DI), R12
	MOVQ         columnTables_cells(DI), R13
	STEPS
	VPBROADCASTD columnTables_last(DI), Z25
	VPBROADCASTD columnTables_shift(DI), Z26
	LOADPIVOTS(R8, Z26, Z25, Z16, Z17)
	TESTQ        R10, R10
	JZ           columns
	VPBROADCASTD columnTables_sourceLast(DI), Z27
	VPBROADCASTD columnTables_sourceShift(DI), Z28
	LOADPIVOTS(R10, Z28, Z27, Z18, Z19)

columns:
	QUESTIONS(SI)
	VMOVDQA32 Z1, Z15
	KEYS
	PIVOTS(Z16, Z17, Z5, Z6, Z7)
	VPSLLVD   Z26, Z6, Z6
	VPMINUD   Z25, Z6, Z6
	MOVQ      columnTables_shift(DI), AX
	TESTQ     AX, AX
	JZ        destination
	VPSLLVD   Z26, Z24, Z8
	VPSRLD    $1, Z8, Z8

destinationBlock:
	BLOCK(R8, Z25, Z5, Z6, Z8, Z7, Z9)
	DECQ AX
	JNZ  destinationBlock

destination:
	GATHER((R9)(Z6*2), Z10)
	VPANDD.BCST cShort<>(SB), Z10, Z10
	TESTQ       R10, R10
	JZ          cells
	PIVOTS(Z18, Z19, Z4, Z6, Z7)
	VPSLLVD     Z28, Z6, Z6
	VPMINUD     Z27, Z6, Z6
	MOVQ        columnTables_sourceShift(DI), AX
	TESTQ       AX, AX
	JZ          source
	VPSLLVD     Z28, Z24, Z8
	VPSRLD      $1, Z8, Z8

sourceBlock:
	BLOCK(R10, Z27, Z4, Z6, Z8, Z7, Z9)
	DECQ AX
	JNZ  sourceBlock

source:
	GATHER((R11)(Z6*4), Z7)
	VPADDD      Z10, Z7, Z7
	GATHER((R12)(Z7*2), Z10)
	VPANDD.BCST cShort<>(SB), Z10, Z10

cells:
	VMOVDQU32    (DX), Z0
	VPMULLD.BCST columnTables_width(DI), Z0, Z0
	VPADDD       Z10, Z0, Z0
	CMPQ         columnTables_wide(DI), $0
	JNE          wide
	GATHER((R13)(Z0*1), Z1)
	VPANDD.BCST  cByte<>(SB), Z1, Z1
	JMP          verdict

wide:
	GATHER((R13)(Z0*2), Z1)
	VPANDD.BCST cShort<>(SB), Z1, Z1

verdict:
	MOVQ columnTables_verdicts(DI), AX
	GATHER((AX)(Z1*4), Z2)
	ANSWER(Z15, Z2, Z31, BX)
	ADDQ $64, DX
	ADDQ $256, SI
	DECQ CX
	JNZ  columns
	KMOVW K5, AX
	CMPW  AX, $0xffff
	SETEQ ret+56(FP)
	VZEROUPPER
	RET

// func vectorDirect(t *directTables, q *Query, blocks int, out *uint32, length int, base uint) bool
TEXT ·vectorDirect(SB), NOSPLIT, $0-49
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         blocks+16(FP), CX
	MOVQ         out+24(FP), BX
	VPBROADCASTD length+32(FP), Z31
	VPBROADCASTD base+40(FP), Z30
	KXNORW       K5, K5, K5
	MOVQ         directTables_root(DI), R8
	MOVQ         directTables_pages(DI), R9
	MOVQ         directTables_columns(DI), R10
	MOVQ         directTables_sources(DI), R11
	MOVQ         directTables_bySource(DI), R12
	MOVQ         directTables_cells(DI), R13
	VPBROADCASTD cShort<>(SB), Z16
	VPBROADCASTD cByte<>(SB), Z17
	VPBROADCASTD cDeeper<>(SB), Z18
	VPBROADCASTD cNumber<>(SB), Z19
	VPBROADCASTD directTables_row(DI), Z20
	VPBROADCASTD directTables_width(DI), Z21

direct:
	QUESTIONS(SI)
	VMOVDQA32 Z1, Z15
	KEYS

	// Z1: rows.
	VPSRLD   $16, Z0, Z6
	GATHER((R8)(Z6*2), Z1)
	VPANDD   Z16, Z1, Z1
	VPTESTMD Z18, Z1, K2
	KORTESTW K2, K2
	JZ       services
	VPSRLD   $8, Z0, Z6
	VPANDD   Z17, Z6, Z6
	VPANDD   Z19, Z1, Z7
	VPSLLD   $8, Z7, Z7
	VPORD    Z7, Z6, Z6
	KMOVW    K2, K1
	VPXORD   Z8, Z8, Z8
	VPGATHERDD (R9)(Z6*2), K1, Z8
	VPANDD   Z16, Z8, K2, Z1
	VPTESTMD Z18, Z1, K2
	KORTESTW K2, K2
	JZ       services
	VPANDD   Z17, Z0, Z6
	VPANDD   Z19, Z1, Z7
	VPSLLD   $8, Z7, Z7
	VPORD    Z7, Z6, Z6
	KMOVW    K2, K1
	VPXORD   Z8, Z8, Z8
	VPGATHERDD (R9)(Z6*2), K1, Z8
	VPANDD   Z16, Z8, K2, Z1

services:
	GATHER((R10)(Z5*2), Z9)
	VPANDD   Z16, Z9, Z9
	VPTESTMD Z18, Z9, K2
	KORTESTW K2, K2
	JZ       answer
	KMOVW    K2, K1
	VPXORD   Z8, Z8, Z8
	VPGATHERDD (R11)(Z4*2), K1, Z8
	VPANDD   Z16, Z8, Z8
	VPANDD   Z19, Z9, Z7
	VPMULLD  Z21, Z7, Z7
	VPADDD   Z8, Z7, Z7
	KMOVW    K2, K1
	VPXORD   Z8, Z8, Z8
	VPGATHERDD (R12)(Z7*2), K1, Z8
	VPANDD   Z16, Z8, K2, Z9

answer:
	VPMULLD Z20, Z1, Z1
	VPADDD  Z9, Z1, Z1
	GATHER((R13)(Z1*4), Z2)
	ANSWER(Z15, Z2, Z31, BX)
	ADDQ $256, SI
	DECQ CX
	JNZ  direct
	KMOVW K5, AX
	CMPW  AX, $0xffff
	SETEQ ret+48(FP)
	VZEROUPPER
	RET
