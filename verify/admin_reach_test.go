package verify

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ipflow/index"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/oracle"
)

// An effective list does not name its virtual network.
func TestEffectiveListAttribution(t *testing.T) {
	const (
		aq   = "a-app In Tcp 8.8.8.8 80 => "
		bq   = "b-app In Tcp 8.8.8.8 80 => "
		plan = "Allow securityRules/web"
		lost = "Unknown - (unattributed-admin-rules:x/list.json#/value/0)"
		rule = ": no 10 Inbound Deny Tcp * * 80"
	)
	cases := []struct {
		name   string
		change func(*managed)
		ask    []string
		codes  []string
	}{
		{"by-members", func(m *managed) {
			m.group("m/g", "a")
			m.effective("x/list.json", "m/c/rc m/g"+rule)
		}, []string{aq + "Deny no", bq + plan}, nil},
		{"by-rows", func(m *managed) {
			m.memberships("a m/g m/h", "b m/h")
			m.effective("x/list.json", "m/c/rc m/g"+rule, "m/c/rd m/h: also 11 Inbound Deny Tcp * * 81")
		}, []string{aq + "Deny no", "a-app In Tcp 8.8.8.8 81 => Deny also", bq + plan}, nil},
		{"only-virtual-network", func(m *managed) {
			delete(m.files, "b/vnet.json")
			m.effective("x/list.json", "m/c/rc m/g"+rule)
		}, []string{aq + "Deny no"}, nil},
		{"not-its-own", func(m *managed) {
			m.memberships("a m/h", "b m/h")
			m.effective("x/list.json", "m/c/rc m/g"+rule)
		}, []string{aq + plan, bq + plan}, []string{"unattributed-admin-rules"}},
		{"two-members", func(m *managed) {
			m.group("m/g", "a", "b")
			m.effective("x/list.json", "m/c/rc m/g"+rule)
		}, []string{aq + lost, bq + lost}, []string{"unattributed-admin-rules"}},
		{"nothing-known", func(m *managed) {
			m.effective("x/list.json", "m/c/rc m/g"+rule)
		}, []string{aq + lost, bq + lost}, []string{"unattributed-admin-rules"}},
		{"beside-its-network", func(m *managed) { m.effective("a/list.json", "m/c/rc m/g"+rule) }, []string{aq + "Deny no", bq + plan}, nil},
		{"named-after-its-network", func(m *managed) {
			m.effective("x/A.json", "m/c/rc m/g"+rule)
			m.effective("x/b.admin.json", "m/c/rc m/g: other 10 Inbound Deny Tcp * * 80")
		}, []string{aq + "Deny no", bq + "Deny other"}, nil},
		{"named-after-another", func(m *managed) {
			m.memberships("a m/g", "b m/h")
			m.effective("b.json", "m/c/rc m/g"+rule)
		}, []string{aq + "Deny no", bq + plan}, nil},
		{"left-over", func(m *managed) {
			m.memberships("a m/g m/h", "b m/g")
			m.effective("y/list.json", "m/c/rc m/g"+rule, "m/c/rd m/h: also 11 Inbound Deny Tcp * * 81")
			m.effective("x/list.json", "m/c/rc m/g: other 10 Inbound Deny Tcp * * 80")
		}, []string{aq + "Deny no", bq + "Deny other"}, nil},
		{"one-each-and-equal", func(m *managed) {
			m.memberships("a m/g", "b m/g")
			m.effective("x/list.json", "m/c/rc m/g"+rule)
			m.effective("y/list.json", "m/c/rc m/g"+rule)
		}, []string{aq + "Deny no", bq + "Deny no"}, nil},
		{"one-each-and-different", func(m *managed) {
			m.memberships("a m/g", "b m/g")
			m.effective("x/list.json", "m/c/rc m/g"+rule)
			m.effective("y/list.json", "m/c/rc m/g"+rule, "m/c/rc m/g: also 11 Inbound Deny Tcp * * 81")
		}, []string{aq + "Unknown - (unattributed-admin-rules:x/list.json#/value/0,unattributed-admin-rules:y/list.json#/value/0)"}, []string{"unattributed-admin-rules"}},
		{"two-different-for-one", func(m *managed) {
			m.memberships("a m/g", "b m/h")
			m.effective("x/list.json", "m/c/rc m/g"+rule)
			m.effective("y/list.json", "m/c/rc m/g: other 10 Inbound AlwaysAllow Tcp * * 80")
		}, []string{aq + "Unknown - (unattributed-admin-rules:x/list.json#/value/0,unattributed-admin-rules:y/list.json#/value/0)", bq + plan}, []string{"unattributed-admin-rules"}},
		{"exported-twice", func(m *managed) {
			m.memberships("a m/g", "b m/h")
			m.effective("x/list.json", "m/c/rc m/g"+rule)
			m.effective("y/list.json", "m/c/rc m/g"+rule)
		}, []string{aq + "Deny no", bq + plan}, nil},
		{"two-pages", func(m *managed) {
			m.memberships("a m/g", "b m/h")
			m.list("x/list.json", "", "more", "m/c/rc m/g"+rule)
			m.effective("y/list.json", "m/c/rc m/g: also 11 Inbound Deny Tcp * * 81")
		}, []string{aq + "Deny no", "a-app In Tcp 8.8.8.8 81 => Deny also", bq + plan}, []string{"missing-page"}},
		{"first-page-only", func(m *managed) {
			m.memberships("a m/g", "b m/h")
			m.list("x/list.json", "", "more", "m/c/rc m/g"+rule)
		}, []string{aq + "Unknown - (missing-page:x/list.json#/value/0)", bq + plan}, []string{"missing-page"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := newManaged()
			c.change(m)
			_, faults := m.ask(t, c.ask...)
			if got := codes(faults); !slices.Equal(got, c.codes) && !(len(got) == 0 && len(c.codes) == 0) {
				t.Errorf("diagnostics %v", faults)
			}
		})
	}
	t.Run("says-how", func(t *testing.T) {
		m := newManaged()
		m.effective("x/list.json", "m/c/rc m/g"+rule)
		_, faults := m.load(t)
		if len(faults) != 1 || faults[0].Severity != diag.Error || faults[0].Origin.File != "x/list.json" || faults[0].Origin.Line != 1 ||
			!strings.Contains(faults[0].Message, "(a, b)") || !strings.Contains(faults[0].Message, "networkgroupmemberships") || !strings.Contains(faults[0].Message, "directory") {
			t.Errorf("%v", faults)
		}
	})
}

