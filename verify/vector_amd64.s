//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// The loops over rows: sixteen go side by side, whatever differs between them is a
// mask or an index. AVX-512 F only. Operands stand in Go's order: sources first,
// destination last.

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

DATA c1<>+0(SB)/4, $1
GLOBL c1<>(SB), RODATA|NOPTR, $4
DATA c2<>+0(SB)/4, $2
GLOBL c2<>(SB), RODATA|NOPTR, $4
DATA c4<>+0(SB)/4, $4
GLOBL c4<>(SB), RODATA|NOPTR, $4
DATA c6<>+0(SB)/4, $6
GLOBL c6<>(SB), RODATA|NOPTR, $4
DATA c17<>+0(SB)/4, $17
GLOBL c17<>(SB), RODATA|NOPTR, $4
DATA cByte<>+0(SB)/4, $0xff
GLOBL cByte<>(SB), RODATA|NOPTR, $4
DATA cShort<>+0(SB)/4, $0xffff
GLOBL cShort<>(SB), RODATA|NOPTR, $4
DATA cOpen<>+0(SB)/4, $0x10000
GLOBL cOpen<>(SB), RODATA|NOPTR, $4
DATA cPortless<>+0(SB)/4, $0x20000
GLOBL cPortless<>(SB), RODATA|NOPTR, $4
DATA cNumber<>+0(SB)/4, $0x7fffffff
GLOBL cNumber<>(SB), RODATA|NOPTR, $4

// GATHER loads a 32-bit element per lane.
#define GATHER(at, to) \
	KXNORW     K1, K1, K1; \
	VPXORD     to, to, to; \
	VPGATHERDD at, K1, to

// VALUE loads the values of the rows from AX on of a coded or plain column. It
// spoils R8 and R9.
#define VALUE(column, to, spare, plain, done) \
	MOVQ      column+laneColumn_code(DI), R8; \
	MOVQ      column+laneColumn_list(DI), R9; \
	TESTQ     R8, R8; \
	JZ        plain; \
	VMOVDQU32 (R8)(AX*4), spare; \
	GATHER((R9)(spare*4), to); \
	JMP       done; \
plain: \
	VMOVDQU32 (R9)(AX*4), to; \
done:

// func vectorNumbers(t *rowColumns, from, blocks int, numbers *uint32)
TEXT ·vectorNumbers(SB), NOSPLIT, $0-32
	MOVQ t+0(FP), DI
	MOVQ from+8(FP), AX
	MOVQ blocks+16(FP), CX
	MOVQ numbers+24(FP), DX
	MOVQ rowColumns_nic(DI), R10
	MOVQ rowColumns_local(DI), R11
	MOVQ rowColumns_siteNIC(DI), R12
	MOVQ rowColumns_siteNumbers(DI), R13
	VPBROADCASTD c1<>(SB), Z20
	VPBROADCASTD cOpen<>(SB), Z21
	VPBROADCASTD cByte<>(SB), Z22

numbers:
	// Z0: local address; K2: its NIC is the one the site is for.
	VMOVDQU32 (R11)(AX*4), Z0
	KXNORW    K2, K2, K2
	TESTQ     R10, R10
	JZ        direction
	GATHER((R12)(Z0*4), Z2)
	VPCMPEQD  (R10)(AX*4), Z2, K2

direction:
	// Z3: 0 inbound, 1 outbound, else bad.
	VALUE(rowColumns_direction, Z3, Z4, directionPlain, directionDone)
	VPSUBD       Z20, Z3, Z3
	VPCMPUD.BCST $1, c2<>(SB), Z3, K2, K2

	// Z5: number, and the site's family as 4 or 6 in Z6.
	VPADDD     Z0, Z0, Z4
	VPADDD     Z3, Z4, Z4
	KMOVW      K2, K1
	VPXORD     Z5, Z5, Z5
	VPGATHERDD (R13)(Z4*4), K1, Z5
	VPTESTMD   Z5, Z5, K2, K2
	VPSRLD     $31, Z5, Z6
	VPADDD     Z6, Z6, Z6
	VPADDD.BCST c4<>(SB), Z6, Z6

	// The remote address has the same family.
	MOVQ         (rowColumns_remote+laneColumn_code)(DI), R8
	TESTQ        R8, R8
	JZ           remotePlain
	VMOVDQU32    (R8)(AX*4), Z7
	JMP          family

remotePlain:
	VPBROADCASTD AX, Z7
	VPADDD       lanes<>(SB), Z7, Z7

