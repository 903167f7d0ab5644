package audit

// Report is the evidence of one run.
type Report struct {
	Version   string   `json:"version"` // of ipflow
	Benchmark string   `json:"benchmark"`
	Snapshot  Snapshot `json:"snapshot"`
	// Now is the day that dismissals are held against, yyyy-mm-dd; "" when the
	// caller named none and there is no baseline.
	Now string `json:"now"`

	NICs      []NIC      `json:"nics"`      // by id
	Rules     []Rule     `json:"rules"`     // by group, direction and evaluation order
	Groups    []Group    `json:"groups"`    // by ID
	Exposures []Exposure `json:"exposures"` // by ID: by group, Internet before the zones
	// OutboundGroups and Outbound tell what NICs may send the same way. No finding
	// is made of them and no service of the list is called out.
	OutboundGroups []Group     `json:"outboundGroups"`
	Outbound       []Exposure  `json:"outbound"`
	Zones          []Zone      `json:"zones"`
	Cells          []Cell      `json:"cells"`    // by zone; cells in which nothing may pass are left out
	Findings       []Finding   `json:"findings"` // the worst first
	Facts          []Fact      `json:"facts"`    // by name
	Controls       []Control   `json:"controls"` // by id
	Dismissals     []Dismissal `json:"dismissals"`
	Notes          []string    `json:"notes"` // what the reader must know to trust the answers
}

// Snapshot says what was looked at.
type Snapshot struct {
	SHA256      string       `json:"sha256"`
	Documents   []Document   `json:"documents"` // by path
	Resources   []Count      `json:"resources"` // by type
	Assumptions []Assumption `json:"assumptions"`
	Tags        string       `json:"serviceTags"` // file and change number; "" without
	Internet    string       `json:"internetTag"` // where the content of the Internet tag comes from
	// What the model holds, for summary cards.
	NICs            int `json:"nics"`
	VMs             int `json:"vms"`
	SecurityGroups  int `json:"securityGroups"`
	SecurityRules   int `json:"securityRules"` // default rules not counted
	AdminRules      int `json:"adminRules"`
	VirtualNetworks int `json:"virtualNetworks"`
	Subnets         int `json:"subnets"`
	PublicIPs       int `json:"publicIPs"`
	// Faults of the input, by severity; inspect lists them.
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
}

// Document is one JSON document of the snapshot.
type Document struct {
	Path      string `json:"path"`
	Kind      string `json:"kind"`
	Resources int    `json:"resources"`
	SHA256    string `json:"sha256"` // of its file, after decompression
}

// Count counts resources of a type.
type Count struct {
	Type  string `json:"type"`
	Count int    `json:"count"`
}

// Assumption is a choice in force where Azure's behaviour is not settled.
type Assumption struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default bool   `json:"default"` // nobody changed it
	Meaning string `json:"meaning"`
}

// NIC is one network interface.
type NIC struct {
	ID             string   `json:"id"`
	Name           string   `json:"name"`
	VM             string   `json:"vm"`     // id, "" when none is known
	Subnet         string   `json:"subnet"` // id
	VirtualNetwork string   `json:"vnet"`   // id
	Addresses      []string `json:"addresses"`
	NSG            string   `json:"nsg"`       // id of its own security group, "" without
	SubnetNSG      string   `json:"subnetNsg"` // id of the subnet's
	ASGs           []string `json:"asgs"`
	// Ways are how the snapshot shows the Internet to lead to it: "public-ip",
	// "load-balancer". Empty does not prove that there is none.
	Ways           []string `json:"ways"`
	Groups         []int    `json:"groups"`         // ids of Groups it is in, one or two as a rule
	OutboundGroups []int    `json:"outboundGroups"` // ids of OutboundGroups
	File           string   `json:"file"`
	Line           int      `json:"line"`
}

// Rule is one security rule, default rule or admin rule.
type Rule struct {
	ID               string   `json:"id"`
	NSG              string   `json:"nsg"` // id of the security group or network manager
	Name             string   `json:"name"`
	Kind             string   `json:"kind"` // user, default, admin
	Priority         int      `json:"priority"`
	Direction        string   `json:"direction"`
	Access           string   `json:"access"`
	Protocol         string   `json:"protocol"`
	Source           []string `json:"source"` // as written
	SourcePorts      []string `json:"sourcePorts"`
	Destination      []string `json:"destination"`
	DestinationPorts []string `json:"destinationPorts"`
	Place
	Resolved bool `json:"resolved"` // false: a field is still an expression
	NICs     int  `json:"nics"`     // NICs that the rule is evaluated for
	// Shadowed says which part of it earlier rules take, in words; "" for none.
	Shadowed   string   `json:"shadowed"`
	ShadowedBy []string `json:"shadowedBy"` // rule ids
	// Exclusive counts the flows, at the recorded addresses of the snapshot's NICs,
	// that the rule surely matches and no earlier rule of its group may: an exact
	// decimal number, "" when no NIC has it or nothing about it is sure. Percent is
	// its share of the flows that it surely matches, "0" to "100" with up to two
	// decimals.
	Exclusive string `json:"exclusive"`
	Percent   string `json:"exclusivePercent"`
}