// How far a collection reaches, and what is Unknown where that is not known.
func TestAdminReach(t *testing.T) {
	const (
		aq   = "a-app In Tcp 8.8.8.8 80 => "
		bq   = "b-app In Tcp 8.8.8.8 80 => "
		plan = "Allow securityRules/web"
	)
	base := func(members ...string) *managed {
		m := newManaged()
		m.manager("m", "s1")
		m.group("m/g", members...)
		m.config("m/c", "None", "rc m/g: no 10 Inbound Deny Tcp * * 80")
		m.everywhere("m/c")
		return m
	}
	t.Run("members-by-policy", func(t *testing.T) {
		m := base("a")
		n, _ := m.ask(t, aq+"Deny no", bq+"Unknown - (missing-members:g)", "b-app In Tcp 8.8.8.8 22 => Deny securityRules/shut", "b-app Out Tcp 8.8.8.8 80 => Allow securityRules/out")
		if facts := n.Facts(); !slices.Equal(facts, []network.FactUse{{Fact: "missing-members:" + groupID("m/g"), Rules: 1, NICs: 2}}) {
			t.Errorf("facts %+v", facts)
		}
		m.assume["network-group-members"] = "listed"
		m.ask(t, aq+"Deny no", bq+plan)
		delete(m.assume, "network-group-members")
		m.memberships("b m/h")
		m.ask(t, aq+"Deny no", bq+plan)
	})
	t.Run("rows-of-the-group", func(t *testing.T) {
		m := base()
		m.memberships("a m/g")
		m.ask(t, aq+"Deny no", bq+plan)
	})
	t.Run("rows-cut", func(t *testing.T) {
		m := base()
		m.memberships("a m/g")
		m.files["memberships.json"] = strings.Replace(m.files["memberships.json"], `"total_records":1`, `"total_records":7`, 1)
		m.ask(t, aq+"Deny no", bq+"Unknown - (missing-members:g)")
	})
	t.Run("nobody-exported", func(t *testing.T) {
		base().ask(t, aq+"Unknown - (missing-members:g)", bq+"Unknown - (missing-members:g)")
	})
	t.Run("unreadable-member", func(t *testing.T) {
		m := base("a")
		m.assume["network-group-members"] = "listed"
		m.add("groups.json", `{"id":"`+groupID("m/g")+`/staticMembers/x","name":"x","properties":{"resourceId":7}}`)
		m.ask(t, aq+"Deny no", bq+"Unknown - (unresolved:groups.json#/properties/resourceId)")
	})
	t.Run("subnets", func(t *testing.T) {
		m := base("a/app")
		m.assume["network-group-members"] = "listed"
		m.ask(t, aq+"Deny no", "a-db In Tcp 8.8.8.8 80 => "+plan, bq+plan)
		m.config("m/c", "None", "rd m/h: low 20 Inbound Deny Tcp * * 22")
		m.group("m/h", "a")
		n, _ := m.ask(t, aq+"Deny no", "a-app In Tcp 8.8.8.8 22 => Deny low", "a-db In Tcp 8.8.8.8 80 => "+plan, "a-db In Tcp 8.8.8.8 22 => Deny low")
		if app, db := n.NICsNamed("a-app")[0].Subnet.Admin, n.NICsNamed("a-db")[0].Subnet.Admin; len(app.Rules) != 2 || len(db.Rules) != 1 || db != n.VirtualNetworks[0].Admin {
			t.Errorf("%+v %+v", app, db)
		}
	})
	t.Run("out-of-scope", func(t *testing.T) {
		m := base("a", "b")
		m.files["managers.json"] = ""
		m.manager("m", "elsewhere")
		m.ask(t, aq+plan, bq+plan)
		m.files["managers.json"] = ""
		m.manager("m", "mg:corp")
		m.ask(t, aq+"Deny no")
		for parent, want := range map[string]string{"corp": "Deny no", "lab": plan} {
			m.files["scopes.json"] = `{"count":1,"data":[{"id":"/subscriptions/s1","name":"one","type":"microsoft.resources/subscriptions","properties":{"managementGroupAncestorsChain":[{"name":"` + parent + `"},{"name":"root"}]}}]}`
			m.ask(t, aq+want)
		}
	})
	t.Run("network-not-exported", func(t *testing.T) {
		m := base("a")
		delete(m.files, "a/vnet.json")
		m.ask(t,
			aq+"Unknown - (missing-location:a,missing-vnet:a)",
			"a-app In Tcp 8.8.8.8 22 => Unknown - (missing-vnet:a)")
	})
	t.Run("subnet-not-exported", func(t *testing.T) {
		m := base("a")
		m.add("nics.json", `{"id":"`+rgID+`networkInterfaces/odd","name":"odd","properties":{"ipConfigurations":[{"name":"ip","properties":{"privateIPAddress":"10.1.8.4","subnet":{"id":"`+vnetID("a")+`/subnets/gone"}}}]}}`,
			`{"id":"`+rgID+`networkInterfaces/bastion","name":"bastion","properties":{"ipConfigurations":[{"name":"ip","properties":{"privateIPAddress":"10.1.9.4","subnet":{"id":"`+vnetID("a")+`/subnets/AzureBastionSubnet"}}}]}}`)
		m.ask(t, "odd In Tcp 8.8.8.8 80 => Deny no", "odd In Tcp 8.8.8.8 22 => Unknown - (missing-subnet:gone)",
			"bastion In Tcp 8.8.8.8 80 => Unknown - (missing-subnet:AzureBastionSubnet)")
	})
	t.Run("subnet-not-named", func(t *testing.T) {
		m := base("a")
		m.add("nics.json", `{"id":"`+rgID+`networkInterfaces/odd","name":"odd","properties":{"ipConfigurations":[{"name":"ip","properties":{"privateIPAddress":"10.1.8.4"}}],"networkSecurityGroup":{"id":"`+rgID+`networkSecurityGroups/g"}}}`)
		// The NIC's own group denies, but an admin rule might always allow.
		m.ask(t, "odd In Tcp 8.8.8.8 22 => Unknown - (missing-subnet:odd)")
	})
	t.Run("private-endpoint", func(t *testing.T) {
		m := base("a")
		m.files["nics.json"] = strings.Replace(m.files["nics.json"], `"name":"a-app","properties":{`, `"name":"a-app","properties":{"privateEndpoint":{"id":"`+rgID+`privateEndpoints/p"},`, 1)
		m.ask(t, aq+"Allow - (no-nsg)")
	})
	t.Run("location-not-known", func(t *testing.T) {
		m := base("a")
		m.files["a/vnet.json"] = strings.Replace(m.files["a/vnet.json"], `"location":"westeurope",`, "", 1)
		m.ask(t, aq+"Unknown - (missing-location:a)", "a-app In Tcp 8.8.8.8 22 => Deny securityRules/shut")
	})
	t.Run("unreadable-groups", func(t *testing.T) {
		m := base("a")
		m.memberships("a m/g", "b m/h")
		m.files["configs.json"] = strings.Replace(m.files["configs.json"], groupRefs([]string{"m/g"}), "[7]", 1)
		m.ask(t, aq+"Unknown - (unresolved:configs.json#/properties/appliesToGroups/0)", bq+"Unknown - (unresolved:configs.json#/properties/appliesToGroups/0)",
			"b-app In Tcp 8.8.8.8 22 => Deny securityRules/shut")
	})
}

