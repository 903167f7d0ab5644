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

// order is which question a lane of QUESTIONS holds, and the other way round.
DATA order<>+0(SB)/4, $0
DATA order<>+4(SB)/4, $4
DATA order<>+8(SB)/4, $8
DATA order<>+12(SB)/4, $12
DATA order<>+16(SB)/4, $1
DATA order<>+20(SB)/4, $5
DATA order<>+24(SB)/4, $9
DATA order<>+28(SB)/4, $13
DATA order<>+32(SB)/4, $2
DATA order<>+36(SB)/4, $6
DATA order<>+40(SB)/4, $10
DATA order<>+44(SB)/4, $14
DATA order<>+48(SB)/4, $3
DATA order<>+52(SB)/4, $7
DATA order<>+56(SB)/4, $11
DATA order<>+60(SB)/4, $15
GLOBL order<>(SB), RODATA|NOPTR, $64

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

// BLOCK halves what lies between two pivots once.
#define BLOCK(starts, last, key, position, step, spare, start) \
	VPADDD    step, position, spare; \
	VPMINUD   last, spare, spare; \
	GATHER((starts)(spare*4), start); \
	VPCMPUD   $2, key, start, K1; \
	VMOVDQA32 spare, K1, position

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

// ANSWER adds base to the verdicts and puts them where the questions say: at once
// when they stand side by side, as those of a file about one NIC do. A row beyond the
// end of out is not written; K5 collects those that are not. rows is Z15, the
// verdicts are Z2, the order of QUESTIONS is Z29; it spoils Z3 and spare.
#define ANSWER(out, spare, scattered, done) \
	VPADDD       Z30, Z2, Z2; \
	VPCMPUD      $1, Z31, Z15, K1; \
	KANDW        K1, K5, K5; \
	VPBROADCASTD X15, Z3; \
	VPADDD       Z29, Z3, Z3; \
	VPCMPEQD     Z3, Z15, K2; \
	KANDW        K1, K2, K2; \
	KORTESTW     K2, K2; \
	JCC          scattered; \
	VMOVD        X15, spare; \
	VPERMD       Z2, Z29, Z2; \
	VMOVDQU32    Z2, (out)(spare*4); \
	JMP          done; \
scattered: \
	VPSCATTERDD Z2, K1, (out)(Z15*4); \
done:

// MIXED notes the lanes whose interval is mixed behind the BX that the Work at R12
// holds already: address, block of zoned, and where the row belongs. of is halved,
// lanes goes on by the step.
#define MIXED(address, of, lanes, step, spare) \
	VPANDD.BCST   cShort<>(SB), of, of; \
	VPTESTMD.BCST c1<>(SB), of, K2; \
	VPSRLD        $1, of, of; \
	VPCOMPRESSD   of, K2, spare; \
	VMOVDQU32     spare, Work_mixedBlock(R12)(BX*4); \
	VPCOMPRESSD   address, K2, spare; \
	VMOVDQU32     spare, Work_mixedAddress(R12)(BX*4); \
	VPCOMPRESSD   lanes, K2, spare; \
	VMOVDQU32     spare, Work_mixedPlace(R12)(BX*4); \
	VPADDD.BCST   step, lanes, lanes; \
	KMOVW         K2, AX; \
	POPCNTL       AX, AX; \
	ADDQ          AX, BX

// ZONED makes of blocks of zoned and intervals of the atlas rows in to, where K2 says so.
#define ZONED(block, interval, spare, to) \
	MOVQ         rowTables_region(DI), R11; \
	KMOVW        K2, K1; \
	VPXORD       spare, spare, spare; \
	VPGATHERDD   (R11)(interval*2), K1, spare; \
	VPANDD.BCST  cShort<>(SB), spare, spare; \
	MOVQ         rowTables_zoneOf(DI), R11; \
	KMOVW        K2, K1; \
	VPXORD       to, to, to; \
	VPGATHERDD   (R11)(spare*1), K1, to; \
	VPANDD.BCST  cByte<>(SB), to, to; \
	VPMULLD.BCST rowTables_zones(DI), block, spare; \
	VPADDD       to, spare, spare; \
	MOVQ         rowTables_zoned(DI), R11; \
	KMOVW        K2, K1; \
	VPXORD       to, to, to; \
	VPGATHERDD   (R11)(spare*2), K1, to; \
	VPANDD.BCST  cShort<>(SB), to, to

