// Package network is the model of an Azure network in Azure's own words:
// virtual networks, subnets, peerings, NICs, security groups and their rules,
// route tables, service tags, network managers and their admin rules. Selectors stay words (a tag, an ASG, a prefix);
// what they cover is decided by index (as sets) and by verify/oracle (point by
// point), apart from each other.
//
// A Network is filled by ingest/azure, joined by Link, and never changes after
// that; all of it may then be read concurrently. Everything keeps its Origin.
// What could not be read or is not in the snapshot is a fact: a string such as
// "missing-nsg:ID" that makes the flows it may touch Unknown.
//
// Imports: ingest/diag, ingest/flow.
package network
