// Package world draws tiny networks from bytes: few addresses, few ports and
// every construct that rules can lean on, so that rules collide and all
// questions can be asked. Only tests import it.
//
// Imports: ingest/diag, ingest/flow, ingest/network.
package world