// A network group as source or destination is its members' address spaces.
func TestAdminGroupOperands(t *testing.T) {
	base := func(source string, members ...string) *managed {
		m := newManaged()
		m.manager("m", "s1")
		m.group("m/g", "a", "b")
		m.group("m/from", members...)
		m.config("m/c", "None", "rc m/g: no 10 Inbound Deny Tcp "+source+" * -")
		m.everywhere("m/c")
		m.assume["network-group-members"] = "listed"
		return m
	}
	const web = "Allow securityRules/web"
	t.Run("networks-and-subnets", func(t *testing.T) {
		base("group:m/from", "b", "a/db").ask(t,
			"a-app In Tcp 10.2.3.4 80 => Deny no", "a-app In Tcp 10.1.1.9 80 => Deny no",
			"a-app In Tcp 10.1.0.9 80 => "+web, "a-app In Tcp 8.8.8.8 80 => "+web)
	})
	t.Run("network-not-exported", func(t *testing.T) {
		base("group:m/from", "b", "far", "a/far").ask(t,
			"a-app In Tcp 10.2.3.4 80 => Deny no", "a-app In Tcp 8.8.8.8 80 => Unknown - (missing-subnet:far,missing-vnet:far)",
			"a-app In Udp 8.8.8.8 80 => "+web)
	})
	t.Run("members-by-policy", func(t *testing.T) {
		m := base("group:m/from", "b")
		delete(m.assume, "network-group-members")
		m.ask(t, "a-app In Tcp 10.2.3.4 80 => Deny no", "a-app In Tcp 8.8.8.8 80 => Unknown - (missing-members:from)")
		m.memberships("b m/from m/g", "a m/g")
		m.ask(t, "a-app In Tcp 10.2.3.4 80 => Deny no", "a-app In Tcp 8.8.8.8 80 => "+web)
	})
	t.Run("both-families", func(t *testing.T) {
		m := base("group:m/from", "b")
		m.files["b/vnet.json"] = strings.Replace(m.files["b/vnet.json"], `"10.2.0.0/16"`, `"10.2.0.0/16","fd00:2::/48"`, 1)
		m.add("nics.json", `{"id":"`+rgID+`networkInterfaces/six","name":"six","properties":{"ipConfigurations":[{"name":"ip","properties":{"privateIPAddress":"fd00:1::4","subnet":{"id":"`+vnetID("a")+`/subnets/app"}}}]}}`)
		m.ask(t, "a-app In Tcp 10.2.3.4 80 => Deny no", "six In Tcp fd00:2::9 80 => "+web)
		m.files["b/vnet.json"] = strings.Replace(m.files["b/vnet.json"], `"10.2.0.0/16",`, ``, 1)
		m.ask(t, "a-app In Tcp 10.2.3.4 80 => "+web, "six In Tcp fd00:2::9 80 => Deny no")
	})
	t.Run("empty-group", func(t *testing.T) {
		base("group:m/from").ask(t, "a-app In Tcp 10.2.3.4 80 => "+web)
	})
	t.Run("tags", func(t *testing.T) {
		base("Internet").ask(t, "a-app In Tcp 8.8.8.8 80 => Deny no", "a-app In Tcp 10.2.3.4 80 => "+web)
		_, faults := base("Storage.WestUS").ask(t, "a-app In Tcp 8.8.8.8 80 => Unknown - (unknown-tag:Storage.WestUS)")
		if c := codes(faults); !slices.Equal(c, []string{"no-service-tags"}) {
			t.Errorf("%v", faults)
		}
	})
}

