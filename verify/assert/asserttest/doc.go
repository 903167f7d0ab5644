// Package asserttest makes results for tests of what writes them: every state,
// with names that try to break out of each format.
//
// Imports: ingest/diag, ingest/flow, ingest/network, ingest/suite, verify/assert,
// verify/reach.
package asserttest