family:
	MOVQ rowColumns_family(DI), R9
	GATHER((R9)(Z7*1), Z8)
	VPANDD   Z22, Z8, Z8
	VPCMPEQD Z6, Z8, K2, K2

	// Z8: source port, Z9: destination port; inbound the remote one is the source.
	VALUE(rowColumns_localPort, Z8, Z4, localPlain, localDone)
	VALUE(rowColumns_remotePort, Z9, Z4, remotePortPlain, remotePortDone)
	VPTESTNMD Z3, Z3, K3
	VMOVDQA32 Z8, Z10
	VMOVDQA32 Z9, K3, Z8
	VMOVDQA32 Z10, K3, Z9
	VPCMPUD   $2, Z21, Z8, K2, K2

	// The destination port may be open, one past the last, where there are no ports.
	VALUE(rowColumns_protocol, Z10, Z4, protocolPlain, protocolDone)
	VPCMPEQD.BCST c6<>(SB), Z10, K3
	VPCMPEQD.BCST c17<>(SB), Z10, K4
	KORW          K3, K4, K3
	VMOVDQA32     Z21, Z11
	VPSUBD        Z20, Z11, K3, Z11
	VPCMPUD       $2, Z11, Z9, K2, K2
	VPCMPUD       $2, Z22, Z10, K2, K2

	VPANDD.BCST.Z cNumber<>(SB), Z5, K2, Z5
	VMOVDQU32     Z5, (DX)
	ADDQ          $16, AX
	ADDQ          $64, DX
	DECQ          CX
	JNZ           numbers
	VZEROUPPER
	RET

// PUT puts question 4 × lane + number of 16, 12 bytes of 16, where its group goes on,
// and says where in of. The line after it is asked for: the group will go on there,
// and there are more groups than the processor watches.
#define PUT(from, lane, number, skip) \
	MOVL          (4*(4*lane+number))(SI)(AX*4), R8; \
	TESTL         R8, R8; \
	JZ            skip; \
	MOVL          (BX)(R8*4), R9; \
	LEAL          1(R9), R13; \
	MOVL          R13, (BX)(R8*4); \
	MOVL          R13, (4*(4*lane+number))(SI)(AX*4); \
	LEAQ          (R9)(R9*2), R9; \
	VEXTRACTI32X4 $lane, from, K2, (DX)(R9*4); \
	PREFETCHT0    64(DX)(R9*4); \
skip:

// func vectorPlace(t *rowColumns, from, blocks int, of, next *uint32, questions *index.Query)
TEXT ·vectorPlace(SB), NOSPLIT, $0-48
	MOVQ t+0(FP), DI
	MOVQ from+8(FP), AX
	MOVQ blocks+16(FP), CX
	MOVQ of+24(FP), SI
	MOVQ next+32(FP), BX
	MOVQ questions+40(FP), DX
	MOVQ (rowColumns_remote+laneColumn_code)(DI), R10
	MOVQ (rowColumns_remote+laneColumn_list)(DI), R11
	MOVQ rowColumns_family(DI), R12
	VPBROADCASTD c1<>(SB), Z20
	VPBROADCASTD cOpen<>(SB), Z21
	VPBROADCASTD cByte<>(SB), Z22
	VPBROADCASTD c4<>(SB), Z23
	VMOVDQU32    lanes<>(SB), Z24
	VPBROADCASTD cShort<>(SB), Z25
	MOVL         $7, R8
	KMOVW        R8, K2

questions:
	// Z0: IPv4 address, or entry.
	TESTQ        R10, R10
	JZ           rows
	VMOVDQU32    (R10)(AX*4), Z0
	JMP          entry

rows:
	VPBROADCASTD AX, Z0
	VPADDD       Z24, Z0, Z0

