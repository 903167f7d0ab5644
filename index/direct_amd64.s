//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "vector_amd64.h"

// ROW loads what the pages at R9 say.
#define ROW(at, to) \
	GATHER((R9)(at*2), to); \
	VPANDD     Z16, to, to

// COLLECT puts the lanes of from that K2 names behind the others of a list.
#define COLLECT(from, list, count, spare) \
	VPCOMPRESSD from, K2, spare; \
	VMOVDQU32   spare, list(DX)(count*4)

// COUNT counts the lanes of K2.
#define COUNT(count, spare) \
	KMOVW   K2, spare; \
	POPCNTL spare, spare; \
	ADDQ    spare, count

// func vectorDirect(t *directTables, q *Query, blocks int, w *Work, out *uint32, base uint, from, later uint) int
//
// Each look-up goes through all questions before the next one begins: what one waits
// for, the others have asked meanwhile. The questions of the block after the next are
// asked for on the way, two lines first and one last.
TEXT ·vectorDirect(SB), NOSPLIT, $0-72
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         blocks+16(FP), CX
	MOVQ         w+24(FP), DX
	MOVQ         out+32(FP), BX
	SHLQ         $6, CX
	MOVQ         directTables_root(DI), R8
	MOVQ         directTables_columns(DI), R10
	MOVQ         directTables_sources(DI), R11
	VPBROADCASTD cShort<>(SB), Z16
	VPBROADCASTD cByte<>(SB), Z17
	VPBROADCASTD cDeeper<>(SB), Z18
	VMOVDQU32    remotes<>(SB), Z10
	VMOVDQU32    portsOf<>(SB), Z11
	VMOVDQU32    keysOf<>(SB), Z12
	VPBROADCASTD cLastKey<>(SB), Z13
	VPBROADCASTD c16<>(SB), Z15
	VPBROADCASTD c1<>(SB), Z24
	VPBROADCASTD directTables_unusual(DI), Z23
	VMOVDQU32    lanes<>(SB), Z25
	VPBROADCASTD from+48(FP), Z6
	VPADDD       Z6, Z25, Z25
	VPBROADCASTD cBelowRoot<>(SB), Z26
	VPBROADCASTD directTables_columnShift(DI), Z27
	VPBROADCASTD directTables_depends(DI), Z28
	VPXORD       Z22, Z22, Z22
	THIRDS(AX)
	MOVQ         directTables_open(DI), R12
	ORQ          R11, R12
	XORQ         AX, AX
	XORQ         R13, R13
	MOVQ         later+56(FP), R14

	// By the first 12 bits of the address, and by the destination key. Z22: all source
	// ports. Z26: the 20 bits below the root.
first:
	PREFETCHT0 6144(SI)
	PREFETCHT0 6208(SI)
	QUESTIONS(SI)
	REMOTES(Z10, Z3)
	KEYS(Z12, Z5)
	VPMINUD    Z13, Z5, Z5
	VPSRLD     $(32-const_rootBits), Z3, Z6
	VPSLLVD    Z27, Z5, Z5
	GATHER((R8)(Z6*2), Z7)
	GATHER((R10)(Z5*1), Z9)
	VPANDD     Z16, Z7, Z7
	VMOVDQU32  Z7, Work_row(DX)(AX*1)
	VMOVDQU32  Z9, Work_position(DX)(AX*1)
	VPTESTMD   Z18, Z7, K2
	VPSLLD     $(32-const_rootBits), Z7, Z7
	VPTERNLOGD $0xf8, Z26, Z3, Z7 // | Z3 & Z26
	COLLECT(Z7, Work_page, R13, Z6)
	COUNT(R13, R9)
	TESTQ      R12, R12
	JZ         nextFirst

	// The lanes whose column depends on a source port that may not be a usual one.
	PORTS(Z11, Z4)
	VPORD    Z4, Z22, Z22
	VPTESTMD Z28, Z9, K2
	VPANDD   Z16, Z4, Z4
	VPSRLD   $11, Z4, Z4
	VPSRLVD  Z4, Z23, Z4
	VPTESTMD Z24, Z4, K2, K2
	COLLECT(Z25, Work_later, R14, Z6)
	COUNT(R14, R9)
	VPADDD   Z15, Z25, Z25

