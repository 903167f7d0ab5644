package verify

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"ipflow/index"
	"ipflow/ingest/azure"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

// An estate under network managers, written as exports. Files are JSON documents
// by name; ids are made from short names.
type managed struct {
	files  map[string]string
	assume map[string]string
}

const (
	sub1 = "/subscriptions/s1"
	rgID = sub1 + "/resourceGroups/rg/providers/Microsoft.Network/"
	nmID = rgID + "networkManagers/"
)

func vnetID(name string) string { return rgID + "virtualNetworks/" + name }

func groupID(g string) string { return nmID + strings.Replace(g, "/", "/networkGroups/", 1) }

// configID makes "m/c" the id of a configuration, and collectionID "m/c/rc" that
// of a collection.
func configID(c string) string {
	return nmID + strings.Replace(c, "/", "/securityAdminConfigurations/", 1)
}

func collectionID(c string) string {
	p := strings.Split(c, "/")
	return configID(p[0]+"/"+p[1]) + "/ruleCollections/" + p[2]
}

// newManaged returns virtual networks a (10.1.0.0/16, westeurope) and b
// (10.2.0.0/16, northeurope), each with subnets app and db and a NIC "a-app" at
// .0.4 and so on. The security group of every subnet allows port 80 and denies
// the rest inbound, and allows everything outbound.
func newManaged() *managed {
	m := &managed{files: map[string]string{}, assume: map[string]string{}}
	m.add("nsg.json", `{"id":"`+rgID+`networkSecurityGroups/g","location":"westeurope","properties":{"securityRules":[`+
		nsgRule("web", "Inbound", "Allow", "80", 100)+`,`+nsgRule("shut", "Inbound", "Deny", "*", 200)+`,`+nsgRule("out", "Outbound", "Allow", "*", 100)+`]}}`)
	m.vnet("a", "10.1", "westeurope", "app", "db")
	m.vnet("b", "10.2", "northeurope", "app", "db")
	return m
}

func nsgRule(name, direction, access, port string, priority int) string {
	return fmt.Sprintf(`{"name":%q,"properties":{"direction":%q,"access":%q,"priority":%d,"protocol":"*","sourceAddressPrefix":"*","destinationAddressPrefix":"*","sourcePortRange":"*","destinationPortRange":%q}}`,
		name, direction, access, priority, port)
}

func (m *managed) add(file string, docs ...string) { m.files[file] += strings.Join(docs, "\n") + "\n" }

// vnet adds a virtual network; a subnet may be "name=delegation".
func (m *managed) vnet(name, net, location string, subnets ...string) {
	var list []string
	for i, s := range subnets {
		s, delegation, _ := strings.Cut(s, "=")
		delegations := ""
		if delegation != "" {
			delegations = fmt.Sprintf(`,"delegations":[{"name":"d","properties":{"serviceName":%q}}]`, delegation)
		}
		id := vnetID(name) + "/subnets/" + s
		list = append(list, fmt.Sprintf(`{"name":%q,"id":%q,"properties":{"addressPrefix":"%s.%d.0/24","networkSecurityGroup":{"id":"%snetworkSecurityGroups/g"}%s}}`, s, id, net, i, rgID, delegations))
		m.add("nics.json", fmt.Sprintf(`{"id":"%snetworkInterfaces/%s-%s","name":"%s-%s","properties":{"ipConfigurations":[{"name":"ip","properties":{"privateIPAddress":"%s.%d.4","subnet":{"id":%q}}}]}}`,
			rgID, name, s, name, s, net, i, id))
	}
	m.files[name+"/vnet.json"] = fmt.Sprintf(`{"id":%q,"name":%q,"location":%q,"properties":{"addressSpace":{"addressPrefixes":["%s.0.0/16"]},"subnets":[%s]}}`,
		vnetID(name), name, location, net, strings.Join(list, ","))
}

// manager adds a manager of subscriptions and management groups.
func (m *managed) manager(name string, scopes ...string) {
	var subs, groups []string
	for _, s := range scopes {
		if strings.HasPrefix(s, "mg:") {
			groups = append(groups, fmt.Sprintf("%q", "/providers/Microsoft.Management/managementGroups/"+s[3:]))
		} else {
			subs = append(subs, fmt.Sprintf("%q", "/subscriptions/"+s))
		}
	}
	m.add("managers.json", fmt.Sprintf(`{"id":%q,"name":%q,"type":"Microsoft.Network/networkManagers","properties":{"networkManagerScopeAccesses":["SecurityAdmin"],"networkManagerScopes":{"subscriptions":[%s],"managementGroups":[%s]}}}`,
		nmID+name, name, strings.Join(subs, ","), strings.Join(groups, ",")))
}

