// Package expr turns the text of an Azure Resource Manager template expression
// ("[concat(parameters('a'), '-nsg')]") into a syntax tree (Parse), back into
// text (Print), and into a value (Eval), offline.
//
// What is not in the files is never guessed. A value only Azure knows
// (reference(), a parameter without a value, the clock) is an Unknown: it keeps
// the partly evaluated expression and the reasons, and it spreads, except where
// the known parts decide alone: if, and, or, coalesce, a known member of an
// object with unknown ones, the length of an array with unknown items.
//
// A caller may rely on: Parse(Print(x)) is x for every x that Parse returned;
// trees and values never change once built and may be read concurrently;
// Eval depends on nothing but its arguments; parsing depth and the steps, depth
// and memory of an evaluation are bounded (Budget), so that hostile templates
// end with an error, quickly; nothing here panics on input.
//
// The language: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions
// The functions: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions
//
// Imports: ingest/diag.
package expr