nextFirst:
	ADDQ $192, SI
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  first

	OPEN(Z22, directTables_open(DI), refused, closed)
	TESTQ R13, R13
	JZ    cells

	// By the next 12 bits. R8: questions that go on. Behind the list stand some that lead
	// to the first page too.
	MOVQ      directTables_middle(DI), R9
	VPXORD    Z6, Z6, Z6
	VMOVDQU32 Z6, Work_page(DX)(R13*4)
	XORQ      AX, AX
	XORQ      R8, R8

page:
	VMOVDQU32  Work_page(DX)(AX*4), Z0
	VPSRLD     $8, Z0, Z7
	ROW(Z7, Z8)
	VMOVDQU32  Z8, Work_page(DX)(AX*4)
	VPTESTMD   Z18, Z8, K2
	VPSLLD     $8, Z8, Z8
	VPTERNLOGD $0xf8, Z17, Z0, Z8
	COLLECT(Z8, Work_second, R8, Z6)
	COUNT(R8, R10)
	ADDQ       $16, AX
	CMPQ       AX, R13
	JLT        page
	TESTQ     R8, R8
	JZ        cells

	// By the last 8. R9 is 2^24 bytes before the pages, for what deeper becomes when it
	// is moved by 8 bits.
	MOVQ      directTables_pages(DI), R9
	SUBQ      $0x1000000, R9
	VPSLLD    $8, Z18, Z6
	VMOVDQU32 Z6, Work_second(DX)(R8*4)
	XORQ      AX, AX

second:
	VMOVDQU32 Work_second(DX)(AX*4), Z7
	ROW(Z7, Z8)
	VMOVDQU32 Z8, Work_second(DX)(AX*4)
	ADDQ      $16, AX
	CMPQ      AX, R8
	JLT       second
	XORQ      AX, AX
	XORQ      R8, R8

back:
	VMOVDQU32 Work_page(DX)(AX*4), Z1
	VPTESTMD  Z18, Z1, K2
	VPEXPANDD Work_second(DX)(R8*4), K2, Z1
	VMOVDQU32 Z1, Work_page(DX)(AX*4)
	COUNT(R8, R10)
	ADDQ      $16, AX
	CMPQ      AX, R13
	JLT       back

	// Rows and columns make cells, and those answers. Rows that say deeper come from the
	// list of those, R13 is the next.
cells:
	VPBROADCASTD directTables_columnMask(DI), Z19
	VPBROADCASTD directTables_row(DI), Z20
	VPBROADCASTD directTables_cellShift(DI), Z21
	VPBROADCASTD directTables_cellMask(DI), Z22
	VPBROADCASTD base+40(FP), Z30
	MOVQ         directTables_cells(DI), R12
	MOVQ         q+8(FP), SI
	XORQ         R13, R13
	XORQ         AX, AX

cell:
	PREFETCHT0 6272(SI)
	VMOVDQU32  Work_row(DX)(AX*1), Z1
	VPTESTMD   Z18, Z1, K2
	KORTESTW   K2, K2
	JZ         same
	VPEXPANDD  Work_page(DX)(R13*4), K2, Z1
	COUNT(R13, R8)

same:
	VPMULLD   Z20, Z1, Z1
	VPANDD    Work_position(DX)(AX*1), Z19, Z9
	VPADDD    Z9, Z1, Z1
	VPSLLVD   Z21, Z1, Z1
	GATHER((R12)(Z1*1), Z2)
	VPANDD    Z22, Z2, Z2
	VPADDD    Z30, Z2, Z2
	VMOVDQU32 Z2, (BX)(AX*1)
	ADDQ      $192, SI
	ADDQ      $64, AX
	CMPQ      AX, CX
	JLT       cell
	MOVQ      R14, ret+64(FP)
	VZEROUPPER
	RET

refused:
	MOVQ $-1, ret+64(FP)
	VZEROUPPER
	RET

