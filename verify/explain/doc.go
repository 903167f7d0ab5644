// Package explain turns a question and its answer into reasons for people: the
// way of the packet, what each layer says and by which rule of which file and
// line, the nearest rules that did not match and why, everything that blocks,
// and what the answer rests on.
//
// All layers are evaluated, those behind a denying one too, so that a denied
// packet shows every blocker at once. The reasons come from the oracle's trace;
// they hold for the index as well, which must agree with it.
//
// Of and Notes do not change the network and may run concurrently. Write
// prints untrusted names inert.
//
// Imports: ingest/diag, ingest/flow, ingest/network, verify/oracle.
package explain
