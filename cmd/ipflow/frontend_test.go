package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const balanced = "testdata/frontend/balanced.json"

// via asks about a frontend of the fixture and returns what came out. Edits are
// pairs of old and new text.
func via(t *testing.T, code int, args []string, edits ...string) (out frontendAnswer, stdout, stderr string) {
	t.Helper()
	text, err := os.ReadFile(filepath.FromSlash(balanced))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(string(text), edits[i]) {
			t.Fatalf("the fixture does not hold %s", edits[i])
		}
		text = []byte(strings.ReplaceAll(string(text), edits[i], edits[i+1]))
	}
	path := filepath.Join(t.TempDir(), "balanced.json")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	got := run(context.Background(), append([]string{"check", "-s", path}, args...), strings.NewReader(""), &o, &e)
	if got != code {
		t.Fatalf("exit %d, not %d\n%s%s", got, code, o.String(), e.String())
	}
	if code == exitDone && !strings.Contains(strings.Join(args, " "), "text") {
		if err := json.Unmarshal(o.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
	}
	return out, o.String(), e.String()
}

// short renders the backends as "NIC LOCAL ACCESS RULE REASON".
func short(a frontendAnswer) (out []string) {
	for _, b := range a.Backends {
		words := []string{b.NIC[strings.LastIndexByte(b.NIC, '/')+1:], b.Local, b.Access, b.RuleName, b.Reason}
		out = append(out, strings.Join(slices.DeleteFunc(words, func(s string) bool { return s == "" }), " "))
	}
	return out
}

func TestViaFrontend(t *testing.T) {
	ask := func(front string) []string {
		return []string{"--via-frontend", front, "--protocol", "TCP", "--remote", "203.0.113.9:50000"}
	}
	for _, c := range []struct {
		name, front string
		edits       []string
		want        []string
	}{
		// 59 [D]: rule 80→8080, the security group allows 80 only: the packet is
		// judged at the backend's address and port.
		{"vector-59", "198.51.100.7:80", nil, []string{
			"web-1 10.0.0.4:8080 Deny defaultSecurityRules/DenyAllInBound", "web-2 10.0.0.5:8080 Deny defaultSecurityRules/DenyAllInBound",
		}},
		// 60 [O]: with floating IP a rule for the backend's private address does
		// not match; one for the frontend address does.
		{"vector-60", "198.51.100.7:443", nil, []string{
			"web-1 198.51.100.7:443 Deny defaultSecurityRules/DenyAllInBound", "web-2 198.51.100.7:443 Deny defaultSecurityRules/DenyAllInBound",
		}},
		{"vector-60-frontend-named", "198.51.100.7:443", []string{`"destinationAddressPrefix": "10.0.0.0/24"`, `"destinationAddressPrefix": "198.51.100.7"`}, []string{
			"web-1 198.51.100.7:443 Allow securityRules/backends-443", "web-2 198.51.100.7:443 Allow securityRules/backends-443",
		}},
		{"without-floating-ip", "198.51.100.7:443", []string{`"enableFloatingIP": true`, `"enableFloatingIP": false`}, []string{
			"web-1 10.0.0.4:443 Allow securityRules/backends-443", "web-2 10.0.0.5:443 Allow securityRules/backends-443",
		}},
		{"floating-ip-to-another-port", "198.51.100.7:443", []string{`"backendPort": 443`, `"backendPort": 444`}, []string{
			"web-1 198.51.100.7:444 Unknown floating-port:" + lbID("loadBalancingRules/https"), "web-2 198.51.100.7:444 Unknown floating-port:" + lbID("loadBalancingRules/https"),
		}},
		{"nat-rule", "198.51.100.7:50001", nil, []string{"web-1 10.0.0.4:22 Allow securityRules/ssh"}},
		{"nat-range-of-a-pool", "198.51.100.7:2201", nil, []string{"web-2 10.0.0.5:22 Allow securityRules/ssh"}},
		{"nat-range-without-a-mapping", "198.51.100.7:2203", nil, []string{
			"web-1 10.0.0.4:22 Allow securityRules/ssh", "web-2 10.0.0.5:22 Allow securityRules/ssh",
		}},
		{"pool-by-address", "198.51.100.7:9000", nil, []string{
			"web-1 10.0.0.4:80 Allow securityRules/http", "10.0.0.77 Unknown missing-nic:10.0.0.77",
		}},
		{"all-ports-of-an-internal-frontend", "10.0.0.100:80", nil, []string{"web-2 10.0.0.5:80 Allow securityRules/http"}},
		{"public-ip-of-a-nic", "198.51.100.9:22", nil, []string{"web-2 10.0.0.5:22 Allow securityRules/ssh"}},
		{"no-rule-for-the-port", "198.51.100.7:81", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _, _ := via(t, exitDone, ask(c.front), c.edits...)
			if got.Frontend != c.front {
				t.Errorf("frontend %s", got.Frontend)
			}
			if d := cmp.Diff(c.want, short(got)); d != "" {
				t.Error(d)
			}
		})
	}
	t.Run("a-port-nobody-serves-is-noted", func(t *testing.T) {
		got, _, _ := via(t, exitDone, ask("198.51.100.7:81"))
		if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "port 81") {
			t.Error(got.Notes)
		}
	})
	t.Run("unresolved-rule", func(t *testing.T) {
		got, _, _ := via(t, exitDone, ask("198.51.100.7:80"), `"frontendPort": 80,`, `"frontendPort": "eighty",`)
		if got.Reason == "" || len(got.Backends) != 0 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("standard-balancer-without-group", func(t *testing.T) {
		got, _, _ := via(t, exitDone, ask("198.51.100.7:80"), `"networkSecurityGroup": {"id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/web"},`, "")
		if len(got.Backends) != 2 || got.Backends[0].Reason != "no-nsg" || !strings.Contains(strings.Join(got.Backends[0].Notes, "\n"), "load balancer lb is of SKU Standard") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("text", func(t *testing.T) {
		_, out, _ := via(t, exitDone, append(ask("198.51.100.7:443"), "-o", "text"))
		for _, part := range []string{"backend 1 of 2", "networkInterfaces/web-1", "Deny by defaultSecurityRules/DenyAllInBound", "floating IP: the destination stays 198.51.100.7"} {
			if !strings.Contains(out, part) {
				t.Errorf("no %q in\n%s", part, out)
			}
		}
	})
	for _, c := range []struct{ name, args, want string }{
		{"no-frontend", "--via-frontend 192.0.2.1:80 --protocol TCP --remote 203.0.113.9", "no frontend"},
		{"needs-a-port", "--via-frontend 198.51.100.7 --protocol TCP --remote 203.0.113.9", "needs a port"},
		{"outbound", "--via-frontend 198.51.100.7:80 --direction Outbound --protocol TCP --remote 203.0.113.9", "leave out --direction"},
		{"with-local", "--via-frontend 198.51.100.7:80 --local 10.0.0.4:80 --protocol TCP --remote 203.0.113.9", "leave out --local"},
		{"icmp", "--via-frontend 198.51.100.7:80 --protocol ICMP --remote 203.0.113.9", "TCP or UDP"},
		{"families", "--via-frontend 198.51.100.7:80 --protocol TCP --remote [2001:db8::1]:5", "different address families"},
	} {
		t.Run("refused-"+c.name, func(t *testing.T) {
			if _, _, stderr := via(t, exitUsage, strings.Fields(c.args)); !strings.Contains(stderr, c.want) {
				t.Error(stderr)
			}
		})
	}
}

func lbID(part string) string {
	return "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/loadBalancers/lb/" + part
}
