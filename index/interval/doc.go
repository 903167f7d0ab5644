// Package interval turns ranges of points (ports, IPv4 and IPv6 addresses) into
// canonical sets and computes with them.
//
// A Set is sorted, its ranges are disjoint and do not touch, so equal sets have
// equal representations. Sets never change; operations return new ones and may
// share memory with their operands.
//
// Imports: standard library only.
package interval
