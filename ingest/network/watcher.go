package network

import "ipflow/ingest/diag"

// NetworkWatcher is Microsoft.Network/networkWatchers, one for a subscription and
// region.
type NetworkWatcher struct {
	ID, Name string
	Origin   diag.Origin
	Location string // as written, "" when not known
}

// FlowLog is Microsoft.Network/networkWatchers/flowLogs.
type FlowLog struct {
	ID, Name string
	Origin   diag.Origin
	TargetID string // security group, virtual network, subnet or NIC
	Enabled  bool
	// Retention in days; 0 keeps records for ever, as does a policy that is off.
	RetentionDays int
	Facts         []string // what could not be read
}