// cOpen has the bits of a question that say that its source port is open.
DATA cOpen<>+0(SB)/8, $0
DATA cOpen<>+8(SB)/8, $0x10000
GLOBL cOpen<>(SB), RODATA|NOPTR, $16

// func vectorAnyOpen(q *Query, blocks int) bool
TEXT ·vectorAnyOpen(SB), NOSPLIT, $0-17
	MOVQ   q+0(FP), SI
	MOVQ   blocks+8(FP), CX
	VPXORD Z0, Z0, Z0
	VPXORD Z1, Z1, Z1

anyOpen:
	VPORD           0(SI), Z0, Z0
	VPORD           64(SI), Z1, Z1
	VPORD           128(SI), Z0, Z0
	VPORD           192(SI), Z1, Z1
	ADDQ            $256, SI
	DECQ            CX
	JNZ             anyOpen
	VPORD           Z0, Z1, Z0
	VBROADCASTI32X4 cOpen<>(SB), Z2
	VPTESTMD        Z2, Z0, K1
	KMOVW           K1, AX
	TESTW           AX, AX
	SETNE           ret+16(FP)
	VZEROUPPER
	RET

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

	XORQ AX, AX

pivot4:
	QUESTIONS(SI)
	PIVOTS(Z16, Z17, Z0, Z1, Z2)
	VPSLLVD   Z26, Z1, Z1
	VPMINUD   Z25, Z1, Z1
	VMOVDQU32 Z0, Work_key(R12)(AX*1)
	VMOVDQU32 Z1, Work_position(R12)(AX*1)
	ADDQ      $256, SI
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
	KMOVW       K2, K1
	VPXORD      Z5, Z5, Z5
	VPGATHERDD  (R8)(Z4*4), K1, Z5
	KMOVW       K2, K1
	VPXORD      Z6, Z6, Z6
	VPGATHERDD  4(R8)(Z4*4), K1, Z6
	VPSUBD      Z5, Z6, Z7
	VPADDD      Z24, Z7, Z7
	VPCMPUD     $6, Z24, Z7, K2, K3
	KORTESTW    K3, K3
	JZ          region4

atlas4:
	VPSRLD      $1, Z7, Z8
	VPADDD      Z8, Z5, Z9
	KMOVW       K3, K1
	VPXORD      Z10, Z10, Z10
	VPGATHERDD  (R9)(Z9*4), K1, Z10
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
	KXNORW     K1, K1, K1; \
	VPXORD     Z1, Z1, Z1; \
	VPGATHERDQ (R10)(Y3*8), K1, Z1; \
	KXNORW     K1, K1, K1; \
	VPXORD     Z2, Z2, Z2; \
	VPGATHERDQ 8(R10)(Y3*8), K1, Z2

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
	KXNORW       K1, K1, K1; \
	VPGATHERDQ   (starts)(Y0*8), K1, Z16; \
	KXNORW       K1, K1, K1; \
	VPGATHERDQ   (starts)(Y1*8), K1, Z17; \
	KXNORW       K1, K1, K1; \
	VPGATHERDQ   8(starts)(Y0*8), K1, Z18; \
	KXNORW       K1, K1, K1; \
	VPGATHERDQ   8(starts)(Y1*8), K1, Z19; \
	MOVQ         $8, AX; \
	VPBROADCASTQ AX, Z20; \
	VPSRLQ       $1, Z20, Z21; \
	VPSRLQ       $2, Z20, Z22; \
	VPSRLQ       $3, Z20, Z23

// func vectorRows6(t *rowTables, q *Query, addresses *interval.IPv6, blocks int, w *Work) int
//
// Eight at a time, in the order of QUESTIONS; AVX-512 VL.
TEXT ·vectorRows6(SB), NOSPLIT, $0-48
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         addresses+16(FP), R10
	MOVQ         blocks+24(FP), CX
	MOVQ         w+32(FP), R12
	SHLQ         $6, CX
	MOVQ         $32, R13
	MOVQ         rowTables_starts(DI), R8
	MOVQ         rowTables_of(DI), R9
	LOADPIVOTS6(R8, rowTables_shift(DI), rowTables_last(DI))
	VMOVDQU32    turned<>(SB), Y27
	XORQ         AX, AX

