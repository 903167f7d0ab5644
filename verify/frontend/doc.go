// Package frontend finds the backends that an address and port of a load
// balancer's frontend, or a NIC's public IP, lead to, and what destination the
// backends' security rules see.
//
// "For virtual machines in load-balanced pools … the destination port and
// address are of the VM, not the load balancer" (NSG overview); with floating IP
// the frontend address stays the destination and the port stays what it was.
// Resolve reads a linked network and keeps nothing; it may run concurrently.
// What the snapshot lacks is a fact at the backend or at the whole answer, never
// a backend left out silently. Health probes, session affinity and outbound
// rules are no part of it.
//
// Imports: ingest/flow, ingest/network.
package frontend