// group adds a network group "m/g" with static members: names of virtual
// networks, or "v/subnet".
func (m *managed) group(id string, members ...string) {
	m.add("groups.json", fmt.Sprintf(`{"id":%q,"name":"x","type":"Microsoft.Network/networkManagers/networkGroups","properties":{"memberType":"VirtualNetwork"}}`, groupID(id)))
	for i, s := range members {
		v, subnet, ok := strings.Cut(s, "/")
		target := vnetID(v)
		if ok {
			target += "/subnets/" + subnet
		}
		m.add("groups.json", fmt.Sprintf(`{"id":"%s/staticMembers/m%d","name":"m%d","properties":{"resourceId":%q,"region":"x"}}`, groupID(id), i, i, target))
	}
}

// memberships adds Resource Graph rows: "a m/g m/h" puts a into two groups.
func (m *managed) memberships(rows ...string) {
	var list []string
	for _, row := range rows {
		w := strings.Fields(row)
		var groups []string
		for _, g := range w[1:] {
			groups = append(groups, fmt.Sprintf(`{"NetworkGroupId":%q}`, groupID(g)))
		}
		list = append(list, fmt.Sprintf(`{"id":"%s/providers/Microsoft.Network/networkGroupMemberships/default","name":"default","type":"microsoft.network/networkgroupmemberships","properties":{"GroupMemberships":[%s]}}`,
			vnetID(w[0]), strings.Join(groups, ",")))
	}
	m.add("memberships.json", fmt.Sprintf(`{"count":%d,"total_records":%d,"skip_token":null,"data":[%s]}`, len(list), len(list), strings.Join(list, ",")))
}

// config adds a configuration "m/c" with the setting for intent policies and
// collections of rules; a collection is "rc m/g m/h: rule | rule".
func (m *managed) config(id, intent string, collections ...string) {
	m.add("configs.json", fmt.Sprintf(`{"id":%q,"name":"x","type":"Microsoft.Network/networkManagers/securityAdminConfigurations","properties":{"applyOnNetworkIntentPolicyBasedServices":[%q]}}`, configID(id), intent))
	for _, c := range collections {
		head, rules, _ := strings.Cut(c, ": ")
		w := strings.Fields(head)
		rc := id + "/" + w[0]
		m.add("configs.json", fmt.Sprintf(`{"id":%q,"name":%q,"type":"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections","properties":{"appliesToGroups":%s}}`,
			collectionID(rc), w[0], groupRefs(w[1:])))
		for _, r := range strings.Split(rules, " | ") {
			m.add("configs.json", "{"+adminRule(rc, r, "")+"}")
		}
	}
}

