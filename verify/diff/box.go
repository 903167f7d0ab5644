package diff

import (
	"fmt"
	"strconv"
	"strings"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/verify/space"
)

// The bounds of what is written for people.
const (
	shownBoxes = 4
	shownTexts = 6
	shownNICs  = 6
	shownFacts = 3
)

// flowsText writes a box for people, source first.
func flowsText(b *space.Box, dir flow.Direction) string {
	words := space.WordsOf(*b)
	local, remote := addressText(b.Local, words[0].Local), addressText(b.Remote, words[0].Remote)
	if !b.LocalPorts.Equal(space.AllPorts) {
		local += " port " + shorten(words[0].LocalPorts)
	}
	if !b.RemotePorts.Equal(space.AllPorts) {
		remote += " port " + shorten(words[0].RemotePorts)
	}
	if dir == flow.Inbound {
		local, remote = remote, local
	}
	what := "any protocol"
	if words[0].Protocol != "*" {
		names := make([]string, len(words))
		for i := range words {
			names[i] = words[i].Protocol
		}
		what = strings.Join(names, ", ")
	}
	return what + " from " + local + " to " + remote
}

func addressText(a index.Addresses, prefixes []string) string {
	v4, v6 := len(a.V4) == 1 && a.V4[0] == space.AllAddresses.V4[0], len(a.V6) == 1 && a.V6[0] == space.AllAddresses.V6[0]
	switch {
	case v4 && v6:
		return "any address"
	case v4 && len(a.V6) == 0:
		return "any IPv4 address"
	case v6 && len(a.V4) == 0:
		return "any IPv6 address"
	}
	texts := make([]string, len(prefixes))
	for i, t := range prefixes {
		texts[i] = strings.TrimSuffix(t, "/32")
		if strings.Contains(t, ":") {
			texts[i] = strings.TrimSuffix(t, "/128")
		}
	}
	return shorten(texts)
}

func shorten(list []string) string {
	if n := len(list) - shownTexts; n > 1 {
		list = append(list[:shownTexts:shownTexts], fmt.Sprintf("%d more", n))
	}
	return strings.Join(list, ", ")
}

// witnessText writes the witness as a line.
func (c *Change) witnessText() string {
	t := c.Witness
	local, remote := t.Local.String(), t.Remote.String()
	if t.Protocol.HasPorts() {
		local, remote = endpoint(local, t.LocalPort), endpoint(remote, t.RemotePort)
	}
	return fmt.Sprintf("%s %s, local %s, remote %s, at %s", t.Direction, t.Protocol, local, remote, c.WitnessNIC.Name)
}

func endpoint(address string, port uint16) string {
	if strings.Contains(address, ":") {
		address = "[" + address + "]"
	}
	return address + ":" + strconv.Itoa(int(port))
}
