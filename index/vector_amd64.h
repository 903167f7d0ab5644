// Constants and steps of the loops of vector.go. Sixteen questions go side by side;
// whatever differs between them is a mask or an index, never a jump. AVX-512 F and, where
// Y registers have masks, VL.
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

// SOME does so for the lanes of a mask; the others become zero.
#define SOME(lanes, at, to) \
	KMOVW      lanes, K1; \
	VPXORD     to, to, to; \
	VPGATHERDD at, K1, to

// WIDE loads a 64-bit element per lane.
#define WIDE(at, to) \
	KXNORW     K1, K1, K1; \
	VPXORD     to, to, to; \
	VPGATHERDQ at, K1, to

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

// OPEN returns where open source ports are another classifier's business and there is
// one among those that were put together in all.
#define OPEN(all, business, ret, closed) \
	CMPQ          business, $0; \
	JE            closed; \
	VPTESTMD.BCST cUDP<>(SB), all, K1; \
	KORTESTW      K1, K1; \
	JZ            closed; \
	MOVQ          $2, ret; \
	VZEROUPPER; \
	RET; \
closed:

// ANSWERED says whether ANSWER wrote all rows: K5 has them all.
#define ANSWERED(ret) \
	XORL  AX, AX; \
	KMOVW K5, CX; \
	CMPW  CX, $0xffff; \
	SETEQ AX; \
	MOVQ  AX, ret

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
	SOME(K2, (R11)(interval*2), spare); \
	VPANDD.BCST  cShort<>(SB), spare, spare; \
	MOVQ         rowTables_zoneOf(DI), R11; \
	SOME(K2, (R11)(spare*1), to); \
	VPANDD.BCST  cByte<>(SB), to, to; \
	VPMULLD.BCST rowTables_zones(DI), block, spare; \
	VPADDD       to, spare, spare; \
	MOVQ         rowTables_zoned(DI), R11; \
	SOME(K2, (R11)(spare*2), to); \
	VPANDD.BCST  cShort<>(SB), to, to
