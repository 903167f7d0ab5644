// Package suite reads suites: files of expectations about a network, in YAML or
// JSON. It turns the text into Assertions whose every word keeps its place, and
// into faults: keys that are not known, keys twice, values of a wrong type. What
// the words name is not looked up here.
//
// A suite with faults must not be run: one that is misread might pass. Input is
// bounded in size, depth, values and what aliases may repeat.
//
// Schema is the JSON schema of suites for editors.
//
// Imports: ingest/diag, ingest/flow, ingest/jsontree.
package suite
