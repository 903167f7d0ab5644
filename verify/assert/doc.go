// Package assert checks suites of expectations against a network: it turns
// assertions about whole sets of flows into results, each with a witness flow,
// the rule that decides it and its place, or the missing facts.
//
// An assertion passes only if it holds for every flow it selects, whatever the
// missing facts turn out to be; one that selects nothing is an error. Results
// do not depend on the order of the snapshot's files. A Checker is for one
// goroutine.
//
// Imports: index, index/interval, ingest/diag, ingest/flow, ingest/network,
// ingest/suite, verify/reach, verify/space.
package assert
