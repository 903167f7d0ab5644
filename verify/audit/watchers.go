package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ipflow/ingest/network"
)

// minRetention is how many days the benchmark wants flow logs kept.
const minRetention = 90

// flowLogs judges whether flows at every NIC are logged long enough. What the
// snapshot does not show may exist all the same: flow logs are exported region by
// region.
func (a *auditor) flowLogs() Control {
	c := Control{ID: "6.5", Title: "Flow logs are kept for 90 days or more", Findings: []string{}}
	if len(a.net.FlowLogs) == 0 {
		c.Status, c.Reason = Undecided, "The snapshot holds no flow log; export them region by region (az network watcher flow-log list --location REGION)."
		return c
	}
	var short, open []string
	good := map[string]bool{}
	for _, l := range a.net.FlowLogs {
		switch {
		case len(l.Facts) > 0:
			open = append(open, l.Name)
		case l.Enabled && (l.RetentionDays == 0 || l.RetentionDays >= minRetention):
			good[network.Key(l.TargetID)] = true
		default:
			short = append(short, l.Name)
		}
	}
	bare := 0
	for _, x := range a.net.NICs {
		if !slices.ContainsFunc(logged(a.net, x), func(id string) bool { return id != "" && good[network.Key(id)] }) {
			bare++
		}
	}
	switch {
	case len(short) > 0:
		c.Status, c.Reason = Fail, fmt.Sprintf("Off, or kept for fewer than %d days: %s.", minRetention, few(short, 5))
	case len(open) > 0:
		c.Status, c.Reason = Undecided, fmt.Sprintf("State or retention is not known: %s.", few(open, 5))
	case bare > 0:
		c.Status, c.Reason = Undecided, fmt.Sprintf("No flow log of the snapshot covers %s; one may exist in a region that was not exported.", count(bare, "NIC"))
	default:
		c.Status, c.Reason = Pass, fmt.Sprintf("%s cover every NIC, kept for %d days or more (0 days is for ever).", count(len(a.net.FlowLogs), "flow log"), minRetention)
	}
	return c
}

// logged are the resources whose flow log records the NIC's flows.
func logged(n *network.Network, c *network.NIC) []string {
	return []string{c.Group.ID, n.SubnetGroup(c).ID, c.ID, c.SubnetID, network.ParentID(c.SubnetID)}
}

// watchers judges whether a Network Watcher is there for every region in use.
func (a *auditor) watchers() Control {
	c := Control{ID: "6.6", Title: "Network Watcher is enabled in the regions in use", Findings: []string{}}
	have, listed := map[string]bool{}, map[string]bool{}
	for _, w := range a.net.NetworkWatchers {
		listed[subscriptionOf(w.ID)] = true
		have[subscriptionOf(w.ID)+" "+region(w.Location)] = true
	}
	var missing, unknown []string
	for _, v := range a.net.VirtualNetworks {
		where := subscriptionOf(v.ID) + " " + region(v.Location)
		switch {
		case have[where] && v.Location != "":
		case listed[subscriptionOf(v.ID)] && v.Location != "":
			missing = append(missing, region(v.Location))
		default:
			unknown = append(unknown, cmp.Or(region(v.Location), "region of "+v.Name))
		}
	}
	missing, unknown = sortedSet(missing), sortedSet(unknown)
	switch {
	case len(a.net.VirtualNetworks) == 0:
		c.Status, c.Reason = NotApplicable, "The snapshot holds no virtual network."
	case len(missing) > 0:
		c.Status, c.Reason = Fail, fmt.Sprintf("No Network Watcher in %s, though the subscription's are in the snapshot.", few(missing, 5))
	case len(unknown) > 0:
		c.Status, c.Reason = Undecided, fmt.Sprintf("No Network Watcher of the snapshot is in %s; export them (az network watcher list).", few(unknown, 5))
	default:
		c.Status, c.Reason = Pass, "Every region with a virtual network has one."
	}
	return c
}

// region is a location in the form in which "West US" and "westus" are the same.
func region(location string) string { return strings.ReplaceAll(strings.ToLower(location), " ", "") }

// subscriptionOf returns the subscription of an id, "" when it names none.
func subscriptionOf(id string) string {
	parts := strings.Split(network.Key(id), "/")
	if len(parts) > 2 && parts[1] == "subscriptions" {
		return parts[2]
	}
	return ""
}
