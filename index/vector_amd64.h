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

// remotes, portsOf and keysOf are where the fields of 16 questions stand, of the 48
// numbers of 4 bytes that these are, by the place in their vector.
DATA remotes<>+0(SB)/4, $0
DATA remotes<>+4(SB)/4, $3
DATA remotes<>+8(SB)/4, $6
DATA remotes<>+12(SB)/4, $9
DATA remotes<>+16(SB)/4, $12
DATA remotes<>+20(SB)/4, $15
DATA remotes<>+24(SB)/4, $2
DATA remotes<>+28(SB)/4, $5
DATA remotes<>+32(SB)/4, $8
DATA remotes<>+36(SB)/4, $11
DATA remotes<>+40(SB)/4, $14
DATA remotes<>+44(SB)/4, $1
DATA remotes<>+48(SB)/4, $4
DATA remotes<>+52(SB)/4, $7
DATA remotes<>+56(SB)/4, $10
DATA remotes<>+60(SB)/4, $13
GLOBL remotes<>(SB), RODATA|NOPTR, $64

DATA portsOf<>+0(SB)/4, $1
DATA portsOf<>+4(SB)/4, $4
DATA portsOf<>+8(SB)/4, $7
DATA portsOf<>+12(SB)/4, $10
DATA portsOf<>+16(SB)/4, $13
DATA portsOf<>+20(SB)/4, $0
DATA portsOf<>+24(SB)/4, $3
DATA portsOf<>+28(SB)/4, $6
DATA portsOf<>+32(SB)/4, $9
DATA portsOf<>+36(SB)/4, $12
DATA portsOf<>+40(SB)/4, $15
DATA portsOf<>+44(SB)/4, $2
DATA portsOf<>+48(SB)/4, $5
DATA portsOf<>+52(SB)/4, $8
DATA portsOf<>+56(SB)/4, $11
DATA portsOf<>+60(SB)/4, $14
GLOBL portsOf<>(SB), RODATA|NOPTR, $64

DATA keysOf<>+0(SB)/4, $2
DATA keysOf<>+4(SB)/4, $5
DATA keysOf<>+8(SB)/4, $8
DATA keysOf<>+12(SB)/4, $11
DATA keysOf<>+16(SB)/4, $14
DATA keysOf<>+20(SB)/4, $1
DATA keysOf<>+24(SB)/4, $4
DATA keysOf<>+28(SB)/4, $7
DATA keysOf<>+32(SB)/4, $10
DATA keysOf<>+36(SB)/4, $13
DATA keysOf<>+40(SB)/4, $0
DATA keysOf<>+44(SB)/4, $3
DATA keysOf<>+48(SB)/4, $6
DATA keysOf<>+52(SB)/4, $9
DATA keysOf<>+56(SB)/4, $12
DATA keysOf<>+60(SB)/4, $15
GLOBL keysOf<>(SB), RODATA|NOPTR, $64

DATA c1<>+0(SB)/4, $1
GLOBL c1<>(SB), RODATA|NOPTR, $4
DATA c2<>+0(SB)/4, $2
GLOBL c2<>(SB), RODATA|NOPTR, $4
DATA c4<>+0(SB)/4, $4
GLOBL c4<>(SB), RODATA|NOPTR, $4
DATA c8<>+0(SB)/4, $8
GLOBL c8<>(SB), RODATA|NOPTR, $4
DATA c16<>+0(SB)/4, $16
GLOBL c16<>(SB), RODATA|NOPTR, $4
DATA cByte<>+0(SB)/4, $0xff
GLOBL cByte<>(SB), RODATA|NOPTR, $4
DATA cShort<>+0(SB)/4, $0xffff
GLOBL cShort<>(SB), RODATA|NOPTR, $4
DATA cDeeper<>+0(SB)/4, $0x8000
GLOBL cDeeper<>(SB), RODATA|NOPTR, $4
DATA cBelowRoot<>+0(SB)/4, $(0xffffffff>>const_rootBits)
GLOBL cBelowRoot<>(SB), RODATA|NOPTR, $4
DATA cOpen<>+0(SB)/4, $0x10000
GLOBL cOpen<>(SB), RODATA|NOPTR, $4
DATA cKind<>+0(SB)/4, $0xffff0000
GLOBL cKind<>(SB), RODATA|NOPTR, $4
DATA cPortless<>+0(SB)/4, $0x20000
GLOBL cPortless<>(SB), RODATA|NOPTR, $4
DATA cLastKey<>+0(SB)/4, $0x200ff
GLOBL cLastKey<>(SB), RODATA|NOPTR, $4

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

// QUESTIONS loads 16 questions of 12 bytes into Z0, Z1 and Z2. THIRDS sets the masks
// of every third number, from the first, second and third on.
#define QUESTIONS(from) \
	VMOVDQU32 0(from), Z0; \
	VMOVDQU32 64(from), Z1; \
	VMOVDQU32 128(from), Z2

#define THIRDS(spare) \
	MOVL  $0x9249, spare; \
	KMOVW spare, K4; \
	MOVL  $0x2492, spare; \
	KMOVW spare, K5; \
	MOVL  $0x4924, spare; \
	KMOVW spare, K6

// REMOTES, PORTS and KEYS take a field of the questions, by the table of that name.
#define REMOTES(table, to) \
	VMOVDQA32 Z0, to; \
	VMOVDQA32 Z1, K6, to; \
	VMOVDQA32 Z2, K5, to; \
	VPERMD    to, table, to

#define PORTS(table, to) \
	VMOVDQA32 Z0, to; \
	VMOVDQA32 Z1, K4, to; \
	VMOVDQA32 Z2, K6, to; \
	VPERMD    to, table, to

#define KEYS(table, to) \
	VMOVDQA32 Z0, to; \
	VMOVDQA32 Z1, K5, to; \
	VMOVDQA32 Z2, K4, to; \
	VPERMD    to, table, to

// SOURCE makes of source ports and destination keys the source keys.
#define SOURCE(ports, keys, spare) \
	VPANDD.BCST  cShort<>(SB), ports, ports; \
	VPANDD.BCST  cKind<>(SB), keys, spare; \
	VPORD        spare, ports, ports; \
	VPMINUD.BCST cPortless<>(SB), ports, ports

// OPEN goes to refused where blocks with open source ports are not to be answered and
// there is one among those that were put together in all.
#define OPEN(all, open, refused, closed) \
	CMPQ          open, $0; \
	JE            closed; \
	VPTESTMD.BCST cOpen<>(SB), all, K1; \
	KORTESTW      K1, K1; \
	JNZ           refused; \
closed:

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