pivot6:
	KXNORW     K1, K1, K1
	VPXORD     Y0, Y0, Y0
	VPGATHERDD (SI)(Y27*4), K1, Y0
	ADDRESSES
	VMOVDQU32  Y0, Work_key(R12)(AX*1)
	VMOVDQU64  Z1, Work_hi(R12)(AX*2)
	VMOVDQU64  Z2, Work_lo(R12)(AX*2)
	PIVOTS6
	VMOVDQU32  Y3, Work_position(R12)(AX*1)
	ADDQ       R13, SI
	NEGQ       R13
	ADDQ       $256, R13
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
	KXNORW     K1, K1, K1
	VPXORD     Y8, Y8, Y8
	VPGATHERDD (R9)(Y3*2), K1, Y8
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

// func vectorVerdicts(t *columnTables, q *Query, blocks int, w *Work, out *uint32, length int, base uint) bool
TEXT ·vectorVerdicts(SB), NOSPLIT, $0-57
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         blocks+16(FP), CX
	MOVQ         w+24(FP), DX
	MOVQ         out+32(FP), BX
	SHLQ         $6, CX
	VPBROADCASTD length+40(FP), Z31
	VPBROADCASTD base+48(FP), Z30
	VMOVDQU32    order<>(SB), Z29
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
	JZ           services
	VPBROADCASTD columnTables_sourceLast(DI), Z27
	VPBROADCASTD columnTables_sourceShift(DI), Z28
	LOADPIVOTS(R10, Z28, Z27, Z18, Z19)

services:
	XORQ AX, AX

service:
	QUESTIONS(SI)
	VMOVDQU32 Z1, Work_place(DX)(AX*1)
	KEYS
	PIVOTS(Z16, Z17, Z5, Z6, Z7)
	VPSLLVD   Z26, Z6, Z6
	VPMINUD   Z25, Z6, Z6
	VMOVDQU32 Z5, Work_key(DX)(AX*1)
	VMOVDQU32 Z6, Work_position(DX)(AX*1)
	ADDQ      $256, SI
	TESTQ     R10, R10
	JZ        nextService
	PIVOTS(Z18, Z19, Z4, Z6, Z7)
	VPSLLVD   Z28, Z6, Z6
	VPMINUD   Z27, Z6, Z6
	CMPQ      columnTables_sourceShift(DI), $0
	JE        source
	VPSLLVD   Z28, Z24, Z8
	MOVQ      AX, SI
	MOVQ      columnTables_sourceShift(DI), AX

sourceBlock:
	VPSRLD $1, Z8, Z8
	BLOCK(R10, Z27, Z4, Z6, Z8, Z7, Z9)
	DECQ AX
	JNZ  sourceBlock
	MOVQ SI, AX
	MOVQ q+8(FP), SI
	LEAQ 256(SI)(AX*4), SI

source:
	GATHER((R11)(Z6*4), Z7)
	VMOVDQU32 Z7, Work_source(DX)(AX*1)

nextService:
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  service

	MOVQ    columnTables_shift(DI), SI
	VPSLLVD Z26, Z24, Z8

destinationStep:
	TESTQ  SI, SI
	JZ     columns
	VPSRLD $1, Z8, Z8
	XORQ   AX, AX

destinationBlock:
	VMOVDQU32 Work_key(DX)(AX*1), Z5
	VMOVDQU32 Work_position(DX)(AX*1), Z6
	BLOCK(R8, Z25, Z5, Z6, Z8, Z7, Z9)
	VMOVDQU32 Z6, Work_position(DX)(AX*1)
	ADDQ      $64, AX
	CMPQ      AX, CX
	JLT       destinationBlock
	DECQ      SI
	JMP       destinationStep

columns:
	VPBROADCASTD columnTables_width(DI), Z16
	VPBROADCASTD cShort<>(SB), Z17
	XORQ         AX, AX

