// Package ingest turns the files of a snapshot into a linked network: it reads
// them (snapshot), parses them (jsontree), recognises and decodes what they hold
// (azure) and joins it (network). Faults of the input are collected and sorted;
// only what cannot be read at all is an error.
//
// Imports: ingest/arm, ingest/azure, ingest/diag, ingest/jsontree, ingest/network,
// ingest/snapshot.
package ingest
