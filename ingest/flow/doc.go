// Package flow is the vocabulary of a question and its answer: Tuple (one
// packet seen from one NIC), Protocol, PortRange, Direction, Access, Layer,
// RuleRef and Verdict.
//
// All types are small comparable values without pointers to shared state,
// except Verdict, whose Reason is a string. Zero values are "not decided":
// the zero Access is Unknown, the zero Direction and Layer are invalid.
//
// Imports: standard library only.
package flow
