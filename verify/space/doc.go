// Package space computes with whole sets of flows: it turns boxes and the
// classifiers of an index into Sets and Maps, and those back into a few boxes,
// exact volumes and witness tuples.
//
// A flow of one direction is a point: local and remote address (of one family),
// protocol, and for TCP and UDP the local and the remote port. A Map gives every
// point a label, a small number; a Set is the Map with the labels 0 and 1. Open
// source ports (`*`) are questions about many points and are no point themselves.
//
// Maps are interval decision diagrams: a node cuts one dimension into intervals
// and names a node of a later dimension for each. Nodes that say the same are
// one node, so equal Sets are == and the intervals of a thousand rules that end
// in the same few port lists share them; every operation visits a pair of nodes
// once. The dimensions are cut in the order local address, remote address,
// protocol, local port, remote port.
//
// A Space owns the nodes of its Sets and Maps; values of different Spaces must
// not be mixed. A Space is for one goroutine. Results do not depend on the order
// in which they were computed.
//
// Imports: index, index/interval, ingest/flow.
package space