// Several collections are one list; several managers go by scope.
func TestAdminOrder(t *testing.T) {
	const aq = "a-app In Tcp 8.8.8.8 80 => "
	base := func() *managed {
		m := newManaged()
		m.group("m/g", "a")
		m.group("p/g", "a")
		m.memberships("a m/g p/g", "b")
		return m
	}
	t.Run("collections", func(t *testing.T) {
		m := base()
		m.config("m/c", "None", "z m/g: first 5 Inbound AlwaysAllow Tcp * * 80", "a m/g: second 6 Inbound Deny Tcp * * -")
		m.everywhere("m/c")
		m.ask(t, aq+"Allow first", "a-app In Tcp 8.8.8.8 81 => Deny second")
	})
	t.Run("same-priority", func(t *testing.T) {
		m := base()
		m.config("m/c", "None", "a m/g: yes 5 Inbound AlwaysAllow Tcp * * 80", "z m/g: no 5 Inbound Deny Tcp * * 80")
		m.everywhere("m/c")
		_, faults := m.ask(t, aq+"Deny no")
		if c := codes(faults); !slices.Equal(c, []string{"duplicate-priority"}) {
			t.Errorf("%v", faults)
		}
	})
	managers := func(scopeM, scopeP string) *managed {
		m := base()
		if scopeM != "" {
			m.manager("m", scopeM)
		}
		if scopeP != "" {
			m.manager("p", scopeP)
		}
		m.config("m/c", "None", "rc m/g: yes 5 Inbound AlwaysAllow Tcp * * 80 | both 6 Inbound Deny Tcp * * 81")
		m.config("p/c", "None", "rc p/g: no 4 Inbound Deny Tcp * * 80 | both 6 Inbound Deny Tcp * * 81")
		m.everywhere("m/c", "p/c")
		m.files["deployments.json"] = ""
		for _, c := range []string{"m/c", "p/c"} {
			m.everywhere(c)
		}
		return m
	}
	t.Run("group-before-subscription", func(t *testing.T) {
		managers("mg:corp", "s1").ask(t, aq+"Allow yes", "a-app In Tcp 8.8.8.8 81 => Deny both")
		managers("s1", "mg:corp").ask(t, aq+"Deny no", "a-app In Tcp 8.8.8.8 81 => Deny both")
	})
	t.Run("nearer-the-root", func(t *testing.T) {
		m := managers("mg:root", "mg:corp")
		m.files["scopes.json"] = `{"count":1,"data":[{"id":"/subscriptions/s1","name":"one","type":"microsoft.resources/subscriptions","properties":{"managementGroupAncestorsChain":[{"name":"corp"},{"name":"root"}]}}]}`
		m.ask(t, aq+"Allow yes")
		m.files["managers.json"] = ""
		m.manager("m", "mg:corp")
		m.manager("p", "mg:root")
		m.ask(t, aq+"Deny no")
	})
	t.Run("order-not-known", func(t *testing.T) {
		for _, m := range []*managed{managers("", ""), managers("mg:root", "mg:corp"), managers("s1", "")} {
			n, faults := m.load(t)
			ask := func(line string) flow.Verdict {
				nic, tuple := adminQuestion(t, n, line)
				return oracle.New(n).Classify(nic, tuple)
			}
			if v := ask("a-app In Tcp 8.8.8.8 80"); v.Access != flow.Unknown || !strings.Contains(v.Reason, "manager-order:") {
				t.Errorf("%+v", v)
			}
			if v := ask("a-app In Tcp 8.8.8.8 81"); v.Access != flow.Deny {
				t.Errorf("%+v", v)
			}
			if v := ask("a-app In Tcp 8.8.8.8 22"); v.Access != flow.Deny || v.Reason != "" {
				t.Errorf("%+v", v)
			}
			if c := codes(faults); !slices.Equal(c, []string{"manager-order"}) {
				t.Errorf("%v", faults)
			}
		}
	})
}