// Place is where something stands in the input.
type Place struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // 1-based; 0 when unknown
	Column  int    `json:"column"` // 1-based, in bytes; 0 when unknown
	Pointer string `json:"pointer"`
	SHA256  string `json:"sha256"` // of the file
}

// Group is addresses of NICs at which the same rules apply: they are exposed
// alike. A NIC with an IPv4 and an IPv6 address is in two groups.
type Group struct {
	ID      int      `json:"id"`     // 1-based
	Family  string   `json:"family"` // IPv4, IPv6
	Members []Member `json:"members"`
	// The worst of its exposures to the Internet: "open", "restricted",
	// "unknown" or "closed". Of outbound groups: how much of it they may send to.
	Internet string `json:"internet"`
}

// Member is a NIC of a group and those of its addresses that are in it. Prefixes
// stand for an address that nobody recorded.
type Member struct {
	NIC       string   `json:"nic"`
	Addresses []string `json:"addresses"`
}

// Exposure is flows with one access that some zones may send to a group, or, in
// Outbound, that a group may send to some zones.
type Exposure struct {
	ID     int      `json:"id"` // 1-based
	Group  int      `json:"group"`
	Zones  []string `json:"zones"`  // "Internet" alone, or names of Zones from which the same services can be reached
	Access string   `json:"access"` // Allow or Unknown
	// Services is what some address of the zones can reach, or can be reached at.
	Services  []Service   `json:"services"`
	Sensitive []Sensitive `json:"sensitive"` // those of them that are on the list
	Boxes     []Box       `json:"boxes"`     // the exact flows: disjoint, for every local address of the group
	Rules     []string    `json:"rules"`     // ids of the rules that decide boxes
	Facts     []string    `json:"facts"`     // what is missing, of Unknown
	Addresses string      `json:"addresses"` // how many remote addresses have a part in it, a decimal number
	Breadth   Breadth     `json:"breadth"`
	Witness   *Witness    `json:"witness"`
}

// Breadth says how much of the Internet a set of remote addresses is; "" for
// other zones.
type Breadth string

// The breadths.
const (
	Open       Breadth = "open"       // a /16 of IPv4 addresses or a /32 of IPv6, or more
	Restricted Breadth = "restricted" // fewer
)

// Service is a protocol with destination ports.
type Service struct {
	Protocol string   `json:"protocol"` // as in Box
	Ports    []string `json:"ports"`    // numbers and ranges
}

// Sensitive is a service of the list of services that can be reached.
type Sensitive struct {
	Name      string   `json:"name"`     // "SSH"
	Category  string   `json:"category"` // management, database, …
	Protocol  string   `json:"protocol"`
	Ports     []string `json:"ports"` // those of the service that can be reached
	Addresses string   `json:"addresses"`
	Breadth   Breadth  `json:"breadth"`
	Rules     []string `json:"rules"`
	Witness   *Witness `json:"witness"` // null for zones
}

// Box is flows with one deciding rule: every remote address with every service.
// Protocol is a name, a number, `*`, or a list of them joined by commas; the
// ports of protocols without ports are 0-65535.
type Box struct {
	Protocol    string   `json:"protocol"`
	LocalPorts  []string `json:"localPorts"`
	Remote      []string `json:"remote"` // prefixes
	RemotePorts []string `json:"remotePorts"`
	Rule        string   `json:"rule"`   // id, "" when none decides
	Layer       string   `json:"layer"`  // SecurityAdmin, Subnet, NetworkInterface; "" without a rule
	Reason      string   `json:"reason"` // as in the results of verify; "" without
}

// Witness is one flow that shows it, with the flow columns that verify reads and
// what verify answers.
type Witness struct {
	NIC        string  `json:"nic"` // id
	VM         string  `json:"vm"`
	Direction  string  `json:"direction"`
	Protocol   string  `json:"protocol"`
	LocalIP    string  `json:"local_ip"`
	LocalPort  *uint16 `json:"local_port"` // null for protocols without ports
	RemoteIP   string  `json:"remote_ip"`
	RemotePort *uint16 `json:"remote_port"`
	Access     string  `json:"access"`
	Rule       string  `json:"rule"` // ids, "" when there is none
	AdminRule  string  `json:"admin_rule"`
	SubnetRule string  `json:"subnet_rule"`
	NICRule    string  `json:"nic_rule"`
	Reason     string  `json:"reason"`
}

