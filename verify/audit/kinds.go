package audit

import (
	"ipflow/ingest/diag"
	"ipflow/verify/lint"
)

// The kinds of finding that are not kinds of lint.
const (
	kindAllPorts   = "exposed-all-ports"
	kindManagement = "exposed-management"
	kindDatabase   = "exposed-database"
	kindService    = "exposed-service"
	kindWeb        = "exposed-web"
	kindUDP        = "exposed-udp"
	kindNoNSG      = "no-nsg"
	kindUnknown    = "unknown-exposure"
)

// The categories of finding.
const (
	exposureCategory = "exposure"
	unknownCategory  = "unknown"
	ruleCategory     = "rule"
)

// Kinds describes all kinds of finding, in a fixed order.
func Kinds() []Kind {
	out := []Kind{
		{
			ID: kindAllPorts, Title: "All TCP ports open from the Internet", Severity: High,
			Help:   "A rule lets addresses of the Internet reach every TCP port of a NIC. Judged on both security groups and admin rules together.",
			Remedy: "Name the ports and the source prefixes that are needed, or deny the Internet above the rule.",
		},
		{
			ID: kindNoNSG, Title: "NIC without a security group", Severity: High,
			Help:   "Neither the NIC nor its subnet has a network security group and no admin rule matches: everything is let in that reaches it. Azure drops inbound traffic to a Standard public IP without a security group, but the group is what states the intent.",
			Remedy: "Associate a network security group with the subnet.",
		},
		{
			ID: kindManagement, Title: "Management port open from the Internet", Severity: High,
			Help:   "A rule lets addresses of the Internet reach a management service such as SSH or RDP. Open means a /16 of IPv4 addresses or a /32 of IPv6, or more; fewer addresses are reported as restricted, with low severity.",
			Remedy: "Reach management ports through Azure Bastion or a VPN, or narrow the source to known prefixes.",
		},
		{
			ID: kindDatabase, Title: "Database port open from the Internet", Severity: High,
			Help:   "A rule lets addresses of the Internet reach a database service. Open means a /16 of IPv4 addresses or a /32 of IPv6, or more.",
			Remedy: "Let only the application's subnet or security group in, or use a private endpoint.",
		},
		{
			ID: kindService, Title: "Listed service open from the Internet", Severity: High,
			Help:   "A rule lets addresses of the Internet reach a service of the list given with --services.",
			Remedy: "Narrow the source of the rule to the prefixes that are needed.",
		},
		{
			ID: kindUDP, Title: "UDP open from the Internet", Severity: Medium,
			Help:   "A rule lets a wide part of the Internet send UDP to a NIC. UDP services can be used to amplify attacks on others.",
			Remedy: "Narrow the source, or name the UDP ports that are meant to be public and dismiss the finding with the reason.",
		},
		{
			ID: kindWeb, Title: "HTTP or HTTPS open from the Internet", Severity: Low,
			Help:   "A rule lets a wide part of the Internet reach port 80 or 443. For a public web server this is meant: dismiss the finding in the baseline with the reason, which is the evaluation that the benchmark asks for.",
			Remedy: "Put the server behind a gateway with a web application firewall, or dismiss the finding with the reason and an owner.",
		},
		{
			ID: kindUnknown, Title: "Exposure is not known", Severity: Medium,
			Help:   "Whether the Internet reaches a listed service rests on a fact that the snapshot does not hold. It may be open.",
			Remedy: "Add the missing fact to the snapshot.",
		},
	}
	for _, k := range lint.Kinds() {
		out = append(out, ruleKind(k))
	}
	return out
}

func ruleKind(k lint.Kind) Kind {
	out := Kind{ID: string(k), Severity: Low}
	switch k {
	case lint.Malformed:
		out.Severity, out.Title = Medium, "Malformed rule"
		out.Help, out.Remedy = "Azure would refuse the rule, or nobody can read it; flows it may touch are Unknown.", "Mend the rule where it is written."
	case lint.Shadowed:
		out.Title = "Rule that earlier rules take everything from"
		out.Help, out.Remedy = "Earlier rules together match all that the rule matches. With another action the rule does not do what is written in it; that is of medium severity.", "Delete the rule, or move it above those that shadow it."
	case lint.NeverApplies:
		out.Title = "Rule that can never apply"
		out.Help, out.Remedy = "The rule can match nothing where its group stands.", "Delete the rule, or mend its own side."
	case lint.Duplicate:
		out.Title = "Rule that says the same as an earlier one"
		out.Help, out.Remedy = "An earlier rule says the same, perhaps in other words.", "Delete the rule."
	case lint.Redundant:
		out.Title = "Rule without which nothing changes"
		out.Help, out.Remedy = "Without the rule the group answers every packet with the same access.", "Delete the rule."
	case lint.UnknownTag:
		out.Title = "Rule on an unknown service tag"
		out.Help, out.Remedy = "No file of the snapshot says what the tag covers; flows that the rule may touch are Unknown.", "Add a service-tag file with --service-tags."
	case lint.Unattached:
		out.Title = "Security group that stands nowhere"
		out.Help, out.Remedy = "No subnet and no NIC of the snapshot is associated with the group.", "Delete the group, or associate it."
	case lint.PartiallyShadowed:
		out.Severity, out.Title = Info, "Rule that earlier rules take a part from"
		out.Help, out.Remedy = "Earlier rules match some of what the rule matches.", "See whether the part that is left is what was meant."
	default:
		panic("audit: kind " + string(k))
	}
	return out
}

// kindOf returns the description of a kind.
func kindOf(id string) Kind {
	for _, k := range Kinds() {
		if k.ID == id {
			return k
		}
	}
	panic("audit: kind " + id)
}

// lintSeverity ranks a finding of lint among the others.
func lintSeverity(f *lint.Finding) Severity {
	switch f.Severity() {
	case diag.Error:
		return Medium
	case diag.Warning:
		return Low
	case diag.Info:
	}
	return Info
}
