// Package azure turns the JSON documents that Azure's tools export into the
// model of ingest/network.
//
// Content decides what a document is, never its name: az CLI output, REST pages,
// Resource Graph results, PowerShell ConvertTo-Json, service-tag files, effective
// rules, flow logs and ARM templates are told apart by their shape, element by
// element where an array mixes them. Resources of every shape are brought to one
// form (Resource), merged by id, and decoded by one reader per resource type.
//
// What Azure's effective APIs answered for a NIC is part of the network too: the
// content of tags there, security groups and NICs that no export shows. An answer
// that does not say whose it is belongs to the NIC that its file is named after,
// the only use made of a name.
//
// Reading goes on past every fault. A rule that cannot be read is kept and
// widened to what it may mean, with a fact that makes its matches uncertain; a
// list of rules that is not fully visible makes its security group uncertain.
// The result does not depend on the order the inputs are given in, only on their
// paths. The network is filled, not linked: call network.Link next. A Decoder is
// for one goroutine.
//
// Imports: ingest/jsontree, ingest/network, ingest/flow, ingest/diag.
package azure
