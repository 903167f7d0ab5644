package main

import (
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify"
	"ipflow/verify/explain"
	"ipflow/verify/oracle"
)

type checkFlags struct {
	vm, nic, direction, protocol, local, remote string
	frontend                                    string
	from, to                                    string
	strict                                      bool
	failOn                                      failOn
}

func (a *app) checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:     "check",
		Aliases: []string{"test-ip-flow"},
		Short:   "Ask about one flow, as 'az network watcher test-ip-flow'",
		Long: `Ask whether one flow may pass a NIC, and which rule says so. --local is the NIC's
end, --remote the other one; the source port may be left out or *.

Without --vm and --nic it is the NIC that owns the local address.

With --from and --to the flow is asked at both of its ends, outbound at the source
and inbound at the destination, as far as they are in the snapshot; one answer
comes of both.`,
		Example: `  ipflow check -s export/ --vm web --direction Inbound --protocol TCP --local 10.0.0.4:443 --remote 203.0.113.9:50000
  ipflow check -s export/ --nic web-nic --direction Outbound --protocol UDP --local 10.0.0.4 --remote 8.8.8.8:53 -o text
  ipflow check -s export/ --direction Inbound --protocol TCP --local '[fd00::4]:22' --remote '[2001:db8::9]:50000'
  ipflow check -s export/ --from web --to db:5432 --protocol TCP -o text`,
		Args: noArgs,
	}
	fs := cmd.Flags()
	a.addSnapshotFlags(fs)
	fs.StringVar(&f.vm, "vm", "", "virtual machine, by name or id")
	fs.StringVar(&f.nic, "nic", "", "network interface, by name or id")
	fs.StringVar(&f.direction, "direction", "", "Inbound or Outbound")
	fs.StringVar(&f.protocol, "protocol", "", "TCP, UDP, ICMP, ESP, AH or a number 0-255")
	fs.StringVar(&f.local, "local", "", "IP[:PORT] of the NIC's end; [IPV6]:PORT for IPv6")
	fs.StringVar(&f.remote, "remote", "", "IP[:PORT] of the other end")
	fs.BoolVar(&f.strict, "strict", false, "refuse what Azure's own API refuses: other protocols than TCP and UDP, IPv6, foreign local addresses")
	f.addFrontend(fs)
	f.addEnds(fs)
	f.failOn.add(fs)
	output := outputFlag(fs, "json", "text")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(*output, "json", "text"); err != nil {
			return err
		}
		if err := f.failOn.validate(); err != nil {
			return err
		}
		if f.from != "" || f.to != "" {
			return a.checkEnds(cmd.Context(), &f, *output)
		}
		if f.frontend != "" {
			return a.checkFrontend(cmd.Context(), &f, *output)
		}
		t, err := f.tuple()
		if err != nil {
			return err
		}
		s, err := a.load(cmd.Context(), 0)
		if err != nil {
			return err
		}
		a.talk.diagnostics(s.Diagnostics)
		return a.check(s.Network, &f, t, *output)
	}
	return cmd
}

// tuple reads the question and refuses what cannot be asked.
func (f *checkFlags) tuple() (flow.Tuple, error) {
	var t flow.Tuple
	var ok bool
	if t.Direction, ok = flow.ParseDirection(f.direction); !ok {
		return t, usagef("--direction takes Inbound or Outbound, not %q", f.direction)
	}
	if t.Protocol, ok = flow.ParseProtocol(f.protocol); !ok {
		return t, usagef("--protocol takes TCP, UDP, ICMP, ESP, AH or a number 0-255, not %q", f.protocol)
	}
	local, err := parseEndpoint("local", f.local)
	if err != nil {
		return t, err
	}
	remote, err := parseEndpoint("remote", f.remote)
	if err != nil {
		return t, err
	}
	if f.strict {
		if !t.Protocol.HasPorts() {
			return t, usagef("--strict: IP flow verify takes TCP or UDP only, not %s; 'ipflow diagnose' asks about other protocols", t.Protocol)
		}
		if !local.addr.Is4() || !remote.addr.Is4() {
			return t, usagef("--strict: IP flow verify takes valid IPv4 addresses only; 'ipflow diagnose' asks about IPv6")
		}
	}
	if local.addr.Is4() != remote.addr.Is4() {
		return t, usagef("--local %s and --remote %s are of different address families", local.addr, remote.addr)
	}
	inbound := t.Direction == flow.Inbound
	var localOpen, remoteOpen bool
	if t.LocalPort, localOpen, err = local.portOf("local", !inbound, t.Protocol); err != nil {
		return t, err
	}
	if t.RemotePort, remoteOpen, err = remote.portOf("remote", inbound, t.Protocol); err != nil {
		return t, err
	}
	t.AnySourcePort = t.Protocol.HasPorts() && (inbound && remoteOpen || !inbound && localOpen)
	t.Local, t.Remote = flow.AddressFrom(local.addr), flow.AddressFrom(remote.addr)
	return t, nil
}

