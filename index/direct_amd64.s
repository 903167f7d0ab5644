//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "vector_amd64.h"

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
	SOME(K2, (R9)(Z6*2), Z8); \
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
// for, the others have asked meanwhile. The questions of the next block are asked for
// on the way, half of them first and half of them last.
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
	PREFETCHT0 8192(SI)
	PREFETCHT0 8256(SI)
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
	SOME(K2, (R11)(Z5*2), Z8)
	VPANDD     Z16, Z8, Z8
	VPMULLD    Z21, Z8, Z8
	VPADDD     Z3, Z8, Z7
	SOME(K2, (R12)(Z7*2), Z8)
	VPANDD     Z16, Z8, K2, Z9
	VMOVDQU32  Z9, Work_position(DX)(AX*1)

nextBySource:
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  bySource

cells:
	MOVQ         directTables_cells(DI), R13
	MOVQ         q+8(FP), SI
	VPBROADCASTD directTables_row(DI), Z20
	XORQ         AX, AX

cell:
	PREFETCHT0 8320(SI)(AX*4)
	PREFETCHT0 8384(SI)(AX*4)
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
