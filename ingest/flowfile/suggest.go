package flowfile

import (
	"strings"

	"ipflow/ingest/column"
	"ipflow/ingest/diag"
)

// aliases are names that other tools give to flow columns, without case and
// punctuation.
var aliases = [column.NumNames][]string{
	column.NIC:        {"nicid", "nicname", "networkinterface", "networkinterfaceid", "interface", "interfaceid", "nicresourceid"},
	column.VM:         {"vmid", "vmname", "virtualmachine", "virtualmachineid", "machine", "targetvm"},
	column.Direction:  {"dir", "flowdirection", "trafficdirection"},
	column.Protocol:   {"proto", "l4protocol", "ipprotocol", "transportprotocol"},
	column.LocalIP:    {"localaddress", "localaddr", "localipaddress", "privateip", "privateipaddress", "vmip"},
	column.LocalPort:  {"localportnumber"},
	column.RemoteIP:   {"remoteaddress", "remoteaddr", "remoteipaddress", "peerip"},
	column.RemotePort: {"remoteportnumber", "peerport"},
}

// ends are names of the two ends of a flow. Which of them is local depends on
// the direction, so for local and remote they are offered with a warning only.
var ends = [column.NumNames][]string{
	column.LocalIP:    {"srcip", "sourceip", "src", "source", "srcaddr", "sourceaddress", "ipsrc", "sourceipaddress"},
	column.LocalPort:  {"srcport", "sourceport", "sport"},
	column.RemoteIP:   {"dstip", "destip", "destinationip", "dst", "destination", "dstaddr", "destinationaddress", "ipdst", "destinationipaddress"},
	column.RemotePort: {"dstport", "destport", "destinationport", "dport"},
}

// suggestEnds returns the columns that look like the addresses of two ends; ""
// unless both are there.
func suggestEnds(names []string) (src, dst string) {
	src, _ = suggest(names, column.LocalIP, true)
	dst, _ = suggest(names, column.RemoteIP, true)
	if src == "" || dst == "" {
		return "", ""
	}
	return src, dst
}

// suggest returns the column that most likely is meant by c, of an input with
// two ends or one, and what to say about it; "" when none is close.
func suggest(names []string, c column.Name, twoEnded bool) (name, why string) {
	target := squeeze(c.String())
	words := aliases[c]
	if twoEnded {
		target = squeeze(column.EndNames()[c])
		if c != column.Protocol {
			words = ends[c]
		}
	}
	squeezed := make([]string, len(names))
	for i, n := range names {
		squeezed[i] = squeeze(n)
	}
	find := func(word string) (string, bool) {
		for i, s := range squeezed {
			if s == word {
				return names[i], true
			}
		}
		return "", false
	}
	for _, word := range append([]string{target}, words...) {
		if n, ok := find(word); ok {
			return n, ""
		}
	}
	for i, s := range squeezed {
		if len(target) > 4 && isFlowName(names[i]) < 0 && diag.Distance(s, target) <= 2 {
			return names[i], ""
		}
	}
	for _, word := range ends[c] {
		if twoEnded {
			break
		}
		if n, ok := find(word); ok {
			return n, " (local is the NIC's side whatever the direction: swap the columns of inbound flows first)"
		}
	}
	return "", ""
}

func isFlowName(name string) int {
	for i, n := range column.Names() {
		if sameName(n, name) {
			return i
		}
	}
	return -1
}

func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' || r == '.' {
			return -1
		}
		return r
	}, strings.ToLower(s))
}