// func vectorDependents(t *directTables, q *Query, n int, w *Work, out *uint32, base uint)
//
// The look-ups of vectorDirect one after the other, those of source ports among them.
TEXT ·vectorDependents(SB), NOSPLIT, $0-48
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         n+16(FP), CX
	MOVQ         w+24(FP), DX
	MOVQ         out+32(FP), BX
	MOVQ         directTables_rows(DI), R10
	MOVQ         directTables_sources(DI), R11
	MOVQ         directTables_few(DI), R12
	MOVQ         directTables_bySource(DI), R13
	VPBROADCASTD cShort<>(SB), Z16
	VPBROADCASTD cByte<>(SB), Z17
	VPBROADCASTD cDeeper<>(SB), Z18
	VPBROADCASTD cBelowRoot<>(SB), Z12
	VPBROADCASTD directTables_width(DI), Z19
	VPBROADCASTD base+40(FP), Z30
	STEPS

	// The list ends with its first question, as often as it takes: it is asked again.
	VPBROADCASTD Work_later(DX), Z6
	VMOVDQU32    Z6, Work_later(DX)(CX*4)
	XORQ         AX, AX
	TESTQ        R12, R12
	JZ           dependent
	VMOVDQU32    fewSources_starts(R12), Z25
	VMOVDQU32    (fewSources_starts+64)(R12), Z26
	VMOVDQU32    fewSources_numbers(R12), Z27
	VMOVDQU32    (fewSources_numbers+64)(R12), Z28

dependent:
	VMOVDQU32    Work_later(DX)(AX*4), Z10
	VPADDD       Z10, Z10, Z7
	VPADDD       Z10, Z7, Z7
	GATHER(0(SI)(Z7*4), Z11)
	GATHER(4(SI)(Z7*4), Z4)
	GATHER(8(SI)(Z7*4), Z5)
	VPMINUD.BCST cLastKey<>(SB), Z5, Z5
	SOURCE(Z4, Z5, Z6)
	TESTQ        R12, R12
	JZ           manySources
	PIVOTS(Z25, Z26, Z4, Z3, Z6)
	VPMINUD.BCST fewSources_last(R12), Z3, Z3
	VPERMI2D     Z28, Z27, Z3
	JMP          numbered

manySources:
	GATHER((R11)(Z4*2), Z3)
	VPANDD Z16, Z3, Z3

	// Z8: columns.
numbered:
	GATHER((R10)(Z5*2), Z8)
	VPANDD  Z16, Z8, Z8
	VPMULLD Z19, Z8, Z8
	VPADDD  Z3, Z8, Z7
	GATHER((R13)(Z7*2), Z8)
	VPANDD  Z16, Z8, Z8

	// Z1: rows, by the first 12 bits, the next 12 and the last 8.
	MOVQ       directTables_root(DI), R8
	VPSRLD     $(32-const_rootBits), Z11, Z6
	GATHER((R8)(Z6*2), Z1)
	VPANDD     Z16, Z1, Z1
	VPTESTMD   Z18, Z1, K2
	VPSLLD     $(32-const_rootBits), Z1, Z6
	VPTERNLOGD $0xf8, Z12, Z11, Z6
	VPSRLD     $8, Z6, Z6
	MOVQ       directTables_middle(DI), R8
	SOME(K2, (R8)(Z6*2), Z9)
	VPANDD     Z16, Z9, Z9
	VMOVDQA32  Z9, K2, Z1
	VPTESTMD   Z18, Z1, K2
	VPSLLD     $8, Z1, Z6
	VPTERNLOGD $0xf8, Z17, Z11, Z6
	MOVQ       directTables_pages(DI), R8
	SUBQ       $0x1000000, R8
	SOME(K2, (R8)(Z6*2), Z9)
	VPANDD     Z16, Z9, Z9
	VMOVDQA32  Z9, K2, Z1

	VPMULLD.BCST directTables_row(DI), Z1, Z1
	VPADDD       Z8, Z1, Z1
	VPSLLVD.BCST directTables_cellShift(DI), Z1, Z1
	MOVQ         directTables_cells(DI), R8
	GATHER((R8)(Z1*1), Z2)
	VPANDD.BCST  directTables_cellMask(DI), Z2, Z2
	VPADDD       Z30, Z2, Z2
	KXNORW       K1, K1, K1
	VPSCATTERDD  Z2, K1, (BX)(Z10*4)
	ADDQ         $16, AX
	CMPQ         AX, CX
	JLT          dependent
	VZEROUPPER
	RET