column:
	VMOVDQU32 Work_position(DX)(AX*1), Z6
	GATHER((R9)(Z6*2), Z10)
	VPANDD    Z17, Z10, Z10
	TESTQ     R10, R10
	JZ        cell
	VPADDD    Work_source(DX)(AX*1), Z10, Z7
	GATHER((R12)(Z7*2), Z10)
	VPANDD    Z17, Z10, Z10

cell:
	VPMULLD   Work_row(DX)(AX*1), Z16, Z0
	VPADDD    Z10, Z0, Z0
	VMOVDQU32 Z0, Work_position(DX)(AX*1)
	ADDQ      $64, AX
	CMPQ      AX, CX
	JLT       column

	MOVQ columnTables_verdicts(DI), R8
	XORQ AX, AX
	CMPQ columnTables_wide(DI), $0
	JNE  wide

narrow:
	VMOVDQU32    Work_position(DX)(AX*1), Z0
	GATHER((R13)(Z0*1), Z1)
	VPANDD.BCST  cByte<>(SB), Z1, Z1
	VMOVDQU32    Z1, Work_position(DX)(AX*1)
	ADDQ         $64, AX
	CMPQ         AX, CX
	JLT          narrow
	JMP          verdicts

wide:
	VMOVDQU32    Work_position(DX)(AX*1), Z0
	GATHER((R13)(Z0*2), Z1)
	VPANDD       Z17, Z1, Z1
	VMOVDQU32    Z1, Work_position(DX)(AX*1)
	ADDQ         $64, AX
	CMPQ         AX, CX
	JLT          wide

verdicts:
	XORQ AX, AX

verdict:
	VMOVDQU32 Work_position(DX)(AX*1), Z1
	VMOVDQU32 Work_place(DX)(AX*1), Z15
	GATHER((R8)(Z1*4), Z2)
	ANSWER(BX, R9, scattered, done)
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  verdict
	KMOVW K5, AX
	CMPW  AX, $0xffff
	SETEQ ret+56(FP)
	VZEROUPPER
	RET

// PAGE goes one page deeper where a row says so: by the 8 bits of the address that
// shift leaves lowest. K7 collects what is to go on.
#define PAGE(shift, loop, next) \
	XORQ       AX, AX; \
	KXORW      K7, K7, K7; \
loop: \
	VMOVDQU32  Work_row(DX)(AX*1), Z1; \
	VPTESTMD   Z18, Z1, K2; \
	VMOVDQU32  Work_key(DX)(AX*1), Z6; \
	VPSRLD     shift, Z6, Z6; \
	VPANDD     Z17, Z6, Z6; \
	VPANDD     Z19, Z1, Z7; \
	VPSLLD     $8, Z7, Z7; \
	VPORD      Z7, Z6, Z6; \
	KMOVW      K2, K1; \
	VPXORD     Z8, Z8, Z8; \
	VPGATHERDD (R9)(Z6*2), K1, Z8; \
	VPANDD     Z16, Z8, K2, Z1; \
	VMOVDQU32  Z1, Work_row(DX)(AX*1); \
	VPTESTMD   Z18, Z1, K2; \
	KORW       K2, K7, K7; \
	ADDQ       $64, AX; \
	CMPQ       AX, CX; \
	JLT        loop; \
next:

// func vectorDirect(t *directTables, q *Query, blocks int, w *Work, out *uint32, length int, base uint) bool
//
// Each look-up goes through all questions before the next one begins: what one waits
// for, the others have asked meanwhile.
TEXT ·vectorDirect(SB), NOSPLIT, $0-57
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         blocks+16(FP), CX
	MOVQ         w+24(FP), DX
	MOVQ         out+32(FP), BX
	SHLQ         $6, CX
	VPBROADCASTD length+40(FP), Z31
	VPBROADCASTD base+48(FP), Z30
	VMOVDQU32    order<>(SB), Z29
	KXNORW       K5, K5, K5
	KXORW        K6, K6, K6
	KXORW        K7, K7, K7
	MOVQ         directTables_root(DI), R8
	MOVQ         directTables_pages(DI), R9
	MOVQ         directTables_columns(DI), R10
	MOVQ         directTables_sources(DI), R11
	MOVQ         directTables_few(DI), R12
	VPBROADCASTD cShort<>(SB), Z16
	VPBROADCASTD cByte<>(SB), Z17
	VPBROADCASTD cDeeper<>(SB), Z18
	VPBROADCASTD cNumber<>(SB), Z19
	STEPS
	TESTQ        R12, R12
	JZ           firsts
	VMOVDQU32    fewSources_starts(R12), Z25
	VMOVDQU32    (fewSources_starts+64)(R12), Z26
	VMOVDQU32    fewSources_numbers(R12), Z27
	VMOVDQU32    (fewSources_numbers+64)(R12), Z28

