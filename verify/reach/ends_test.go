package reach

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/internal/estate"
	"ipflow/verify/oracle"
)

func shop(t *testing.T) (*network.Network, *Prober) {
	t.Helper()
	n := estate.New(estate.Group("nsg", estate.Rule(t, 100, "web In Allow Tcp Internet 10.0.0.0/24 80,443")), nil)
	n.NICs = append(n.NICs, &network.NIC{
		ID: "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/nsg", Name: "nsg", SubnetID: estate.Subnet,
		IPConfigs: []network.IPConfig{{Name: "dynamic"}},
	})
	network.Link(n)
	ix, err := index.Compile(context.Background(), n, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return n, New(n, ix)
}

func TestResolve(t *testing.T) {
	n, _ := shop(t)
	for text, nics := range map[string]int{
		"nic1": 1, "NIC:NIC1": 1, estate.NIC: 1, "vm1": 1, "vm:VM1": 1, "app": 2, "vnet/app": 2, "vnet": 2, "nsg:nsg": 2, "nic:nsg": 1,
		"subnet:" + estate.Subnet: 2,
	} {
		if e, err := Resolve(n, text); err != nil || len(e.Members) != nics || !e.IsNICs() || e.Text != text {
			t.Errorf("%s: %d NICs, want %d (%v)", text, len(e.Members), nics, err)
		}
	}
	for _, text := range []string{"*", "Internet", "tag:VirtualNetwork", "10.0.0.0/8", "10.0.0.4", "fd00::/8", "::1", "::ffff:10.0.0.0/104"} {
		if e, err := Resolve(n, text); err != nil || e.IsNICs() {
			t.Errorf("%s: %+v, %v", text, e, err)
		}
	}
	for text, want := range map[string]string{
		"nsg":       "not unique in the snapshot: write nic:/subscriptions/",
		"nobody":    "neither in the snapshot nor a tag",
		"asg:web":   "not in the snapshot; write nic:",
		"Storage":   "neither in the snapshot nor a tag of its tag file",
		"10.0.0/8":  "is no NIC",
		"":          "is no NIC",
		"ship:nic1": "not in the snapshot",
	} {
		if _, err := Resolve(n, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want …%s…", text, err, want)
		}
	}
}

// A NIC without a recorded address is answered for the addresses of its subnet.
func TestUnrecordedAddress(t *testing.T) {
	n, p := shop(t)
	to, err := Resolve(n, "nic:nsg")
	if err != nil {
		t.Fatal(err)
	}
	from, err := Resolve(n, "8.8.8.8")
	if err != nil {
		t.Fatal(err)
	}
	answer := p.Ask(Question{From: from, To: to, Only: []flow.Access{flow.Allow}})
	report := p.Report(answer)
	if len(report.Sets) != 1 || len(report.Sets[0].Boxes) != 1 || len(answer.Notes) != 1 || !strings.Contains(answer.Notes[0], "not recorded") {
		t.Fatalf("%+v %v", report, answer.Notes)
	}
	b := report.Sets[0].Boxes[0]
	if !cmp.Equal(b.Local, []string{"10.0.0.0/24"}) || !cmp.Equal(b.LocalPorts, []string{"80", "443"}) || b.Protocol != "Tcp" {
		t.Errorf("%+v", b)
	}
	checkWitness(t, oracle.New(n), &answer.Sets[0])
}

// The answer itself, read back as what is expected, leaves nothing over.
func TestExpectedFlows(t *testing.T) {
	n, p := shop(t)
	to, err := Resolve(n, "nic1")
	if err != nil {
		t.Fatal(err)
	}
	q := Question{From: Anything, To: to, Only: []flow.Access{flow.Allow}}
	report := p.Report(p.Ask(q))
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text string
		sets int
	}{
		"itself":         {string(text), 0},
		"nothing":        {`[]`, 1},
		"denied-only":    {strings.ReplaceAll(string(text), `"Allow"`, `"Deny"`), 1},
		"other-nic":      {strings.ReplaceAll(string(text), "nic1", "nic2"), 1},
		"other-way":      {strings.ReplaceAll(string(text), "Inbound", "Outbound"), 1},
		"everything":     {`[{}]`, 0},
		"tcp":            {`[{"protocol":"Tcp"}]`, 1},
		"every-prefix":   {"# all\n0.0.0.0/1\n128.0.0.0/1 # upper\n", 0},
		"a-prefix":       {"10.0.0.0/8", 1},
		"a-comment-only": {"# nothing is expected\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			q := q
			var err error
			if q.Expected, err = ParseExpected("expected", []byte(c.text)); err != nil {
				t.Fatal(err)
			}
			answer := p.Ask(q)
			if len(answer.Sets) != c.sets {
				t.Errorf("%d sets, want %d: %+v", len(answer.Sets), c.sets, p.Report(answer))
			}
			for i := range answer.Sets {
				checkWitness(t, oracle.New(n), &answer.Sets[i])
			}
		})
	}
	for text, want := range map[string]string{
		"{\n\"sets\":[{\"box\":1}]}":          "e:2: expected flows: json: unknown field",
		"{\"sets\":[\n}":                      "e:2: expected flows: invalid character",
		`[{"remote":["10.0.0.0/33"]}]`:        "e: box 1: \"10.0.0.0/33\" is not a prefix",
		`[{"remote":[]}]`:                     "e: box 1: an empty list",
		`[{"protocol":"tpc"}]`:                "e: box 1: \"tpc\" is not a protocol",
		`{"sets":[{"direction":"Sideways"}]}`: "e: set 1: direction",
		`{"sets":[{"access":"Perhaps"}]}`:     "e: set 1: access",
		"10.0.0.0/8\n\nnic1":                  "e:3: \"nic1\" is not a prefix",
		`[] []`:                               "e:1: expected flows: more than one",
		`[{"localPorts":["22-21"]}]`:          "e: box 1: \"22-21\" is not a port",
	} {
		if _, err := ParseExpected("e", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s…", text, err, want)
		}
	}
}

func FuzzParseExpected(f *testing.F) {
	f.Add([]byte(`{"sets":[{"nics":["a"],"direction":"Inbound","boxes":[{"protocol":"Tcp","local":["10.0.0.4/32"],"localPorts":["22"],"remote":["::/0"],"remotePorts":["0-65535"],"rule":"r","layer":"Subnet"}]}]}`))
	f.Add([]byte("10.0.0.0/8\n# x\n"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = ParseExpected("expected", text)
	})
}
