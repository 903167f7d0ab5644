//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "vector_amd64.h"

// func vectorVerdicts(t *columnTables, q *Query, blocks int, w *Work, out *uint32, base uint) bool
TEXT ·vectorVerdicts(SB), NOSPLIT, $0-49
	MOVQ         t+0(FP), DI
	MOVQ         q+8(FP), SI
	MOVQ         blocks+16(FP), CX
	MOVQ         w+24(FP), DX
	MOVQ         out+32(FP), BX
	SHLQ         $6, CX
	VPBROADCASTD base+40(FP), Z30
	VMOVDQU32    keysOf<>(SB), Z29
	VMOVDQU32    portsOf<>(SB), Z31
	VPXORD       Z14, Z14, Z14
	THIRDS(AX)
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
	KEYS(Z29, Z5)
	PORTS(Z31, Z4)
	VPORD     Z4, Z14, Z14
	PIVOTS(Z16, Z17, Z5, Z6, Z7)
	VPSLLVD   Z26, Z6, Z6
	VPMINUD   Z25, Z6, Z6
	VMOVDQU32 Z5, Work_key(DX)(AX*1)
	VMOVDQU32 Z6, Work_position(DX)(AX*1)
	ADDQ      $192, SI
	TESTQ     R10, R10
	JZ        nextService
	SOURCE(Z4, Z5, Z6)
	PIVOTS(Z18, Z19, Z4, Z6, Z7)
	VPSLLVD   Z28, Z6, Z6
	VPMINUD   Z27, Z6, Z6
	CMPQ      columnTables_sourceShift(DI), $0
	JE        source
	VPSLLVD   Z28, Z24, Z8
	MOVQ      columnTables_sourceShift(DI), R8

sourceBlock:
	VPSRLD $1, Z8, Z8
	BLOCK(R10, Z27, Z4, Z6, Z8, Z7, Z9)
	DECQ R8
	JNZ  sourceBlock

source:
	GATHER((R11)(Z6*4), Z7)
	VMOVDQU32 Z7, Work_source(DX)(AX*1)

nextService:
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  service

	OPEN(Z14, columnTables_open(DI), refused, closed)
	MOVQ    columnTables_starts(DI), R8
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
	GATHER((R8)(Z1*4), Z2)
	VPADDD    Z30, Z2, Z2
	VMOVDQU32 Z2, (BX)(AX*1)
	ADDQ      $64, AX
	CMPQ      AX, CX
	JLT       verdict
	MOVB      $1, ret+48(FP)
	VZEROUPPER
	RET

refused:
	MOVB $0, ret+48(FP)
	VZEROUPPER
	RET