func groupRefs(groups []string) string {
	var list []string
	for _, g := range groups {
		list = append(list, fmt.Sprintf(`{"networkGroupId":%q}`, groupID(g)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// adminRule writes the members of a rule of the collection "m/c/rc" from words:
// name, priority, direction, access, protocol, source, destination, ports; "-" is
// an empty list, group:m/g a network group.
func adminRule(rc, words, more string) string {
	w := strings.Fields(words)
	side := func(text string) string {
		switch g, isGroup := strings.CutPrefix(text, "group:"); {
		case text == "-":
			return "[]"
		case isGroup:
			return fmt.Sprintf(`[{"addressPrefixType":"NetworkGroup","addressPrefix":%q}]`, groupID(g))
		case strings.ContainsAny(text, "/*"):
			return fmt.Sprintf(`[{"addressPrefixType":"IPPrefix","addressPrefix":%q}]`, text)
		}
		return fmt.Sprintf(`[{"addressPrefixType":"ServiceTag","addressPrefix":%q}]`, text)
	}
	ports := "[]"
	if w[7] != "-" {
		ports = fmt.Sprintf(`[%q]`, w[7])
	}
	return fmt.Sprintf(`"id":"%s/rules/%s","name":%q,"type":"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules","kind":"Custom"%s,`+
		`"properties":{"priority":%s,"direction":%q,"access":%q,"protocol":%q,"sources":%s,"destinations":%s,"sourcePortRanges":[],"destinationPortRanges":%s}`,
		collectionID(rc), w[0], w[0], more, w[1], w[2], w[3], w[4], side(w[5]), side(w[6]), ports)
}

// effective adds an effective list to a file; a rule is "m/c/rc m/g: rule".
func (m *managed) effective(file string, rules ...string) { m.list(file, "", "", rules...) }

func (m *managed) list(file, region, skipToken string, rules ...string) {
	var list []string
	for _, r := range rules {
		head, rule, _ := strings.Cut(r, ": ")
		w := strings.Fields(head)
		more := `,"ruleCollectionAppliesToGroups":` + groupRefs(w[1:]) + `,"configurationDescription":""`
		if region != "" {
			more += fmt.Sprintf(`,"region":%q,"commitTime":"2024-01-01T00:00:00Z"`, region)
		}
		list = append(list, "{"+adminRule(w[0], rule, more)+"}")
	}
	m.add(file, fmt.Sprintf(`{"value":[%s],"skipToken":%q}`, strings.Join(list, ","), skipToken))
}

// deployed adds deployment states: "westeurope Deployed 2024-01-01 m/c".
func (m *managed) deployed(states ...string) {
	var list []string
	for _, s := range states {
		w := strings.Fields(s)
		var ids []string
		for _, c := range w[3:] {
			ids = append(ids, fmt.Sprintf("%q", configID(c)))
		}
		list = append(list, fmt.Sprintf(`{"region":%q,"deploymentStatus":%q,"commitTime":"%sT00:00:00Z","deploymentType":"SecurityAdmin","configurationIds":[%s],"errorMessage":""}`,
			w[0], w[1], w[2], strings.Join(ids, ",")))
	}
	m.add("deployments.json", fmt.Sprintf(`{"value":[%s],"skipToken":""}`, strings.Join(list, ",")))
}

// everywhere deploys the configurations to both regions.
func (m *managed) everywhere(configs ...string) {
	for _, region := range []string{"westeurope", "northeurope"} {
		m.deployed(region + " Deployed 2024-01-01 " + strings.Join(configs, " "))
	}
}

// load decodes and links the estate.
func (m *managed) load(t testing.TB) (*network.Network, diag.List) {
	t.Helper()
	var inputs []azure.Input
	for file, text := range m.files {
		docs, faults := jsontree.Parse(file, []byte(text))
		if len(faults) > 0 {
			t.Fatalf("%s: %v\n%s", file, faults, text)
		}
		for _, d := range docs {
			inputs = append(inputs, azure.Input{Path: file, Root: d})
		}
	}
	res := azure.Decode(inputs)
	for name, value := range m.assume {
		if err := res.Network.Assumptions.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	faults := append(res.Diagnostics, network.Link(res.Network)...)
	faults.Sort()
	return res.Network, faults
}

// ask puts questions to index and oracle. A question is "NIC direction protocol
// remote port => access rule", with " (reason)" where there is one. Facts are
// cut to their kind and the name at their end.
func (m *managed) ask(t *testing.T, questions ...string) (*network.Network, diag.List) {
	t.Helper()
	n, faults := m.load(t)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	judge := oracle.New(n)
	for _, line := range questions {
		q, want, _ := strings.Cut(line, " => ")
		nic, tuple := adminQuestion(t, n, q)
		v := judge.Classify(nic, tuple)
		if got := ix.Classify(nic, tuple); got != v {
			t.Errorf("%s\nindex  %+v\noracle %+v", q, got, v)
		}
		rule := "-"
		if r := n.Rule(v.Rule); r != nil {
			rule = r.Spelling()
		}
		got := v.Access.String() + " " + rule
		if v.Reason != "" {
			got += " (" + shortFacts(v.Reason) + ")"
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s\n%v", q, got, want, faults)
		}
	}
	return n, faults
}

func adminQuestion(t *testing.T, n *network.Network, line string) (*network.NIC, flow.Tuple) {
	t.Helper()
	w := strings.Fields(line)
	nics := n.NICsNamed(w[0])
	if len(nics) != 1 {
		t.Fatalf("%d NICs %s", len(nics), w[0])
	}
	direction, ok := flow.ParseDirection(w[1])
	protocol, ok2 := flow.ParseProtocol(w[2])
	port, ok3 := flow.ParsePort(w[4])
	if !ok || !ok2 || !ok3 {
		t.Fatalf("question %q", line)
	}
	local := netip.MustParseAddr("10.9.9.9")
	if len(nics[0].IPConfigs) > 0 && nics[0].IPConfigs[0].Address.IsValid() {
		local = nics[0].IPConfigs[0].Address
	}
	tuple := flow.Tuple{
		Direction: direction, Protocol: protocol,
		Local: flow.AddressFrom(local), Remote: flow.AddressFrom(netip.MustParseAddr(w[3])), LocalPort: port, RemotePort: 50000,
	}
	if direction == flow.Outbound {
		tuple.LocalPort, tuple.RemotePort = 50000, port
	}
	return nics[0], tuple
}

func shortFacts(reason string) string {
	prefix := ""
	if rest, ok := strings.CutPrefix(reason, flow.ReasonRuleUncertain); ok {
		prefix, reason = flow.ReasonRuleUncertain, rest
	}
	var out []string
	for _, f := range strings.Split(reason, ",") {
		kind, what, ok := strings.Cut(f, ":")
		if ok && !strings.Contains(what, "#") {
			f = kind + ":" + network.LastSegment(what)
		}
		out = append(out, f)
	}
	return prefix + strings.Join(out, ",")
}

func codes(list diag.List) (out []string) {
	for _, d := range list {
		if !slices.Contains(out, d.Code) {
			out = append(out, d.Code)
		}
	}
	slices.Sort(out)
	return out
}
