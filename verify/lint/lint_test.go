package lint

import (
	"context"
	"slices"
	"strings"
	"testing"

	"ipflow/ingest/diag"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
)

func group(t *testing.T, rules ...string) *network.SecurityGroup {
	var list []*network.Rule
	for i, words := range rules {
		list = append(list, estate.Rule(t, int32(100*(i+1)), words))
	}
	return estate.Group("nsg", list...)
}

func run(t *testing.T, n *network.Network) *Report {
	t.Helper()
	r, err := Run(context.Background(), estate.Linked(n), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wordsOf writes findings as "kind rule < by, by" with ! for another action.
func wordsOf(r *Report) (out []string) {
	for _, f := range r.Findings {
		text := string(f.Kind)
		if f.Rule != nil {
			text += " " + f.Rule.Name
		}
		var by []string
		for _, b := range f.By {
			by = append(by, b.Name)
		}
		if len(by) > 0 {
			text += " < " + strings.Join(by, ", ")
		}
		if f.DifferentAction {
			text += " !"
		}
		out = append(out, text)
	}
	return out
}

func TestFindings(t *testing.T) {
	for name, c := range map[string]struct {
		rules []string
		want  []string
	}{
		"union-of-two": {
			[]string{"a Inbound Deny tcp 10.0.0.0/9 * *", "b Inbound Deny tcp 10.128.0.0/9 * *", "c Inbound Allow tcp 10.0.0.0/8 * 22"},
			[]string{"shadowed c < a, b !"},
		},
		"one-suffices": {
			[]string{"a Inbound Allow tcp 10.1.0.0/16 * 22", "b Inbound Allow * 10.0.0.0/8 * *", "c Inbound Allow tcp 10.1.2.0/24 * 22,80"},
			[]string{"shadowed c < b", "redundant a < b", "partially-shadowed b < a"},
		},
		"the-denying-one-is-named": {
			[]string{"a Inbound Deny tcp 192.0.2.1 * 22", "b Inbound Allow tcp 192.0.2.0/24 * *", "c Inbound Allow tcp 192.0.2.0/24 * 22"},
			[]string{"shadowed c < a, b !", "partially-shadowed b < a !"},
		},
		"duplicate-in-other-words": {
			[]string{"a Inbound Allow tcp 192.0.2.0/25,192.0.2.128/25 * 22,23", "b Inbound Allow TCP 192.0.2.0/24 * 22-23"},
			[]string{"duplicate b < a"},
		},
		"redundant-with-the-default": {
			[]string{"a Inbound Deny tcp 192.0.2.0/24 * 22"},
			[]string{"redundant a < DenyAllInBound"},
		},
		"a-deny-that-holds-back-an-allow": {
			[]string{"a Inbound Deny tcp 192.0.2.0/25 * 22", "b Inbound Allow tcp 192.0.2.0/24 * 22"},
			[]string{"partially-shadowed b < a !"},
		},
		"everything-but-the-catch-all": {
			[]string{"a Inbound Allow tcp 192.0.2.0/24 * 22", "z Inbound Deny * * * *"},
			nil,
		},
		"elsewhere": {
			[]string{"a Inbound Allow tcp 192.0.2.0/24 10.77.0.0/24 22"},
			[]string{"never-applies a"},
		},
		"nobody-in-the-group": {
			[]string{"a Inbound Allow tcp asg:/asgs/web * 22", "b Inbound Allow tcp * asg:/asgs/web 22"},
			[]string{"never-applies a", "never-applies b"},
		},
		"mixed-families": {
			[]string{"a Inbound Allow tcp 192.0.2.0/24,2001:db8::/32 * 22"},
			[]string{"malformed a"},
		},
		"unknown-tag": {
			[]string{"a Inbound Allow tcp Nobody * 22", "b Inbound Deny tcp Nobody * 22", "c Inbound Allow tcp Nobody * 22"},
			[]string{"duplicate c < a", "unknown-tag a", "unknown-tag b", "unknown-tag c"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, estate.New(group(t, c.rules...), nil))
			got := wordsOf(r)
			want := slices.Clone(c.want)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestUnattachedGroups(t *testing.T) {
	lonely := group(t, "a Inbound Deny tcp Internet * *", "b Inbound Allow tcp internet * 22", "c Inbound Allow tcp VirtualNetwork * 443",
		"d Inbound Allow tcp VirtualNetwork * 443-444", "e Inbound Allow tcp Nobody,Internet * 443", "f Inbound Allow tcp Internet * 80")
	n := estate.New(nil, nil)
	n.SecurityGroups = append(n.SecurityGroups, lonely)
	r := run(t, n)
	got := wordsOf(r)
	for _, want := range []string{"unattached", "shadowed b < a !", "shadowed f < a !", "redundant c < d", "partially-shadowed d < c", "partially-shadowed e < a !"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	if len(r.Deletions) > 0 {
		t.Errorf("deletions of a group that stands nowhere: %v", r.Deletions)
	}
}

// TestDeletionsAreProvenTogether: each of two rules that say the same is
// redundant, both are not.
func TestDeletionsAreProvenTogether(t *testing.T) {
	r := run(t, estate.New(group(t, "a Inbound Allow tcp 192.0.2.0/25 * 22", "b Inbound Allow tcp 192.0.2.0/24 * 22", "c Inbound Allow tcp 192.0.2.0/24 * 20-30",
		"d Inbound Allow tcp 192.0.2.0/24 * 22"), nil))
	var names []string
	for _, d := range r.Deletions {
		names = append(names, d.Name)
	}
	if want := []string{"a", "b", "d"}; !slices.Equal(names, want) {
		t.Errorf("deletions %v, not %v", names, want)
	}
}

func TestSeveritiesAndFaults(t *testing.T) {
	g := group(t, "a Inbound Allow tcp 192.0.2.0/24 * 22", "b Inbound Deny tcp 192.0.2.0/24 * 22")
	g.Rules[0].Priority, g.Rules[1].Priority = 4097, 4097
	empty := estate.Rule(t, 300, "c Inbound Allow tcp * * 22")
	empty.ID, empty.Source = g.ID+"/securityRules/c", nil
	g.Rules = append(g.Rules, empty)
	r := run(t, estate.New(g, nil))
	if len(r.Findings) == 0 || r.Findings[0].Severity() != diag.Error {
		t.Fatalf("findings %q", wordsOf(r))
	}
	text := ""
	for _, f := range r.Findings {
		text += f.Message + "\n"
	}
	for _, want := range []string{"outside 100-4096", "names no source", "which Azure refuses", "has the priority of rule b"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
	if !slices.IsSortedFunc(r.Findings, func(a, b Finding) int { return int(a.Severity()) - int(b.Severity()) }) {
		t.Errorf("findings are not sorted by severity: %q", wordsOf(r))
	}
}

// TestTheSubnetDecides: a finding holds for every subnet the group stands at.
func TestTheSubnetDecides(t *testing.T) {
	build := func(both bool) *network.Network {
		g := group(t, "a Inbound Allow tcp 10.0.0.0/16 10.0.0.0/15 22", "b Inbound Deny tcp VirtualNetwork 10.0.0.0/15 22", "c Inbound Allow tcp 10.0.0.0/15 10.0.0.0/15 23")
		n := estate.New(g, nil)
		if both {
			n.VirtualNetworks = append(n.VirtualNetworks, &network.VirtualNetwork{ID: "/vnets/other", Name: "other", Prefixes: estate.Prefixes("10.1.0.0/16")})
			n.Subnets = append(n.Subnets, &network.Subnet{
				ID: "/vnets/other/subnets/s", Name: "s", VirtualNetworkID: "/vnets/other",
				Prefixes: estate.Prefixes("10.1.0.0/24"), Group: network.GroupRef{ID: g.ID},
			})
		}
		return n
	}
	shadowed := func(n *network.Network) bool {
		return slices.ContainsFunc(run(t, n).Findings, func(f Finding) bool { return f.Kind == Shadowed && f.Rule.Name == "b" })
	}
	// The host's address is part of VirtualNetwork, so b is not all shadowed.
	if shadowed(build(false)) || shadowed(build(true)) {
		t.Error("b is said to be shadowed, but 168.63.129.16 reaches it")
	}
	part := func(n *network.Network) (message string) {
		for _, f := range run(t, n).Findings {
			if f.Kind == PartiallyShadowed && f.Rule.Name == "b" {
				message = f.Message
			}
		}
		return message
	}
	if got := part(build(false)); !strings.Contains(got, "from 168.63.129.16 ") {
		t.Errorf("left in one subnet: %s", got)
	}
}