entry:
	GATHER((R12)(Z0*1), Z4)
	VPANDD     Z22, Z4, Z4
	VPCMPEQD   Z23, Z4, K1
	VMOVDQA32  Z0, Z5
	VPGATHERDD (R11)(Z5*4), K1, Z0

	// Z2: source port, Z3: destination port.
	VALUE(rowColumns_direction, Z6, Z4, directionPlain, directionDone)
	VALUE(rowColumns_localPort, Z2, Z4, localPlain, localDone)
	VALUE(rowColumns_remotePort, Z3, Z4, remotePortPlain, remotePortDone)
	VPCMPEQD    Z20, Z6, K3
	VMOVDQA32   Z2, Z7
	VMOVDQA32   Z3, K3, Z2
	VMOVDQA32   Z7, K3, Z3
	VPMINUD     Z21, Z2, Z2
	VPANDD      Z25, Z3, Z3

	// Z6: destination key, as index.DestinationKey has it.
	VALUE(rowColumns_protocol, Z6, Z4, protocolPlain, protocolDone)
	VPANDD        Z22, Z6, Z6
	VPCMPEQD.BCST c6<>(SB), Z6, K3
	VPCMPEQD.BCST c17<>(SB), Z6, K4
	VPORD.BCST    cPortless<>(SB), Z6, Z6
	VMOVDQA32     Z3, K3, Z6
	VPORD         Z21, Z3, K4, Z6

	VPUNPCKLDQ  Z2, Z0, Z4
	VPUNPCKHDQ  Z2, Z0, Z5
	VPUNPCKLDQ  Z6, Z6, Z7
	VPUNPCKHDQ  Z6, Z6, Z8
	VPUNPCKLQDQ Z7, Z4, Z0
	VPUNPCKHQDQ Z7, Z4, Z1
	VPUNPCKLQDQ Z8, Z5, Z2
	VPUNPCKHQDQ Z8, Z5, Z3

	PUT(Z0, 0, 0, skip0)
	PUT(Z1, 0, 1, skip1)
	PUT(Z2, 0, 2, skip2)
	PUT(Z3, 0, 3, skip3)
	PUT(Z0, 1, 0, skip4)
	PUT(Z1, 1, 1, skip5)
	PUT(Z2, 1, 2, skip6)
	PUT(Z3, 1, 3, skip7)
	PUT(Z0, 2, 0, skip8)
	PUT(Z1, 2, 1, skip9)
	PUT(Z2, 2, 2, skip10)
	PUT(Z3, 2, 3, skip11)
	PUT(Z0, 3, 0, skip12)
	PUT(Z1, 3, 1, skip13)
	PUT(Z2, 3, 2, skip14)
	PUT(Z3, 3, 3, skip15)

	ADDQ        $16, AX
	DECQ        CX
	JNZ         questions
	VZEROUPPER
	RET

// func vectorCollect(ids *ID, of *uint32, blocks int, answers *ID)
TEXT ·vectorCollect(SB), NOSPLIT, $0-32
	MOVQ ids+0(FP), DI
	MOVQ of+8(FP), SI
	MOVQ blocks+16(FP), CX
	MOVQ answers+24(FP), R8

collect:
	VMOVDQU32  (SI), Z0
	VPTESTMD   Z0, Z0, K2
	KMOVW      K2, K1
	VPXORD     Z1, Z1, Z1
	VPGATHERDD -4(R8)(Z0*4), K1, Z1
	VMOVDQU32  Z1, K2, (DI)
	ADDQ       $64, SI
	ADDQ       $64, DI
	DECQ       CX
	JNZ        collect
	VZEROUPPER
	RET

// func vectorWiden(to *uint32, from *uint16, blocks int)
TEXT ·vectorWiden(SB), NOSPLIT, $0-24
	MOVQ to+0(FP), DI
	MOVQ from+8(FP), SI
	MOVQ blocks+16(FP), CX

widen:
	VPMOVZXWD (SI), Z0
	VMOVDQU32 Z0, (DI)
	ADDQ      $32, SI
	ADDQ      $64, DI
	DECQ      CX
	JNZ       widen
	VZEROUPPER
	RET

// func vectorTally(ids *ID, blocks int, slots *uint8, counts *[4]int64)
TEXT ·vectorTally(SB), NOSPLIT, $0-32
	MOVQ         ids+0(FP), SI
	MOVQ         blocks+8(FP), CX
	MOVQ         slots+16(FP), R8
	MOVQ         counts+24(FP), DI
	VPBROADCASTD cByte<>(SB), Z20
	VPBROADCASTD c1<>(SB), Z21
	VPBROADCASTD c2<>(SB), Z22
	XORQ         R10, R10
	XORQ         R11, R11
	XORQ         R12, R12
	MOVQ         CX, R13
	SHLQ         $4, R13

tally:
	VMOVDQU32 (SI), Z0
	GATHER((R8)(Z0*1), Z1)
	VPANDD    Z20, Z1, Z1
	VPTESTNMD Z1, Z1, K2
	VPCMPEQD  Z21, Z1, K3
	VPCMPEQD  Z22, Z1, K4
	KMOVW     K2, AX
	KMOVW     K3, BX
	KMOVW     K4, DX
	POPCNTL   AX, AX
	POPCNTL   BX, BX
	POPCNTL   DX, DX
	ADDQ      AX, R10
	ADDQ      BX, R11
	ADDQ      DX, R12
	ADDQ      $64, SI
	DECQ      CX
	JNZ       tally
	SUBQ      R10, R13
	SUBQ      R11, R13
	SUBQ      R12, R13
	ADDQ      R10, 0(DI)
	ADDQ      R11, 8(DI)
	ADDQ      R12, 16(DI)
	ADDQ      R13, 24(DI)
	VZEROUPPER
	RET
