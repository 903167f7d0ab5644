package diagnose

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// Request is the body of the API call.
type Request struct {
	TargetResourceID string    `json:"targetResourceId"` // VM or NIC: ARM id or name
	VerbosityLevel   string    `json:"verbosityLevel,omitempty"`
	Profiles         []Profile `json:"profiles"`
}

// Profile is one set of packets, in the words of the API.
type Profile struct {
	Direction       string `json:"direction"`       // Inbound or Outbound
	Protocol        string `json:"protocol"`        // *, TCP, UDP, ICMP, ESP, AH or an IANA number
	Source          string `json:"source"`          // *, address, CIDR or service tag
	Destination     string `json:"destination"`     // likewise
	DestinationPort string `json:"destinationPort"` // *, a port or a range N-M
}

// MaxProfiles bounds the profiles of one request.
const MaxProfiles = 1000

// ParseRequest reads a request; name is what errors call its file. Keys may
// have any case, keys that are not the API's are ignored, numbers may stand for
// strings.
func ParseRequest(name string, data []byte) (Request, error) {
	docs, faults := jsontree.Parse(name, data)
	if len(faults) > 0 {
		return Request{}, errors.New(faults[0].String())
	}
	if len(docs) != 1 || docs[0].Kind() != jsontree.Object {
		return Request{}, fmt.Errorf("%s: a request is one JSON object with targetResourceId and profiles", name)
	}
	p := requestParser{}
	r := Request{
		TargetResourceID: p.text(docs[0], "targetResourceId"),
		VerbosityLevel:   p.text(docs[0], "verbosityLevel"),
	}
	list := docs[0].Get("profiles")
	if k := list.Kind(); k != jsontree.Array && k != jsontree.Absent && k != jsontree.Null {
		p.fault(list, "profiles", "an array of objects")
	}
	items := list.Items()
	if len(items) > MaxProfiles {
		return Request{}, fmt.Errorf("%s: %d profiles, at most %d are allowed", list.Origin(), len(items), MaxProfiles)
	}
	for i, item := range items {
		if item.Kind() != jsontree.Object {
			p.fault(item, fmt.Sprintf("profiles[%d]", i), "an object")
		}
		r.Profiles = append(r.Profiles, Profile{
			Direction:       p.text(item, "direction"),
			Protocol:        p.text(item, "protocol"),
			Source:          p.text(item, "source"),
			Destination:     p.text(item, "destination"),
			DestinationPort: p.text(item, "destinationPort"),
		})
	}
	return r, p.err
}

// requestParser keeps the first fault.
type requestParser struct{ err error }

func (p *requestParser) fault(n *jsontree.Node, field, allowed string) {
	if p.err == nil {
		p.err = fmt.Errorf("%s: %s: %s is not %s", n.Origin(), field, n.Kind(), allowed)
	}
}

func (p *requestParser) text(object *jsontree.Node, name string) string {
	n := object.Get(name)
	switch n.Kind() {
	case jsontree.Absent, jsontree.Null, jsontree.String, jsontree.Number:
	case jsontree.Bool, jsontree.Array, jsontree.Object:
		p.fault(n, name, "a string")
	}
	return n.Text()
}

// query is a profile that was understood.
type query struct {
	direction           flow.Direction
	anyProtocol         bool
	protocol            flow.Protocol // valid iff not anyProtocol
	source, destination network.Selector
	port                flow.PortRange
}

// local returns the selector of the NIC's own side.
func (q *query) local() network.Selector {
	if q.direction == flow.Inbound {
		return q.destination
	}
	return q.source
}

// hasPorts reports whether the packets asked about have ports to compare.
func (q *query) hasPorts() bool { return q.anyProtocol || q.protocol.HasPorts() }

// parse reads the profile; field names the profile in errors.
func (p *Profile) parse(field string) (q query, remarks []string, err error) {
	bad := func(name, value, allowed string) error {
		return fmt.Errorf("%s.%s: %q is not %s", field, name, value, allowed)
	}
	var ok bool
	if q.direction, ok = flow.ParseDirection(p.Direction); !ok {
		return q, nil, bad("direction", p.Direction, "Inbound or Outbound")
	}
	switch strings.ToLower(p.Protocol) {
	case "*", "any", "all":
		q.anyProtocol = true
	default:
		if q.protocol, ok = flow.ParseProtocol(p.Protocol); !ok {
			return q, nil, bad("protocol", p.Protocol, "*, TCP, UDP, ICMP, ESP, AH or a number 0-255")
		}
	}
	for _, side := range [...]struct {
		name, text string
		to         *network.Selector
	}{{"source", p.Source, &q.source}, {"destination", p.Destination, &q.destination}} {
		s, remark, ok := network.ParseSelector(side.text)
		// Azure stores bare integers as addresses; in a question they are a slip.
		if !ok || s.Kind == network.SelectPrefix && !strings.ContainsAny(s.Text, ".:") {
			return q, nil, bad(side.name, side.text, "*, an address, a prefix like 10.0.0.0/24 or a service tag")
		}
		if remark != "" {
			remarks = append(remarks, field+"."+side.name+": "+remark)
		}
		*side.to = s
	}
	if a, b := family(q.source), family(q.destination); a != 0 && b != 0 && a != b {
		return q, nil, fmt.Errorf("%s: source %s and destination %s are of different address families", field, p.Source, p.Destination)
	}
	if q.port, ok = flow.ParsePortRange(p.DestinationPort); !ok {
		return q, nil, bad("destinationPort", p.DestinationPort, "*, a port 0-65535 or a range like 80-100")
	}
	return q, remarks, nil
}

// family returns the length in bits of the addresses a prefix holds, 0 for
// what is no prefix.
func family(s network.Selector) int {
	if s.Kind != network.SelectPrefix {
		return 0
	}
	return s.Prefix.Addr().BitLen()
}

// single returns the one address the selector holds, if it is one.
func single(s network.Selector) (netip.Addr, bool) {
	if s.Kind == network.SelectPrefix && s.Prefix.IsSingleIP() {
		return s.Prefix.Addr(), true
	}
	return netip.Addr{}, false
}
