// Package effective turns a NIC into its effective security rules, in the shape
// of `az network nic list-effective-nsg`: one element per security group on the
// way, every rule with its prefixes normalised, and what each service tag covers
// as the NIC sees it.
//
// Spelling and order are those of recorded answers of 2024: `*` prints as
// 0.0.0.0/0, twice in the plural; ports print as ranges; rules run inbound then
// outbound, each by priority; VirtualNetwork lists its sources in the order of
// oracle.Parts. The group of the subnet comes before that of the NIC; no recording shows
// both. Admin rules come first, an element per network manager under
// association.networkManager. IPv6 stands in the Internet tag only when the
// virtual network has IPv6: recordings of IPv4 networks show none. An application
// security group prints as the addresses of its members in the NIC's virtual
// network.
//
// What the snapshot does not determine is not printed as if it were: tagMap and
// expansions hold what is certain, and an extra member "ipflow" of the element
// names the facts.
//
// Functions do not change the network and may run concurrently.
//
// Imports: index, ingest/diag, ingest/flow, ingest/network, verify/oracle.
package effective
