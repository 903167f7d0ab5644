package diagnose

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ipflow/verify/internal/estate"
)

func TestParseRequest(t *testing.T) {
	got, err := ParseRequest("r.json", []byte("\ufeff"+`{
		// comments and any case are welcome
		"TargetResourceId": "vm1", "VERBOSITYLEVEL": "Full", "other": [1],
		"Profiles": [{"Direction": "Inbound", "protocol": 6, "SOURCE": "*", "destination": "10.0.0.4", "destinationPort": 80}],
	}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Request{"vm1", "Full", []Profile{{"Inbound", "6", "*", "10.0.0.4", "80"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseRequestFaults(t *testing.T) {
	many := `{"targetResourceId":"vm1","profiles":[` + strings.Repeat(`{},`, MaxProfiles) + `{}]}`
	for _, c := range []struct{ name, text, want string }{
		{"syntax", `{"targetResourceId": `, "r.json:1:"},
		{"no-object", `[]`, "r.json: a request is one JSON object"},
		{"nothing", ``, "r.json: a request is one JSON object"},
		{"two-documents", `{} {}`, "r.json: a request is one JSON object"},
		{"profiles-no-array", "{\n\"profiles\": 3}", "r.json:2:13: profiles: number is not an array of objects"},
		{"profile-no-object", `{"profiles": ["x"]}`, "profiles[0]: string is not an object"},
		{"text-no-string", `{"profiles": [{"source": ["*"]}]}`, "source: array is not a string"},
		{"too-many", many, "1001 profiles, at most 1000 are allowed"},
		{"too-deep", strings.Repeat(`{"a":`, 100000), "r.json:1:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ParseRequest("r.json", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// Whatever a request says, it is parsed, printed and asked without a panic, and
// printing does not change it.
func FuzzParseRequest(f *testing.F) {
	f.Add(`{"targetResourceId":"vm1","profiles":[{"direction":"Inbound","protocol":"TCP","source":"*","destination":"10.0.0.4","destinationPort":"80"}]}`)
	f.Add(`{"targetResourceId":"nic1","profiles":[{"direction":"Outbound","protocol":"*","source":"VirtualNetwork","destination":"Nobody","destinationPort":"80-90"}]}`)
	f.Add(`{"targetResourceId":"vm1","profiles":[{"direction":"Inbound","protocol":"58","source":"::/0","destination":"Internet","destinationPort":"*"}]}`)
	f.Add(`{"targetResourceId":"vm1","profiles":[{"direction":"Inbound","protocol":"1","source":"0.0.0.0/1","destination":"AzureLoadBalancer","destinationPort":"0"}]}`)
	n := estate.New(
		estate.Group("a", estate.Rule(f, 100, "tag In Deny Tcp Nobody,10.0.0.0/9 * 80"), estate.Rule(f, 100, "ping Out Allow Icmp * Internet 8")),
		estate.Group("b", estate.Rule(f, 100, "all In Allow * * VirtualNetwork 0-79,81-65535")),
	)
	estate.Linked(n)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRequest("r", []byte(text))
		if err != nil {
			return
		}
		printed, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseRequest("r", printed)
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		reprinted, err := json.Marshal(again)
		if err != nil || string(printed) != string(reprinted) {
			t.Fatalf("%s became %s, %v", printed, reprinted, err)
		}
		a, _, err := Ask(n, r)
		if err != nil {
			return
		}
		for _, result := range a.Results {
			if g := result.GroupResult; g.Access == "Unknown" && g.Reason == "" || len(g.Groups) == 0 {
				t.Fatalf("%+v", g)
			}
		}
	})
}