// Whatever document is missing, an Allow or a Deny given without it still holds
// with it.
func TestAdminFactsHidden(t *testing.T) {
	rng := rand.New(rand.NewPCG(63, 71))
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	hidden, certain := 0, 0
	for range 120 {
		m := newManaged()
		m.manager("m", pick("s1", "mg:corp"))
		m.group("m/g", "a")
		member := pick("a/app", "b")
		m.group("m/h", member)
		rule := func(name string) string {
			return strings.Join([]string{
				name, pick("5", "6", "7"), pick("Inbound", "Outbound"), pick("Allow", "AlwaysAllow", "Deny"), pick("Tcp", "Any"),
				pick("*", "group:m/g", "10.1.0.0/16", "-"), pick("*", "Internet", "-"), pick("80", "22-81", "-"),
			}, " ")
		}
		m.config("m/c", pick("None", "All"), "rc m/g: "+rule("r1")+" | "+rule("r2"), "rd m/h: "+rule("r3"))
		rows := []string{"a m/g " + pick("m/h", ""), "b " + pick("m/h", "m/x")}
		if member == "b" {
			rows[1] = "b m/h"
		} else {
			rows = append(rows, "a/subnets/app m/h")
		}
		m.memberships(rows...)
		if rng.IntN(2) == 0 {
			m.vnet("a", "10.1", "westeurope", "app", "db=Microsoft.Databricks/workspaces")
			m.files["nics.json"] = strings.Join(slices.Compact(strings.Split(m.files["nics.json"], "\n")), "\n")
		}
		m.everywhere("m/c")
		full, _ := m.load(t)
		for _, file := range []string{"memberships.json", "managers.json", "configs.json", "groups.json", "a/vnet.json"} {
			text := m.files[file]
			docs := strings.Split(strings.TrimSpace(text), "\n")
			i := rng.IntN(len(docs))
			if strings.Contains(docs[i], "/rules/r1") || strings.Contains(docs[i], "/rules/r2") {
				continue // of several rules nothing tells that one is missing
			}
			m.files[file] = strings.Join(slices.Delete(docs, i, i+1), "\n")
			less, _ := m.load(t)
			m.files[file] = text
			h, c := stillHolds(t, file, less, full)
			hidden, certain = hidden+h, certain+c
		}
	}
	if certain == 0 || hidden == certain {
		t.Errorf("%d questions, %d certain", hidden, certain)
	}
	t.Logf("%d questions, %d certain", hidden, certain)
}

func stillHolds(t *testing.T, file string, less, full *network.Network) (asked, certain int) {
	t.Helper()
	ix, err := index.Compile(t.Context(), less, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, nic := range []string{"a-app", "a-db", "b-app"} {
		for _, what := range []string{"In Tcp 8.8.8.8 80", "In Tcp 10.1.7.7 22", "Out Tcp 8.8.8.8 80", "Out Udp 10.2.0.4 443", "In Tcp 10.1.7.7 443"} {
			c, tuple := adminQuestion(t, less, nic+" "+what)
			before := oracle.New(less).Classify(c, tuple)
			if got := ix.Classify(c, tuple); got != before {
				t.Fatalf("%s %s\nindex  %+v\noracle %+v", nic, what, got, before)
			}
			asked++
			if before.Access == flow.Unknown {
				continue
			}
			certain++
			c, _ = adminQuestion(t, full, nic+" "+what)
			if after := oracle.New(full).Classify(c, tuple); after.Access != before.Access {
				t.Errorf("part of %s hidden: %s %s is %s (%s), with it %s", file, nic, what, before.Access, before.Reason, after.Access)
			}
		}
	}
	return asked, certain
}
