// Package estate builds the small networks that the tests of the verify room
// ask about: from rules in Azure's words, from JSON text, or from recorded cases.
// Only tests import it.
//
// Imports: ingest/azure, ingest/diag, ingest/flow, ingest/jsontree,
// ingest/network, testing.
package estate
