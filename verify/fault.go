package verify

import "strconv"

// Fault is why a row could not be asked; its text fills the column error.
type Fault uint8

// The faults. A row with several reports the first in this order, except that
// NIC faults come after malformed fields.
const (
	NoFault Fault = iota
	BadRow
	BadDirection
	BadProtocol
	BadAddress
	AddressFamilyMismatch
	BadPort
	NICNotFound
	NICAmbiguous
	LocalIPNotOnNIC
	numFaults
)

// String returns CONTRACT's word for the fault.
func (f Fault) String() string {
	switch f {
	case NoFault:
		return ""
	case BadRow:
		return "bad-row"
	case BadDirection:
		return "bad-direction"
	case BadProtocol:
		return "bad-protocol"
	case BadAddress:
		return "bad-address"
	case AddressFamilyMismatch:
		return "address-family-mismatch"
	case BadPort:
		return "bad-port"
	case NICNotFound:
		return "nic-not-found"
	case NICAmbiguous:
		return "nic-ambiguous"
	case LocalIPNotOnNIC:
		return "local-ip-not-on-nic"
	}
	panic("verify: fault " + strconv.Itoa(int(f)))
}
