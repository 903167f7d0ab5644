package reach

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/network"
)

// Zone is a named group of endpoints.
type Zone struct {
	Name string
	Ends []End
}

// ZoneKinds are what ZonesBy takes.
var ZoneKinds = []string{"subnets", "vnets", "asgs", "tags"}

// ZonesBy returns a zone for every subnet, virtual network or application
// security group, or for every service tag that a rule names and Internet
// beside a zone for every virtual network. Zones of resources are named by id.
func ZonesBy(n *network.Network, kind string) (out []Zone) {
	switch kind {
	case "subnets":
		nics := map[*network.Subnet][]*network.NIC{}
		for _, c := range n.NICs {
			nics[c.Subnet] = append(nics[c.Subnet], c)
		}
		for _, s := range n.Subnets {
			out = append(out, Zone{s.ID, []End{subnetEnd(n, s, nics[s])}})
		}
	case "vnets":
		for _, v := range n.VirtualNetworks {
			out = append(out, Zone{v.ID, []End{VirtualNetworkEnd(n, v)}})
		}
	case "asgs":
		for _, f := range findASGs(n, "") {
			out = append(out, Zone{f.id, []End{f.end}})
		}
	case "tags":
		out = append(ZonesBy(n, "vnets"), tagZones(n)...)
	default:
		panic("reach: kind of zones")
	}
	return out
}

func tagZones(n *network.Network) (out []Zone) {
	names := map[string]string{"internet": "Internet"}
	for _, g := range n.SecurityGroups {
		for _, r := range g.Rules {
			for _, s := range slices.Concat(r.Source, r.Destination) {
				if s.Kind == network.SelectServiceTag && n.Tag(s.Text) != nil {
					key := network.Key(s.Text)
					if old, known := names[key]; !known || s.Text < old {
						names[key] = s.Text
					}
				}
			}
		}
	}
	for _, name := range names {
		e, err := resolveTag(n, name, name)
		if err != nil {
			panic("reach: a tag that was just found: " + err.Error())
		}
		out = append(out, Zone{name, []End{e}})
	}
	slices.SortFunc(out, func(a, b Zone) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// ParseZones reads a zone file: a line NAME = SELECTOR, SELECTOR … for each zone,
// with # before comments. path names the file in errors; all faults are told.
func ParseZones(n *network.Network, path string, text []byte) (out []Zone, faults []error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	seen := map[string]int{}
	at := 0
	for lines.Scan() {
		at++
		line, _, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, list, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		switch old := seen[name]; {
		case !ok || name == "":
			faults = append(faults, fmt.Errorf("%s:%d: write NAME = SELECTOR, SELECTOR …", path, at))
			continue
		case old > 0:
			faults = append(faults, fmt.Errorf("%s:%d: zone %q stands in line %d already", path, at, name, old))
			continue
		}
		seen[name] = at
		z := Zone{Name: name}
		for text := range strings.SplitSeq(list, ",") {
			e, err := Resolve(n, text)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s:%d: zone %q: %w", path, at, name, err))
				continue
			}
			z.Ends = append(z.Ends, e)
		}
		out = append(out, z)
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("%s:%d: %w", path, at+1, err))
	}
	return out, faults
}
