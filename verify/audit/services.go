package audit

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strings"

	"ipflow/index"
	"ipflow/index/interval"
	"ipflow/ingest/flow"
	"ipflow/verify/space"
)

// KnownService is a service that an exposure calls out.
type KnownService struct {
	Name, Category string
	Protocols      index.Protocols // TCP, UDP or both
	Ports          interval.Set[interval.Port]
}

// The categories that findings are made of. A service of another category is
// called out and makes a finding as those of Management do.
const (
	Management = "management"
	Database   = "database"
	Web        = "web"
	AnyUDP     = "udp"
)

// builtIn is the list of services that DefaultServices reads. Ports are those
// that IANA or the maker's documentation gives as the default.
const builtIn = `
SSH = management tcp 22
Telnet = management tcp 23
RDP = management tcp,udp 3389
WinRM = management tcp 5985-5986
RPC = management tcp 135
NetBIOS = management tcp,udp 137-139
SMB = management tcp 445
LDAP = management tcp,udp 389,636
VNC = management tcp 5900-5903
Docker = management tcp 2375-2376
Kubernetes API = management tcp 6443
Kubelet = management tcp 10250,10255
SQL Server = database tcp 1433
SQL Server Browser = database udp 1434
Oracle = database tcp 1521
MySQL = database tcp 3306
PostgreSQL = database tcp 5432
Redis = database tcp 6379-6380
CouchDB = database tcp 5984
InfluxDB = database tcp 8086
Cassandra = database tcp 7000-7001,9042
Elasticsearch = database tcp 9200,9300
Memcached = database tcp,udp 11211
MongoDB = database tcp 27017-27019
etcd = database tcp 2379-2380
`

// judged are the services that controls of the benchmark are about. They are
// looked at whatever the list of services holds.
const judged = `
SSH = management tcp 22
RDP = management tcp,udp 3389
HTTP = web tcp 80
HTTPS = web tcp 443
UDP = udp udp 0-65535
`

// DefaultServices returns the services that are called out unless the user names
// others.
func DefaultServices() []KnownService {
	list, faults := ParseServices("built-in services", []byte(builtIn))
	if len(faults) > 0 {
		panic("audit: " + faults[0].Error())
	}
	return list
}

// maxServices bounds a list: each is looked for in every exposure.
const maxServices = 1000

// ParseServices reads a list of services: a line NAME = CATEGORY PROTOCOLS PORTS
// for each, such as `SSH = management tcp 22`, with # before comments. Protocols
// are tcp, udp or both joined by a comma, ports are numbers and ranges. path
// names the source in errors; all faults are told.
func ParseServices(path string, text []byte) (out []KnownService, faults []error) {
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
		s, err := parseService(line)
		switch old := seen[strings.ToLower(s.Name)]; {
		case err != nil:
			faults = append(faults, fmt.Errorf("%s:%d: %w", path, at, err))
		case old > 0:
			faults = append(faults, fmt.Errorf("%s:%d: service %q stands in line %d already", path, at, s.Name, old))
		case len(out) == maxServices:
			return nil, []error{fmt.Errorf("%s:%d: more than %d services", path, at, maxServices)}
		default:
			seen[strings.ToLower(s.Name)] = at
			out = append(out, s)
		}
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("%s:%d: %w", path, at+1, err))
	}
	return out, faults
}

func parseService(line string) (s KnownService, err error) {
	name, rest, ok := strings.Cut(line, "=")
	words := strings.Fields(rest)
	s.Name = strings.TrimSpace(name)
	if !ok || s.Name == "" || len(words) != 3 {
		return s, fmt.Errorf("write NAME = CATEGORY PROTOCOLS PORTS, for example SSH = management tcp 22")
	}
	s.Category = strings.ToLower(words[0])
	for word := range strings.SplitSeq(words[1], ",") {
		p, ok := flow.ParseProtocol(word)
		if !ok || !p.HasPorts() {
			return s, fmt.Errorf("service %q: the protocol is tcp, udp or tcp,udp, not %q", s.Name, words[1])
		}
		for i, bits := range index.ProtocolsOf(p) {
			s.Protocols[i] |= bits
		}
	}
	if s.Ports, err = space.ParsePorts(strings.Split(words[2], ",")); err != nil {
		return s, fmt.Errorf("service %q: %w", s.Name, err)
	}
	return s, nil
}

// withJudged adds the services of the controls that the list lacks.
func withJudged(list []KnownService) []KnownService {
	own, _ := ParseServices("services of the controls", []byte(judged))
	out := slices.Clone(list)
	for _, s := range own {
		same := func(x KnownService) bool {
			return strings.EqualFold(x.Name, s.Name) && x.Protocols == s.Protocols && x.Ports.Equal(s.Ports)
		}
		if !slices.ContainsFunc(list, same) {
			out = append(out, s)
		}
	}
	return out
}

// box is the flows, inbound, to the service.
func (s *KnownService) box() space.Box {
	return space.Box{
		Local: space.AllAddresses, Remote: space.AllAddresses, Protocols: s.Protocols, LocalPorts: s.Ports, RemotePorts: space.AllPorts,
	}
}