firsts:
	XORQ AX, AX

	// By the first 16 bits of the address, and by the destination key.
first:
	QUESTIONS(SI)
	KEYS
	VPSRLD    $16, Z0, Z6
	GATHER((R8)(Z6*2), Z7)
	GATHER((R10)(Z5*2), Z9)
	VPANDD    Z16, Z7, Z7
	VPANDD    Z16, Z9, Z9
	VPTESTMD  Z18, Z7, K2
	KORW      K2, K7, K7
	VMOVDQU32 Z0, Work_key(DX)(AX*1)
	VMOVDQU32 Z1, Work_place(DX)(AX*1)
	VMOVDQU32 Z5, Work_destination(DX)(AX*1)
	VMOVDQU32 Z7, Work_row(DX)(AX*1)
	VMOVDQU32 Z9, Work_position(DX)(AX*1)
	TESTQ     R11, R11
	JZ        nextFirst

	// Z3: the number of the source port; K6: whether it counts.
	TESTQ        R12, R12
	JZ           manySources
	PIVOTS(Z25, Z26, Z4, Z3, Z6)
	VPMINUD.BCST fewSources_last(R12), Z3, Z3
	VPERMI2D     Z28, Z27, Z3
	JMP          source

manySources:
	GATHER((R11)(Z4*2), Z3)
	VPANDD Z16, Z3, Z3

source:
	VPTESTMD  Z18, Z9, K3
	VPTESTMD  Z3, Z3, K3, K3
	KORW      K3, K6, K6
	VMOVDQU32 Z3, Work_source(DX)(AX*1)

nextFirst:
	ADDQ $256, SI
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  first

	KORTESTW K7, K7
	JZ       sources
	PAGE($8, second, secondDone)
	KORTESTW K7, K7
	JZ       sources
	PAGE($0, third, thirdDone)

sources:
	KORTESTW     K6, K6
	JZ           cells
	MOVQ         directTables_rows(DI), R11
	MOVQ         directTables_bySource(DI), R12
	VPBROADCASTD directTables_width(DI), Z21
	XORQ         AX, AX

bySource:
	VMOVDQU32  Work_position(DX)(AX*1), Z9
	VMOVDQU32  Work_source(DX)(AX*1), Z3
	VPTESTMD   Z18, Z9, K2
	VPTESTMD   Z3, Z3, K2, K2
	KORTESTW   K2, K2
	JZ         nextBySource
	VMOVDQU32  Work_destination(DX)(AX*1), Z5
	KMOVW      K2, K1
	VPXORD     Z8, Z8, Z8
	VPGATHERDD (R11)(Z5*2), K1, Z8
	VPANDD     Z16, Z8, Z8
	VPMULLD    Z21, Z8, Z8
	VPADDD     Z3, Z8, Z7
	KMOVW      K2, K1
	VPXORD     Z8, Z8, Z8
	VPGATHERDD (R12)(Z7*2), K1, Z8
	VPANDD     Z16, Z8, K2, Z9
	VMOVDQU32  Z9, Work_position(DX)(AX*1)

nextBySource:
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  bySource

cells:
	MOVQ         directTables_cells(DI), R13
	VPBROADCASTD directTables_row(DI), Z20
	XORQ         AX, AX

cell:
	VMOVDQU32 Work_row(DX)(AX*1), Z1
	VMOVDQU32 Work_place(DX)(AX*1), Z15
	VPANDD    Work_position(DX)(AX*1), Z19, Z9
	VPMULLD   Z20, Z1, Z1
	VPADDD    Z9, Z1, Z1
	GATHER((R13)(Z1*4), Z2)
	ANSWER(BX, R9, scattered, done)
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  cell
	KMOVW K5, AX
	CMPW  AX, $0xffff
	SETEQ ret+56(FP)
	VZEROUPPER
	RET