// checkAnswer is IP flow verify's answer and what ipflow adds to it.
type checkAnswer struct {
	Access   string   `json:"access"`
	RuleName string   `json:"ruleName,omitempty"`
	RuleID   string   `json:"ruleId"`
	Reason   string   `json:"reason,omitempty"`
	Notes    []string `json:"notes,omitempty"`
}

func (a *app) check(n *network.Network, f *checkFlags, t flow.Tuple, output string) error {
	local := t.Local.Netip()
	nic, fault := verify.Find(n, f.nic, f.vm, local)
	notes, err := f.accept(n, nic, fault, local)
	if err != nil {
		return err
	}
	v := oracle.New(n).Classify(nic, t)
	notes = append(notes, explain.Notes(n, nic, t, v)...)
	if v.Reason == flow.ReasonNoNSG {
		a.talk.infof("no security group applies to %s; Azure's own API answers HTTP 400 NsgsNotAppliedOnNic here", nic.ID)
	}
	if output == "text" {
		if err := explain.Of(n, nic, t).Write(a.stdout, notes); err != nil {
			return err
		}
	} else if err := a.printJSON(answerOf(n, v, notes)); err != nil {
		return err
	}
	deny, unknown := int64(0), int64(0)
	switch v.Access {
	case flow.Deny:
		deny = 1
	case flow.Unknown:
		unknown = 1
	case flow.Allow:
	}
	return f.failOn.exit(deny, unknown, 0)
}

func answerOf(n *network.Network, v flow.Verdict, notes []string) checkAnswer {
	out := checkAnswer{Access: v.Access.String(), Reason: v.Reason, Notes: notes}
	if r := n.Rule(v.Rule); r != nil {
		out.RuleName = r.Spelling()
		if r.Kind != network.DefaultRule { // Azure answers "" for default rules
			out.RuleID = r.ID
		}
	}
	return out
}

// accept turns a fault of the look-up into an error that says how to ask
// instead, or into a note where the question can be answered all the same.
func (f *checkFlags) accept(n *network.Network, nic *network.NIC, fault verify.Fault, local netip.Addr) (notes []string, err error) {
	who := "the NIC that owns " + local.String()
	switch {
	case f.nic != "":
		who = "NIC " + f.nic
	case f.vm != "":
		who = "VM " + f.vm
	}
	switch fault {
	case verify.NoFault:
		return nil, nil
	case verify.LocalIPNotOnNIC:
		if nic == nil {
			return nil, usagef("%s is an address of none of the NICs of %s; name the NIC with --nic", local, who)
		}
		if f.strict {
			return nil, usagef("--strict: %s is no address of NIC %s, and IP forwarding is off there", local, nic.Name)
		}
		return []string{local.String() + " is no address of NIC " + nic.Name + " and IP forwarding is off there; answered by the rules alone"}, nil
	case verify.NICNotFound:
		hint := ""
		if near := nearest(n, f.nic, f.vm); near != "" {
			hint = "; did you mean " + near + "?"
		}
		if f.nic == "" && f.vm == "" {
			hint = "; name it with --nic or --vm"
		}
		return nil, usagef("%s is not in the snapshot%s", who, hint)
	case verify.NICAmbiguous:
		return nil, usagef("%s is not unique in the snapshot; give the full resource id", who)
	}
	panic("check: fault " + fault.String())
}

// nearest returns the name closest to a misspelt NIC or VM, "" when none is.
func nearest(n *network.Network, nic, vm string) string {
	name, best, limit := nic, "", 3
	var known []string
	if nic != "" {
		for _, c := range n.NICs {
			known = append(known, c.Name)
		}
	} else {
		name = vm
		for _, m := range n.VirtualMachines {
			known = append(known, m.Name)
		}
	}
	if strings.Contains(name, "/") {
		return ""
	}
	for _, k := range known {
		if d := diag.Distance(strings.ToLower(name), strings.ToLower(k)); d < limit {
			best, limit = k, d
		}
	}
	return best
}
