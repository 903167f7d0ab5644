package network

import (
	"net/netip"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
)

// Observation is what Azure's effective APIs answered for one NIC. What it says
// about a tag stands in place of the computed content, for that NIC only.
type Observation struct {
	VirtualNetwork, Internet, AzureLoadBalancer *TagContent // nil: computed
	// Tags are other tags the answer expands, by Key of the name. A tag file
	// comes first.
	Tags map[string]*TagContent

	// Listed says that the answer lists every security group of the NIC: what
	// its subnet adds is SubnetGroup, and no subnet need be in the snapshot.
	Listed      bool
	SubnetGroup GroupRef    // valid iff Listed
	Admin       *AdminRules // the network managers' rules; nil when none are listed
}

// TagContent is an observed tag.
type TagContent struct {
	Source   string // for readers: "effective rules" or "effective routes"
	Origin   diag.Origin
	Prefixes []netip.Prefix
	Routes   []Route  // user-defined; the assumption udr-next-hops says which count
	Facts    []string // on each any other address may be in it
}

// ObservedVirtualNetwork returns the VirtualNetwork tag as exported for the NIC,
// nil when it has to be computed.
func (c *NIC) ObservedVirtualNetwork() *TagContent {
	if c.Observed == nil {
		return nil
	}
	return c.Observed.VirtualNetwork
}

// ObservedInternet returns the Internet tag as exported for the NIC, or nil.
func (c *NIC) ObservedInternet() *TagContent {
	if c.Observed == nil {
		return nil
	}
	return c.Observed.Internet
}

// ObservedLoadBalancer returns the AzureLoadBalancer tag as exported, or nil.
func (c *NIC) ObservedLoadBalancer() *TagContent {
	if c.Observed == nil {
		return nil
	}
	return c.Observed.AzureLoadBalancer
}

// TagAt returns a service tag as the NIC sees it: from the tag files, or else
// from an export for that NIC; nil when nothing is known about it.
func (n *Network) TagAt(c *NIC, name string) *TagContent {
	if t := n.Tag(name); t != nil {
		return &TagContent{Prefixes: t.Prefixes}
	}
	if c.Observed != nil {
		return c.Observed.Tags[Key(name)]
	}
	return nil
}

// SourceOf says, for readers, where a tag observed or computed comes from.
func (t *TagContent) SourceOf() string {
	if at := t.Origin.String(); at != "" {
		return t.Source + " at " + at
	}
	return t.Source
}

// observedAdmin numbers the admin rules that effective exports list.
func (l *linker) observedAdmin() {
	for _, c := range l.n.NICs {
		if c.Observed == nil || c.Observed.Admin == nil {
			continue
		}
		for _, r := range c.Observed.Admin.Rules {
			r.Ref = flow.RuleRef(len(l.n.rules))
			l.n.rules = append(l.n.rules, r)
		}
	}
}
