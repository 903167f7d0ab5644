package main

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/explain"
	"ipflow/verify/frontend"
	"ipflow/verify/oracle"
)

func (f *checkFlags) addFrontend(fs *pflag.FlagSet) {
	fs.StringVar(&f.frontend, "via-frontend", "", "IP:PORT of a load balancer's frontend or a public IP: ask at every backend it leads to (with --protocol, --remote)")
}

// frontendAnswer is one verdict for each backend that a frontend leads to.
type frontendAnswer struct {
	Frontend string          `json:"frontend"`
	Owners   []string        `json:"owners"` // load balancers and NICs that have the address
	Backends []backendAnswer `json:"backends"`
	Reason   string          `json:"reason,omitempty"` // facts on which there are other backends
	Notes    []string        `json:"notes,omitempty"`
}

// backendAnswer is check's answer at one backend.
type backendAnswer struct {
	NIC   string `json:"nic"`
	Local string `json:"local,omitempty"` // destination that the rules see
	Via   string `json:"via"`             // the rule or public IP that leads there
	checkAnswer
}

// frontendQuestion reads the flags; what check needs otherwise follows from the
// frontend.
func (f *checkFlags) frontendQuestion() (q frontend.Question, t flow.Tuple, err error) {
	for _, other := range []struct{ name, value string }{{"--local", f.local}, {"--nic", f.nic}, {"--vm", f.vm}} {
		if other.value != "" {
			return q, t, usagef("--via-frontend finds the backends itself; leave out %s", other.name)
		}
	}
	t.Direction = flow.Inbound
	if d, ok := flow.ParseDirection(f.direction); f.direction != "" && (!ok || d != flow.Inbound) {
		return q, t, usagef("--via-frontend asks about inbound flows; leave out --direction %s", f.direction)
	}
	var ok bool
	if t.Protocol, ok = flow.ParseProtocol(f.protocol); !ok || t.Protocol != flow.TCP && t.Protocol != flow.UDP {
		return q, t, usagef("--via-frontend takes --protocol TCP or UDP, not %q: load balancers forward nothing else", f.protocol)
	}
	front, err := parseEndpoint("via-frontend", f.frontend)
	if err != nil {
		return q, t, err
	}
	remote, err := parseEndpoint("remote", f.remote)
	if err != nil {
		return q, t, err
	}
	if front.addr.Is4() != remote.addr.Is4() {
		return q, t, usagef("--via-frontend %s and --remote %s are of different address families", front.addr, remote.addr)
	}
	q = frontend.Question{Address: front.addr, Protocol: t.Protocol}
	if q.Port, _, err = front.portOf("via-frontend", false, t.Protocol); err != nil {
		return q, t, err
	}
	if t.RemotePort, t.AnySourcePort, err = remote.portOf("remote", true, t.Protocol); err != nil {
		return q, t, err
	}
	t.Remote = flow.AddressFrom(remote.addr)
	return q, t, nil
}

func (a *app) checkFrontend(ctx context.Context, f *checkFlags, output string) error {
	q, t, err := f.frontendQuestion()
	if err != nil {
		return err
	}
	s, err := a.load(ctx, 0)
	if err != nil {
		return err
	}
	a.talk.diagnostics(s.Diagnostics)
	n := s.Network
	found := frontend.Resolve(n, q)
	if len(found.Owners) == 0 {
		return usagef("%s is no frontend of a load balancer and no public IP of a NIC in the snapshot; export load balancers and public IPs, or ask the backend itself with --local", q.Address)
	}
	out := frontendAnswer{Frontend: netip.AddrPortFrom(q.Address, q.Port).String(), Owners: found.Owners, Backends: []backendAnswer{}, Reason: strings.Join(found.Facts, ",")}
	if len(found.Backends) == 0 {
		out.Notes = append(out.Notes, t.Protocol.String()+" port "+out.Frontend[strings.LastIndexByte(out.Frontend, ':')+1:]+" of the frontend leads to no backend in the snapshot")
	}
	var deny, unknown int64
	for i := range found.Backends {
		v, one := askBackend(n, q, t, &found.Backends[i])
		out.Backends = append(out.Backends, one)
		switch v.Access {
		case flow.Deny:
			deny++
		case flow.Unknown:
			unknown++
		case flow.Allow:
		}
	}
	if len(found.Facts) > 0 {
		unknown++
	}
	if output == "text" {
		if err := a.writeFrontend(n, t, &out, found.Backends); err != nil {
			return err
		}
	} else if err := a.printJSON(out); err != nil {
		return err
	}
	return f.failOn.exit(deny, unknown, 0)
}

// askBackend asks at one backend. With floating IP the frontend is the local
// address, though no ip configuration has it.
func askBackend(n *network.Network, q frontend.Question, t flow.Tuple, b *frontend.Backend) (flow.Verdict, backendAnswer) {
	one := backendAnswer{NIC: b.NICID, Via: b.Via}
	if b.Local.IsValid() {
		one.Local = netip.AddrPortFrom(b.Local, b.Port).String()
	}
	if b.Fact != "" {
		v := flow.Verdict{Reason: b.Fact}
		one.checkAnswer = answerOf(n, v, b.Notes(q))
		return v, one
	}
	t.Local, t.LocalPort = flow.AddressFrom(b.Local), b.Port
	v := oracle.New(n).Classify(b.NIC, t)
	one.checkAnswer = answerOf(n, v, slices.Concat(b.Notes(q), explain.Notes(n, b.NIC, t, v)))
	return v, one
}

// writeFrontend prints each backend's answer with its explanation, names inert.
func (a *app) writeFrontend(n *network.Network, t flow.Tuple, out *frontendAnswer, backends []frontend.Backend) error {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(diag.Printable(fmt.Sprintf(format, args...)) + "\n")
	}
	line("%s %s of %s", t.Protocol, out.Frontend, strings.Join(out.Owners, ", "))
	for _, s := range out.Notes {
		line("%s", s)
	}
	if out.Reason != "" {
		line("possibly further backends: %s", out.Reason)
	}
	for i := range backends {
		k := &backends[i]
		line("")
		line("backend %d of %d: %s, by %s", i+1, len(backends), k.NICID, k.Via)
		if k.Fact != "" {
			line("Unknown")
			line("reason: %s", k.Fact)
			continue
		}
		t.Local, t.LocalPort = flow.AddressFrom(k.Local), k.Port
		if err := explain.Of(n, k.NIC, t).Write(&b, out.Backends[i].Notes); err != nil {
			return err
		}
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
}
