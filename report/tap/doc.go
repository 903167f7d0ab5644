// Package tap writes results of assertions in the Test Anything Protocol,
// version 13, with a YAML block for each that is not well. What is expected to
// fail is a TODO; everything else that did not pass, missing facts included, is
// not ok. Names are made inert.
//
// Imports: verify/assert.
package tap
