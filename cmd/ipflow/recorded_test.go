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

// TestRecordedAnswers replays the answers that Azure gave in public test
// recordings: check for IP flow verify, diagnose for NSG diagnostics, effective
// for effective security rules, and the behaviour CONTRACT describes where
// Azure answered an error.
func TestRecordedAnswers(t *testing.T) {
	root := os.Getenv("IPFLOW_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	root = filepath.Join(root, "data", "azure-recorded")
	cases, err := os.ReadDir(root)
	if err != nil {
		t.Skipf("no recorded answers: %v (set IPFLOW_SHARED)", err)
	}
	seen := 0
	for _, c := range cases {
		if !c.IsDir() {
			continue
		}
		seen++
		t.Run(c.Name(), func(t *testing.T) {
			r := recorded{dir: filepath.Join(root, c.Name())}
			switch {
			case strings.HasSuffix(c.Name(), "-ipflow"):
				r.ipflow(t)
			case strings.HasSuffix(c.Name(), "-nsgdiag"):
				r.diagnostics(t)
			case strings.HasSuffix(c.Name(), "-effnsg"):
				r.effective(t)
			case strings.HasSuffix(c.Name(), "-ipflow-err"):
				r.ipflowError(t)
			case strings.HasSuffix(c.Name(), "-effnsg-err"):
				r.effectiveError(t)
			default:
				t.Fatalf("no rule for this kind of case")
			}
		})
	}
	if seen < 10 {
		t.Errorf("only %d cases below %s", seen, root)
	}
}

type recorded struct{ dir string }

// read decodes a JSON file of the case.
func (r recorded) read(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// ipflow runs a command on the case's snapshot and decodes its answer.
func (r recorded) run(t *testing.T, into any, args ...string) (stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	args = append([]string{args[0], "-s", filepath.Join(r.dir, "snapshot")}, args[1:]...)
	if code := run(context.Background(), args, strings.NewReader(""), &out, &talk); code != 0 {
		t.Fatalf("%v exits %d: %s", args, code, talk.String())
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		t.Fatalf("%v: %v in %s", args, err, out.String())
	}
	return talk.String()
}

type flowQuery struct {
	TargetResourceID    string `json:"targetResourceId"`
	TargetNicResourceID string `json:"targetNicResourceId"`
	Direction           string `json:"direction"`
	Protocol            string `json:"protocol"`
	LocalIPAddress      string `json:"localIPAddress"`
	LocalPort           string `json:"localPort"`
	RemoteIPAddress     string `json:"remoteIPAddress"`
	RemotePort          string `json:"remotePort"`
}

func (r recorded) query(t *testing.T) []string {
	var q flowQuery
	name := "query.json"
	if _, err := os.Stat(filepath.Join(r.dir, "query.norm.json")); err == nil {
		name = "query.norm.json"
	}
	r.read(t, name, &q)
	args := []string{
		"check", "--vm", q.TargetResourceID, "--direction", q.Direction, "--protocol", q.Protocol,
		"--local", q.LocalIPAddress + ":" + q.LocalPort, "--remote", q.RemoteIPAddress + ":" + q.RemotePort,
	}
	if q.TargetNicResourceID != "" {
		args = append(args, "--nic", q.TargetNicResourceID)
	}
	return args
}

// ruleName folds the spellings of one rule (SEMANTICS: the normaliser).
func ruleName(s string) string {
	s = strings.ToLower(s)
	s = strings.ReplaceAll(s, "userrule_", "securityrules/")
	s = strings.ReplaceAll(s, "defaultrule_", "defaultsecurityrules/")
	s = strings.ReplaceAll(s, "defaultinbounddenyall", "denyallinbound")
	return strings.ReplaceAll(s, "defaultoutbounddenyall", "denyalloutbound")
}

func (r recorded) ipflow(t *testing.T) {
	var want struct {
		Access, RuleName string
		RuleID           *string `json:"ruleId"`
	}
	r.read(t, "answer.json", &want)
	var got checkAnswer
	r.run(t, &got, r.query(t)...)
	if got.Access != want.Access || ruleName(got.RuleName) != ruleName(want.RuleName) || got.Reason != "" {
		t.Errorf("got %+v, Azure answered %+v", got, want)
	}
	if want.RuleID != nil && !strings.EqualFold(got.RuleID, *want.RuleID) {
		t.Errorf("ruleId %q, Azure answered %q", got.RuleID, *want.RuleID)
	}
}

func (r recorded) ipflowError(t *testing.T) {
	var want struct{ Error struct{ Code string } }
	r.read(t, "answer.json", &want)
	if want.Error.Code != "NsgsNotAppliedOnNic" {
		t.Fatalf("no rule for Azure's error %s", want.Error.Code)
	}
	var got checkAnswer
	stderr := r.run(t, &got, r.query(t)...)
	if got.Access != "Allow" || got.RuleName != "" || got.Reason != "no-nsg" {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(stderr, want.Error.Code) {
		t.Errorf("stderr does not name %s: %s", want.Error.Code, stderr)
	}
}

func (r recorded) diagnostics(t *testing.T) {
	var want, got any
	r.read(t, "answer.json", &want)
	r.run(t, &got, "diagnose", "--request", filepath.Join(r.dir, "query.json"))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Azure's answer (-) and ours (+):\n%s", d)
	}
}

// effectiveAnswer is the part of an effective-rules answer that is compared.
type effectiveAnswer struct {
	Value []struct {
		NetworkSecurityGroup struct{ ID string }
		Association          struct{ NetworkInterface, Subnet struct{ ID string } }
		Rules                []effectiveRule     `json:"effectiveSecurityRules"`
		TagMap               map[string][]string `json:"tagMap"`
	}
}

type effectiveRule struct {
	Name, Protocol, Access, Direction                 string
	Priority                                          int
	SourcePortRange, DestinationPortRange             string
	SourcePortRanges, DestinationPortRanges           []string
	SourceAddressPrefix, DestinationAddressPrefix     string
	SourceAddressPrefixes, DestinationAddressPrefixes []string
	ExpandedSourceAddressPrefix                       []string
	ExpandedDestinationAddressPrefix                  []string
}

func (r recorded) effective(t *testing.T) {
	var want, got effectiveAnswer
	r.read(t, "answer.json", &want)
	nic := want.Value[0].Association.NetworkInterface.ID
	var meta struct{ NIC string }
	if nic == "" {
		r.read(t, "meta.json", &meta)
		nic = meta.NIC
	}
	r.run(t, &got, "effective", "--nic", nic)
	if len(got.Value) != len(want.Value) {
		t.Fatalf("%d groups, Azure answered %d", len(got.Value), len(want.Value))
	}
	for i := range want.Value {
		w, g := &want.Value[i], &got.Value[i]
		if !strings.EqualFold(w.NetworkSecurityGroup.ID, g.NetworkSecurityGroup.ID) {
			t.Errorf("group %d is %s, Azure answered %s", i, g.NetworkSecurityGroup.ID, w.NetworkSecurityGroup.ID)
		}
		settle(w.Rules)
		settle(g.Rules)
		if len(w.Rules) == len(g.Rules) {
			dropPlurals(w.Rules, g.Rules)
		}
		if d := cmp.Diff(w.Rules, g.Rules); d != "" {
			t.Errorf("group %d: Azure's rules (-) and ours (+):\n%s", i, d)
		}
		for _, tag := range []string{"VirtualNetwork"} {
			if d := cmp.Diff(w.TagMap[tag], g.TagMap[tag]); len(w.TagMap[tag]) > 0 && d != "" {
				t.Errorf("group %d, tag %s: Azure's (-) and ours (+):\n%s", i, tag, d)
			}
		}
	}
}

// dropPlurals: answers before 2018 have the singular fields only.
func dropPlurals(azure, ours []effectiveRule) {
	for i := range azure {
		if azure[i].SourcePortRanges == nil {
			ours[i].SourcePortRanges, ours[i].DestinationPortRanges = nil, nil
			ours[i].SourceAddressPrefixes, ours[i].DestinationAddressPrefixes = nil, nil
		}
	}
}

// settle folds what depends on the year of the recording, not on the snapshot:
// `*` is printed once or twice, AzureLoadBalancer had no IPv6 address before
// 2020, and the content of Internet is a dated list (checked in
// verify/effective against the list of its date).
func settle(rules []effectiveRule) {
	for i := range rules {
		r := &rules[i]
		for _, list := range []*[]string{&r.SourceAddressPrefixes, &r.DestinationAddressPrefixes} {
			*list = slices.Compact(*list)
		}
		for _, side := range []struct {
			tag      string
			expanded *[]string
		}{{r.SourceAddressPrefix, &r.ExpandedSourceAddressPrefix}, {r.DestinationAddressPrefix, &r.ExpandedDestinationAddressPrefix}} {
			switch side.tag {
			case "Internet":
				*side.expanded = nil
			case "AzureLoadBalancer":
				*side.expanded = slices.DeleteFunc(*side.expanded, func(p string) bool { return strings.Contains(p, ":") })
			}
		}
	}
}

func (r recorded) effectiveError(t *testing.T) {
	var want struct{ Error struct{ Code string } }
	r.read(t, "answer.json", &want)
	if want.Error.Code != "NicMustBeAttachedToRunningVmToGetEffectiveSecurityGroups" {
		t.Fatalf("no rule for Azure's error %s", want.Error.Code)
	}
	var nics struct{ Value []struct{ ID string } }
	r.read(t, filepath.Join("snapshot", "networkInterfaces.json"), &nics)
	var got effectiveAnswer
	stderr := r.run(t, &got, "effective", "--nic", nics.Value[0].ID)
	if !strings.Contains(stderr, want.Error.Code) {
		t.Errorf("stderr does not name Azure's error %s: %s", want.Error.Code, stderr)
	}
}
