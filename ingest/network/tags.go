package network

import (
	"net/netip"

	"ipflow/ingest/diag"
)

// ServiceTags is the content of the service-tag files of a snapshot.
type ServiceTags struct {
	Origin       diag.Origin // the file the values came from
	ChangeNumber string
	Cloud        string
	byKey        map[string]*ServiceTag
}

// ServiceTag is one named list of prefixes.
type ServiceTag struct {
	Name     string
	Prefixes []netip.Prefix // both families, as listed
	NoNSG    bool           // networkFeatures is given and lacks NSG
}

// NewServiceTags returns an empty set of tags read from origin.
func NewServiceTags(origin diag.Origin, changeNumber, cloud string) *ServiceTags {
	return &ServiceTags{Origin: origin, ChangeNumber: changeNumber, Cloud: cloud, byKey: map[string]*ServiceTag{}}
}

// Add stores the tag under its name; a later tag of the same name replaces it.
func (t *ServiceTags) Add(tag *ServiceTag) { t.byKey[Key(tag.Name)] = tag }

// Len returns the number of tags.
func (t *ServiceTags) Len() int { return len(t.byKey) }

// Platform addresses, see Microsoft's "What is IP address 168.63.129.16?" and
// the NSG overview, "Azure platform considerations".
var (
	WireServer      = netip.MustParseAddr("168.63.129.16")
	InstanceMeta    = netip.MustParseAddr("169.254.169.254")
	LoadBalancerIP6 = netip.MustParseAddr("fe80::1234:5678:9abc")
)

// LoadBalancerPrefixes is what the AzureLoadBalancer tag expands to in recorded
// effective rules since 2020.
var LoadBalancerPrefixes = []netip.Prefix{
	netip.PrefixFrom(WireServer, 32), netip.PrefixFrom(LoadBalancerIP6, 128),
}

// Tag looks a service tag up by name, ignoring case. The platform tags are
// known without a file; nil means that nothing is known about the tag.
func (n *Network) Tag(name string) *ServiceTag {
	if n.Tags != nil {
		if t := n.Tags.byKey[Key(name)]; t != nil {
			return t
		}
	}
	if n.Assumptions.Value("platform-tags") == "addresses" {
		return platformTags[Key(name)]
	}
	return nil
}

var platformTags = map[string]*ServiceTag{
	"azureplatformdns":  {Name: "AzurePlatformDNS", Prefixes: []netip.Prefix{netip.PrefixFrom(WireServer, 32)}},
	"azureplatformimds": {Name: "AzurePlatformIMDS", Prefixes: []netip.Prefix{netip.PrefixFrom(InstanceMeta, 32)}},
}

// InternetList is what the Internet tag covers, before the address spaces of
// the NIC's virtual network and its peers are taken out.
type InternetList struct {
	Date     string         // yyyy-mm-dd of the recording, "" for a user's list
	Source   string         // where the list comes from
	Included []netip.Prefix // nil: every address
	Excluded []netip.Prefix
}

// Contains reports whether the list covers the address.
func (l *InternetList) Contains(a netip.Addr) bool {
	in := l.Included == nil
	for _, p := range l.Included {
		if p.Contains(a) {
			in = true
			break
		}
	}
	if !in {
		return false
	}
	for _, p := range l.Excluded {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// internetDate is when the newest recording of the Internet tag was made
// (effective rules of a NIC in westus, Azure CLI test recordings).
const internetDate = "2024-08-26"

// DefaultInternet returns the newest recorded Internet list. With microsoft
// false the Microsoft-internal ranges stay inside the tag and only special
// ranges are left out.
func DefaultInternet(microsoft bool) InternetList {
	l := InternetList{Date: internetDate, Source: "recorded effective rules of " + internetDate, Excluded: prefixes(special4)}
	if microsoft {
		l.Excluded = append(l.Excluded, prefixes(microsoft4)...)
	}
	l.Excluded = append(l.Excluded, prefixes(special6)...)
	return l
}

// InternetFrom returns a list given by the user. Families that the prefixes do
// not mention keep the default: recordings show IPv4 only.
func InternetFrom(source string, included []netip.Prefix) InternetList {
	l := InternetList{Source: source, Included: included}
	has4, has6 := false, false
	for _, p := range included {
		if p.Addr().Is4() {
			has4 = true
		} else {
			has6 = true
		}
	}
	if !has4 {
		l.Included = append(l.Included, netip.MustParsePrefix("0.0.0.0/0"))
		l.Excluded = append(append(l.Excluded, prefixes(special4)...), prefixes(microsoft4)...)
	}
	if !has6 {
		l.Included = append(l.Included, netip.MustParsePrefix("::/0"))
		l.Excluded = append(l.Excluded, prefixes(special6)...)
	}
	return l
}

func prefixes(texts []string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

// Special IPv4 ranges that no recording of the Internet tag ever held.
var special4 = []string{
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
	"172.16.0.0/12", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3",
}

// Microsoft-internal ranges that the tag leaves out in the newest recording.
var microsoft4 = []string{
	"4.128.0.0/12", "13.96.0.0/13", "20.35.252.0/22", "20.128.0.0/16", "20.130.0.0/16", "20.144.0.0/14",
	"20.176.0.0/13", "21.0.0.0/8", "22.0.0.0/8", "23.103.0.0/18", "25.0.0.0/16", "25.4.0.0/14",
	"25.64.0.0/10", "25.128.0.0/17", "25.142.0.0/15", "25.144.0.0/15", "25.148.0.0/15", "25.150.0.0/16",
	"25.152.0.0/14", "25.156.0.0/16", "25.159.0.0/16", "25.160.0.0/12", "25.176.0.0/13", "25.184.0.0/14",
	"25.192.0.0/15", "25.248.0.0/16", "25.250.0.0/18", "25.250.64.0/20", "25.250.84.0/23", "25.252.0.0/16",
	"25.254.0.0/21", "25.254.8.0/24", "25.254.64.0/18", "25.254.128.0/17", "40.66.128.0/17", "40.108.0.0/17",
	"40.109.0.0/16", "52.132.0.0/14", "52.145.0.0/16", "68.18.0.0/15", "104.146.0.0/17", "104.147.0.0/16",
	"104.212.36.0/22", "104.212.52.0/22", "129.75.0.0/16", "134.177.0.0/16", "138.196.0.0/16", "141.251.0.0/16",
	"146.147.0.0/16", "157.59.0.0/16", "192.32.0.0/16",
}

// Special IPv6 ranges; no recording shows IPv6 in the tag, so this is our choice.
var special6 = []string{"::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"}