// Zone is a named group of endpoints.
type Zone struct {
	Name     string   `json:"name"`     // an id, a tag, or the name in the zone file
	Prefixes []string `json:"prefixes"` // what counts as it when it sends; empty for tags, which each NIC sees its own way
	NICs     []string `json:"nics"`     // ids
}

// Cell is what one zone may send to another, by the rules of both ends.
type Cell struct {
	From     string        `json:"from"`
	To       string        `json:"to"`
	Services []CellService `json:"services"`
	Rules    []string      `json:"rules"` // ids of the rules, of either end, that let it through
	Witness  *Witness      `json:"witness"`
}

// CellService is a service between two zones.
type CellService struct {
	Access           string   `json:"access"`  // Allow or Unknown
	Between          string   `json:"between"` // every or some: pairs of endpoints
	Protocol         string   `json:"protocol"`
	SourcePorts      []string `json:"sourcePorts"`
	DestinationPorts []string `json:"destinationPorts"`
}

// Severity ranks findings.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

// Finding is one remark that somebody should act on or dismiss.
type Finding struct {
	// ID is a fingerprint: 32 hexadecimal digits that stay the same when lines
	// move, rules are reordered or other rules come and go.
	ID       string   `json:"id"`
	Kind     string   `json:"kind"`     // a Kind's ID
	Category string   `json:"category"` // exposure, rule, unknown
	Severity Severity `json:"severity"`
	Title    string   `json:"title"`   // a few words, with names from the input
	Message  string   `json:"message"` // sentences
	Remedy   string   `json:"remedy"`
	Resource string   `json:"resource"` // id of the group, or of the NIC
	Rule     string   `json:"rule"`     // id, "" when no single rule is the cause
	By       []string `json:"by"`       // ids of further rules that are part of it
	NICs     []string `json:"nics"`     // ids of those it touches; empty for rules that do nothing
	Services []string `json:"services"` // the services concerned, with protocol and ports
	// Of exposures: Allow or Unknown, and from how much of the Internet.
	Access  string  `json:"access"`
	Breadth Breadth `json:"breadth"`
	Place
	Witness   *Witness `json:"witness"`
	Controls  []string `json:"controls"`  // ids
	Exposures []int    `json:"exposures"` // ids
	Facts     []string `json:"facts"`
	Dismissed bool     `json:"dismissed"` // by an entry of the baseline that counts
	// Of the entry; "" where not dismissed.
	Reason  string `json:"reason"`
	Owner   string `json:"owner"`
	Expires string `json:"expires"`
}

// Kind describes findings of one kind.
type Kind struct {
	ID       string   `json:"id"`
	Title    string   `json:"title"`
	Help     string   `json:"help"`
	Remedy   string   `json:"remedy"`
	Severity Severity `json:"severity"` // the usual one
}

// Fact is something the snapshot does not say.
type Fact struct {
	Fact   string   `json:"fact"`
	NICs   []string `json:"nics"`  // ids of those whose answers may rest on it
	Rules  []string `json:"rules"` // ids of those whose match rests on it
	Remedy string   `json:"remedy"`
}

// Control is a recommendation of the benchmark and how the estate meets it.
type Control struct {
	ID       string   `json:"id"` // "6.2"
	Title    string   `json:"title"`
	Status   Status   `json:"status"`
	Reason   string   `json:"reason"`   // a sentence
	Findings []string `json:"findings"` // ids of the findings that are the evidence, dismissed ones included
}

// Status is the outcome of a control.
type Status string

// The outcomes.
const (
	Pass          Status = "pass"
	Fail          Status = "fail"
	Undecided     Status = "unknown"
	NotApplicable Status = "not-applicable"
)

// Dismissal is an entry of the baseline and what became of it.
type Dismissal struct {
	ID      string `json:"id"` // of a finding
	Reason  string `json:"reason"`
	Owner   string `json:"owner"`
	Expires string `json:"expires"` // yyyy-mm-dd
	// State is "applied", or why it does not count: "expired", "incomplete" (no
	// reason, owner or expiry),
	// "unmatched", "outgrown" (the finding touches NICs it does not list).
	State string `json:"state"`
	File  string `json:"file"`
	Line  int    `json:"line"`
}
