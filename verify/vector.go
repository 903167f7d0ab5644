package verify

import (
	"unsafe"

	"ipflow/index"
)

var _ = [1]struct{}{}[unsafe.Sizeof(index.Query{})-12] // the loops count on it

// laneColumn is where the vector loops find a column: the values of all entries
// and, when the column is coded, the entry of each row.
type laneColumn struct {
	code, list unsafe.Pointer // uint32; code is nil where row i is list[i]
}

// rowColumns is what the vector loops read of a batch's lanes, and the sites by
// local address.
type rowColumns struct {
	direction, protocol, localPort, remotePort laneColumn
	remote                                     laneColumn     // list: IPv4 addresses
	family                                     unsafe.Pointer // uint8 by entry of remote
	nic, local                                 unsafe.Pointer // uint32 by row; nic may be nil

	// By entry of the local address:
	siteNIC     unsafe.Pointer // uint32: the NIC's code that the two numbers are for
	siteNumbers unsafe.Pointer // 2 uint32: by direction, number for groups.put, siteIPv6 added for an IPv6 address
}

const (
	lanesWide = 16
	siteIPv6  = 1 << 31
)

func pointTo[T any](list []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(list)) }

func (c *coded[T]) column() laneColumn {
	return laneColumn{pointTo(c.code), pointTo(c.list)}
}

// rowColumns points to the lanes' memory, but to no sites.
func (l *lanes) rowColumns() rowColumns {
	return rowColumns{
		direction: l.direction.column(), protocol: l.protocol.column(),
		localPort: l.localPort.column(), remotePort: l.remotePort.column(),
		remote: laneColumn{pointTo(l.remote.code), pointTo(l.remote.v4)}, family: pointTo(l.remote.family),
	}
}
