// Package diagnose turns a question about sets of packets into the answer that
// Azure's NSG diagnostics (networkConfigurationDiagnostic) gives: every security
// group on the way, its rules up to the one that matches, field by field.
//
// A rule field matches when it holds everything the question asks about
// (containment). What the snapshot cannot decide prints as not matched, and the
// access is Unknown, with a reason, where it depends on that. Rules that hold
// only part of what is asked are reported as warnings.
//
// What Azure leaves open is chosen so: verbosityLevel is checked and changes
// nothing; layers after a denying one are not listed; of a virtual machine with
// several NICs those with an address inside the profile's local side answer, or
// else all of them, one result each, in the order of their ids; an address set
// of both families meets a side of one family in that family only, because no
// packet mixes them; a protocol of `*` together with a destination port asks
// about packets that have that port.
//
// Admin rules (Azure Virtual Network Manager) are the first element: the manager's
// id, the virtual network, bare rule names; the action of a final allow is
// AlwaysAllow. They are left out when none matches.
//
// An Answer marshals in the API's shape and order. Functions do not change the
// network and may run concurrently.
//
// Imports: index, index/interval, ingest/diag, ingest/flow, ingest/jsontree,
// ingest/network, verify/oracle.
package diagnose
