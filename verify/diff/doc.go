// Package diff turns two networks into the flows whose verdict differs: for each
// group of NICs with the same change the exact boxes of flows, the access and the
// deciding rule before and after, and a witness.
//
// NICs are matched by id, ignoring case. What decides is access: rules that are
// renamed, renumbered, reordered or spelled in other words without effect give no
// change. A NIC is compared at the addresses it has on either side, and where one
// is not on record, at every address of its subnet. Open source ports are not
// asked about. NICs of one side only are listed, not compared.
//
// NICs are first compared by content (fingerprint.go): what their rule lists say
// and what the selectors in them cover from where they are. Only those that
// differ are compiled. Run does not change the networks; the result does not
// depend on the order of their files.
//
// Imports: index, index/interval, ingest/diag, ingest/flow, ingest/network,
// verify/space, x/sync.
package diff
