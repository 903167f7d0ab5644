package azure

import "testing"

func TestWatchersAndFlowLogs(t *testing.T) {
	const id = "/subscriptions/s/resourceGroups/NetworkWatcherRG/providers/Microsoft.Network/networkWatchers/w"
	head := func(name string) string {
		return `"name":"` + name + `","id":"` + id + `/flowLogs/` + name + `","type":"Microsoft.Network/networkWatchers/flowLogs"`
	}
	res := Decode(parse(t, "w.json", `[
		{"name":"w","id":"`+id+`","type":"Microsoft.Network/networkWatchers","location":"West US"},
		{`+head("cli")+`,"targetResourceId":"/nsgs/g","enabled":true,"retentionPolicy":{"days":120,"enabled":true}},
		{`+head("rest")+`,"properties":{"targetResourceId":"/vnets/v","enabled":false,"retentionPolicy":{"days":7,"enabled":false}}},
		{`+head("bad")+`,"properties":{"targetResourceId":"/vnets/v","enabled":true,"retentionPolicy":{"days":"soon","enabled":true}}}]`))
	n := res.Network
	if len(n.NetworkWatchers) != 1 || n.NetworkWatchers[0].Location != "West US" || len(n.FlowLogs) != 3 {
		t.Fatalf("%d watchers, %d flow logs", len(n.NetworkWatchers), len(n.FlowLogs))
	}
	for _, l := range n.FlowLogs {
		switch l.Name {
		case "cli":
			if !l.Enabled || l.RetentionDays != 120 || l.TargetID != "/nsgs/g" || len(l.Facts) > 0 {
				t.Errorf("%+v", *l)
			}
		case "rest": // a policy that is off keeps for ever
			if l.Enabled || l.RetentionDays != 0 || l.TargetID != "/vnets/v" {
				t.Errorf("%+v", *l)
			}
		case "bad":
			if len(l.Facts) != 1 {
				t.Errorf("%+v", *l)
			}
		}
	}
	if len(res.Diagnostics) != 1 || res.Diagnostics[0].Code != "bad-retention" {
		t.Errorf("%v", res.Diagnostics)
	}
}
