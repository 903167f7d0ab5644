package verify

import (
	"strings"
	"testing"

	"ipflow/ingest/network"
)

// The test vectors of the admin layer, each from the configuration tree that is
// deployed to both regions.
func TestAdminVectors(t *testing.T) {
	one := func(t *testing.T, rules ...string) *managed {
		t.Helper()
		m := newManaged()
		m.manager("m", "s1")
		m.group("m/g", "a")
		m.memberships("a m/g", "b")
		m.config("m/c", "None", "rc m/g: "+strings.Join(rules, " | "))
		m.everywhere("m/c")
		return m
	}
	t.Run("vector-63", func(t *testing.T) {
		one(t, "web 10 Inbound Deny Tcp * * 80").ask(t,
			"a-app In Tcp 8.8.8.8 80 => Deny web",
			"a-app In Udp 8.8.8.8 80 => Allow securityRules/web",
			"a-app Out Tcp 8.8.8.8 80 => Allow securityRules/out",
			"b-app In Tcp 8.8.8.8 80 => Allow securityRules/web")
	})
	t.Run("vector-64", func(t *testing.T) {
		n, _ := one(t, "ssh 10 Inbound AlwaysAllow Tcp * * 22").ask(t,
			"a-app In Tcp 8.8.8.8 22 => Allow ssh",
			"b-app In Tcp 8.8.8.8 22 => Deny securityRules/shut")
		r := n.NICsNamed("a-app")[0].Subnet.Admin.Rules[0]
		if r.ID != collectionID("m/c/rc")+"/rules/ssh" || r.GroupID() != nmID+"m" || r.Origin.File != "configs.json" || r.Origin.Line == 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("vector-65", func(t *testing.T) {
		one(t, "ssh 10 Inbound Allow Tcp * * 22").ask(t, "a-app In Tcp 8.8.8.8 22 => Deny securityRules/shut")
	})
	t.Run("vector-66", func(t *testing.T) {
		one(t, "no 10 Inbound Deny Tcp * * -", "yes 5 Inbound Allow Tcp * * -").ask(t,
			"a-app In Tcp 8.8.8.8 80 => Allow securityRules/web",
			"a-app In Tcp 8.8.8.8 22 => Deny securityRules/shut")
	})
	t.Run("vector-67", func(t *testing.T) {
		m := one(t, "no 1 Inbound Deny Any - - -")
		m.manager("parent", "mg:root")
		m.group("parent/g", "a")
		m.memberships("a m/g parent/g", "b")
		m.files["memberships.json"] = m.files["memberships.json"][strings.Index(m.files["memberships.json"], "\n")+1:]
		m.config("parent/c", "None", "rc parent/g: yes 4000 Inbound Allow Tcp - - 80")
		m.everywhere("parent/c")
		m.ask(t, "a-app In Tcp 8.8.8.8 80 => Allow securityRules/web", "a-app In Tcp 8.8.8.8 81 => Deny no")
	})
	t.Run("vector-68", func(t *testing.T) {
		one(t, "no 10 Inbound Deny Any - - -").ask(t,
			"a-app In Tcp 8.8.8.8 80 => Deny no", "a-app In Icmp 8.8.8.8 0 => Deny no", "a-app Out Tcp 8.8.8.8 80 => Allow securityRules/out")
	})
	t.Run("vector-69", func(t *testing.T) {
		m := one(t, "no 10 Inbound Deny Any - - -")
		m.files["deployments.json"] = ""
		m.deployed("northeurope Deployed 2024-01-01 m/c")
		_, faults := m.ask(t, "a-app In Tcp 8.8.8.8 80 => Allow securityRules/web")
		if c := codes(faults); len(c) != 1 || c[0] != "not-deployed" {
			t.Errorf("%v", faults)
		}
	})
	t.Run("vector-70", func(t *testing.T) {
		for _, c := range []struct{ intent, web, ssh, sql string }{
			{"None", "Allow securityRules/web", "Deny securityRules/shut", "no admin rules apply: Microsoft.Sql/managedInstances in subnet mi"},
			{"AllowRulesOnly", "Allow securityRules/web", "Deny securityRules/shut (rule-uncertain:allow-rules-only:ssh)", "only Allow rules apply: Microsoft.Sql/managedInstances in subnet mi"},
			{"All", "Deny web", "Allow ssh", ""},
		} {
			m := one(t, "web 10 Inbound Deny Tcp * * 80", "dns 11 Inbound Allow Tcp * * 53", "ssh 12 Inbound AlwaysAllow Tcp * * 22")
			m.files["configs.json"] = strings.Replace(m.files["configs.json"], `["None"]`, `["`+c.intent+`"]`, 1)
			m.files["nics.json"] = ""
			m.vnet("a", "10.1", "westeurope", "app", "mi=Microsoft.Sql/managedInstances")
			ssh := c.ssh
			if c.intent == "AllowRulesOnly" {
				ssh = "Unknown - (allow-rules-only:ssh)"
			}
			n, _ := m.ask(t, "a-app In Tcp 8.8.8.8 80 => "+c.web, "a-app In Tcp 8.8.8.8 22 => "+ssh, "a-app In Tcp 8.8.8.8 53 => Deny securityRules/shut")
			v := n.VirtualNetworks[0]
			if v.AdminExempt != c.sql || (v.Admin == nil) != (c.intent == "None") {
				t.Errorf("%s: %q %+v", c.intent, v.AdminExempt, v.Admin)
			}
		}
	})
	t.Run("vector-71", func(t *testing.T) {
		m := one(t, "no 10 Inbound Deny Any - - -")
		names := []string{"app", "AzureBastionSubnet", "azurefirewallsubnet", "AzureFirewallManagementSubnet", "RouteServerSubnet", "GatewaySubnet", "gw=Microsoft.Network/applicationGateways", "old"}
		m.files["nics.json"] = ""
		m.vnet("a", "10.1", "westeurope", names...)
		m.add("appgw.json", `[{"id":"`+rgID+`applicationGateways/front","name":"front","gatewayIPConfigurations":[{"name":"x","subnet":{"id":"`+strings.ToUpper(vnetID("a"))+`/SUBNETS/OLD"}}]}]`)
		questions := []string{"a-app In Tcp 8.8.8.8 80 => Deny no"}
		for _, name := range names[1:] {
			name, _, _ = strings.Cut(name, "=")
			questions = append(questions, "a-"+name+" In Tcp 8.8.8.8 80 => Allow securityRules/web")
		}
		n, _ := m.ask(t, questions...)
		for _, s := range n.Subnets {
			if network.Key(s.VirtualNetworkID) == network.Key(vnetID("a")) && (s.AdminExempt == "") != (s.Name == "app") {
				t.Errorf("%s: exempt %q", s.Name, s.AdminExempt)
			}
		}
	})
}

// What reaches a virtual network comes from the best source about it.
func TestAdminSources(t *testing.T) {
	base := func() *managed {
		m := newManaged()
		m.manager("m", "s1")
		m.group("m/g", "a")
		m.memberships("a m/g", "b")
		m.config("m/c", "None", "rc m/g: tree 10 Inbound Deny Tcp * * 80")
		return m
	}
	const q = "a-app In Tcp 8.8.8.8 80 => "
	check := func(t *testing.T, m *managed, want, source string) {
		t.Helper()
		n, faults := m.ask(t, q+want, "b-app In Tcp 8.8.8.8 80 => Allow securityRules/web")
		admin := n.NICsNamed("a-app")[0].Subnet.Admin
		switch {
		case admin == nil && source != "" || admin != nil && !strings.HasPrefix(admin.Source, source):
			t.Errorf("rules %+v, want them from %q; %v", admin, source, faults)
		}
	}
	t.Run("tree-ignored", func(t *testing.T) {
		m := base()
		check(t, m, "Allow securityRules/web", "")
		if _, faults := m.load(t); len(faults) != 1 || faults[0].Code != "not-deployed" || !strings.Contains(faults[0].Message, "--assume admin-configurations=deployed") {
			t.Errorf("%v", faults)
		}
	})
	t.Run("tree-assumed", func(t *testing.T) {
		m := base()
		m.assume["admin-configurations"] = "deployed"
		check(t, m, "Deny tree", "configuration c, assumed deployed")
	})
	t.Run("tree-unknown", func(t *testing.T) {
		m := base()
		m.assume["admin-configurations"] = "unknown"
		check(t, m, "Unknown - (undeployed-configuration:c)", "configuration c, not known to be deployed")
	})
	deployment := func() *managed {
		m := base()
		m.everywhere("m/c")
		return m
	}
	t.Run("deployment", func(t *testing.T) { check(t, deployment(), "Deny tree", "deployment deployments.json:1") })
	t.Run("active", func(t *testing.T) {
		m := deployment()
		m.list("active.json", "West Europe", "", "m/c/rc m/g: active 10 Inbound Deny Tcp * * 80")
		check(t, m, "Deny active", "active admin rules active.json")
	})
	t.Run("active-elsewhere", func(t *testing.T) {
		m := deployment()
		m.list("active.json", "uksouth", "", "m/c/rc m/g: active 10 Inbound Deny Tcp * * 80")
		check(t, m, "Deny tree", "deployment")
	})
	t.Run("row", func(t *testing.T) {
		for _, key := range []string{`"effectiveSecurityAdminConfigurations":[{"id":`, `"EffectiveSecurityAdminConfigurations":[{"Id":`} {
			m := base()
			m.add("rows.json", `{"count":1,"data":[{"id":"`+vnetID("a")+`/providers/Microsoft.Network/effectiveSecurityAdminRules/default","name":"default","type":"microsoft.network/effectivesecurityadminrules","properties":{`+
				key+`"`+configID("m/c")+`/snapshots/3"}],"provisioningState":"Succeeded"}}]}`)
			check(t, m, "Deny tree", "Resource Graph row rows.json:1")
		}
	})
	t.Run("row-without-configuration", func(t *testing.T) {
		m := base()
		m.add("rows.json", `{"count":1,"data":[{"id":"`+vnetID("a")+`/providers/Microsoft.Network/effectiveSecurityAdminRules/default","name":"default","type":"microsoft.network/effectivesecurityadminrules","properties":{`+
			`"effectiveSecurityAdminConfigurations":[{"id":"`+configID("m/other")+`/snapshots/3"}]}}]}`)
		check(t, m, "Unknown - (missing-admin-rules:other)", "")
	})
	t.Run("row-of-none", func(t *testing.T) {
		m := deployment()
		m.add("rows.json", `{"count":1,"data":[{"id":"`+vnetID("a")+`/providers/Microsoft.Network/effectiveSecurityAdminRules/default","name":"default","type":"microsoft.network/effectivesecurityadminrules","properties":{`+
			`"effectiveSecurityAdminConfigurations":[]}}]}`)
		check(t, m, "Allow securityRules/web", "")
	})
	t.Run("effective", func(t *testing.T) {
		m := deployment()
		m.list("active.json", "westeurope", "", "m/c/rc m/g: active 10 Inbound Deny Tcp * * 80")
		m.effective("effective.json", "m/c/rc m/g: effective 10 Inbound Deny Tcp * * 80")
		check(t, m, "Deny effective", "effective admin rules effective.json")
	})
	t.Run("latest-commit", func(t *testing.T) {
		m := base()
		m.config("m/d", "None", "rc m/g: other 10 Inbound Deny Tcp * * 443")
		m.deployed("westeurope Deployed 2024-03-01 m/d", "westeurope Deployed 2024-01-01 m/c")
		check(t, m, "Allow securityRules/web", "deployment")
		m.deployed("westeurope Deployed 2024-04-01")
		m.ask(t, q+"Allow securityRules/web", "a-app In Tcp 8.8.8.8 443 => Deny securityRules/shut")
	})
	t.Run("deploying", func(t *testing.T) {
		m := base()
		m.deployed("westeurope Deploying 2024-03-01 m/c")
		check(t, m, "Unknown - (undeployed-configuration:c)", "deployment")
	})
	t.Run("deployed-but-not-exported", func(t *testing.T) {
		m := base()
		m.files["configs.json"] = ""
		m.everywhere("m/c")
		m.ask(t, q+"Unknown - (missing-admin-rules:c)", "a-app In Tcp 8.8.8.8 22 => Unknown - (missing-admin-rules:c)")
	})
	t.Run("rules-not-exported", func(t *testing.T) {
		m := deployment()
		lines := strings.Split(m.files["configs.json"], "\n")
		m.files["configs.json"] = strings.Join(lines[:2], "\n")
		check(t, m, "Unknown - (missing-admin-rules:rc)", "")
	})
	t.Run("collection-not-exported", func(t *testing.T) {
		m := deployment()
		lines := strings.Split(m.files["configs.json"], "\n")
		m.files["configs.json"] = lines[0] + lines[2]
		m.ask(t, q+"Unknown - (missing-rule-collection:rc)", "a-app In Tcp 8.8.8.8 22 => Deny securityRules/shut")
	})
	t.Run("goal-state", func(t *testing.T) {
		m := base()
		rule := collectionID("m/c/rc") + "/rules/tree"
		old := strings.Replace("{"+adminRule("m/c/rc", "tree 10 Inbound AlwaysAllow Tcp * * 80", "")+"}", rule, rule+"/snapshots/1", 1)
		m.add("goal.json", `{"count":2,"data":[{"id":"`+nmID+`m/securityAdminRegionalGoalStates/westeurope","name":"westeurope","location":"westeurope","type":"microsoft.network/networkmanagers/securityadminregionalgoalstates","properties":{"commitTimestamp":"2024-01-01T00:00:00Z","status":"Succeeded",`+
			`"securityAdminConfigurations":[{"id":"`+configID("m/c")+`/snapshots/1"}],"securityAdminRules":[{"id":"`+rule+`/snapshots/1"}]}},`+strings.Replace(old, `collections/rules"`, `collections/rules/snapshots"`, 1)+`]}`)
		check(t, m, "Allow tree", "deployment goal.json:1")
	})
	t.Run("commit", func(t *testing.T) {
		m := base()
		m.add("commit.json", `{"commitId":"1","targetLocations":["West Europe"],"commitType":"SecurityAdmin","configurationIds":["`+configID("m/c")+`"]}`)
		check(t, m, "Unknown - (undeployed-configuration:c)", "deployment commit.json:1")
	})
}
