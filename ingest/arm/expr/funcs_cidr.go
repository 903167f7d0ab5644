package expr

import (
	"math/big"
	"net/netip"
)

// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-cidr

// prefix reads argument 0 and masks its host bits, as Azure does.
func (c *call) prefix() (netip.Prefix, error) {
	p, err := netip.ParsePrefix(c.text(0))
	if err != nil {
		return p, c.errorf("the template language function '%s' expects its first parameter to be a network in CIDR notation: the provided value is '%s'", c.expr.Name, clip(c.text(0)))
	}
	return p.Masked(), nil
}

// plus is a + n; it must be a valid address.
func plus(a netip.Addr, n *big.Int) netip.Addr {
	sum := new(big.Int).Add(new(big.Int).SetBytes(a.AsSlice()), n)
	out, ok := netip.AddrFromSlice(sum.FillBytes(make([]byte, a.BitLen()/8)))
	if !ok {
		panic("expr: address of a bad length")
	}
	return out
}

// addresses is how many addresses have the given number of free bits.
func addresses(bits int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(bits)) }

func lastOf(p netip.Prefix) netip.Addr {
	n := addresses(p.Addr().BitLen() - p.Bits())
	return plus(p.Addr(), n.Sub(n, big.NewInt(1)))
}

// parseCIDR describes a network. IPv4 keeps the first and the last address of a
// network for itself, unless it is too small for that.
func parseCIDR(c *call) (Value, error) {
	p, err := c.prefix()
	if err != nil {
		return nil, err
	}
	network, last := p.Addr(), lastOf(p)
	mask := netip.PrefixFrom(lastOf(netip.PrefixFrom(zeroOf(network), 0)), p.Bits()).Masked().Addr()
	members := []Member{
		{Name: "network", Value: String(network.String())},
		{Name: "netmask", Value: String(mask.String())},
	}
	first := network
	if network.Is4() {
		members = append(members, Member{Name: "broadcast", Value: String(last.String())})
		if p.Bits() <= 30 {
			first, last = network.Next(), last.Prev()
		} else {
			last = network
		}
	}
	return c.object(append(members,
		Member{Name: "firstUsable", Value: String(first.String())},
		Member{Name: "lastUsable", Value: String(last.String())},
		Member{Name: "cidr", Value: Int(p.Bits())},
	), nil)
}

func zeroOf(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// cidrSubnet is the index-th network of newCIDR bits inside a network.
func cidrSubnet(c *call) (Value, error) {
	p, err := c.prefix()
	if err != nil {
		return nil, err
	}
	bits, index := c.int(1), c.int(2)
	size := p.Addr().BitLen()
	if bits < int64(p.Bits()) || bits > int64(size) {
		return nil, c.errorf("the template language function 'cidrSubnet' expects its second parameter to be from '%d' to '%d': '%d' was provided", p.Bits(), size, bits)
	}
	if index < 0 || big.NewInt(index).Cmp(addresses(int(bits)-p.Bits())) >= 0 {
		return nil, c.errorf("the template language function 'cidrSubnet' expects its third parameter to be the number of a subnet: '%s' has no subnet '%d' of '%d' bits", p, index, bits)
	}
	offset := new(big.Int).Mul(big.NewInt(index), addresses(size-int(bits)))
	return c.string(netip.PrefixFrom(plus(p.Addr(), offset), int(bits)).String())
}

// cidrHost is the index-th usable address of a network, the one after the
// network's own being number 0.
func cidrHost(c *call) (Value, error) {
	p, err := c.prefix()
	if err != nil {
		return nil, err
	}
	index := c.int(1)
	hosts := addresses(p.Addr().BitLen() - p.Bits())
	hosts.Sub(hosts, big.NewInt(1)) // the network's own address
	if p.Addr().Is4() {
		hosts.Sub(hosts, big.NewInt(1)) // broadcast
	}
	if index < 0 || big.NewInt(index).Cmp(hosts) >= 0 {
		return nil, c.errorf("the template language function 'cidrHost' expects its second parameter to be the number of a host: '%s' has no host '%d'", p, index)
	}
	return c.string(plus(p.Addr(), new(big.Int).Add(big.NewInt(index), big.NewInt(1))).String())
}
