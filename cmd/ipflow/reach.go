package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ipflow/index"
	"ipflow/ingest"
	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/report/rows"
	"ipflow/verify/reach"
	"ipflow/verify/space"
)

type reachFlags struct {
	from, to, direction, expect, outside string
	protocols, ports, only               []string
	quiet                                *bool
}

func (a *app) reachCommand() *cobra.Command {
	var f reachFlags
	cmd := &cobra.Command{
		Use:   "reach",
		Short: "Print the exact set of flows between two ends, by deciding rule",
		Long: `Print all flows between two ends, each set of NICs with the same answer once, as
few boxes (addresses × protocol × ports) as possible, with the deciding rule of
each and a flow for example.

An end is * (the default), Internet, another service tag, an address, a prefix,
or a NIC, VM, subnet, virtual network, NSG or ASG by name or id. A name that is
not unique is written nic:NAME, vm:, subnet:, vnet:, nsg:, asg: or tag:NAME.

When --to is made of NICs they are asked inbound, when --from is, outbound; when
both are, a flow is allowed if both ends allow it. --direction asks one end.

--expect none exits 1 when there is such a flow, and 4 when there may be one that
cannot be seen: because no NIC could be asked, because the snapshot may not show
all of an end, or because --only leaves out Unknown flows. So exit code 0 proves
that there is none. With it, and with --outside, flows that are denied do not
count, but those that are Unknown do. --outside leaves out the flows that are expected: those of a file (JSON
of this command, or a prefix a line) or those of an end.`,
		Example: `  ipflow reach -s export/ --to web-nic --only allow
  ipflow reach -s export/ --from Internet --to subnet:db --ports 22,3389 --expect none
  ipflow reach -s export/ --from asg:web --to asg:db --protocol TCP -o json
  ipflow reach -s export/ --to nsg:nsg-web --outside expected.json --expect none`,
		Args: noArgs,
	}
	fs := cmd.Flags()
	a.addSnapshotFlags(fs)
	fs.StringVar(&f.from, "from", "*", "the end that sends")
	fs.StringVar(&f.to, "to", "*", "the end that receives")
	fs.StringSliceVar(&f.protocols, "protocol", nil, "TCP, UDP, ICMP, ESP, AH, numbers, ranges of numbers or * (repeatable)")
	fs.StringSliceVar(&f.ports, "ports", nil, "destination ports of TCP and UDP: N or N-M (repeatable)")
	fs.StringVar(&f.direction, "direction", "", "ask one end only: Inbound those that receive, Outbound those that send")
	fs.StringSliceVar(&f.only, "only", nil, "allow, deny or unknown (repeatable)")
	fs.StringVar(&f.expect, "expect", "", "none: exit 1 when there is such a flow")
	fs.StringVar(&f.outside, "outside", "", "file with the expected flows, or an end: print what goes beyond")
	formats := []string{"text", "json", "csv", "parquet"}
	output := outputFlag(fs, formats...)
	f.quiet = progressFlag(fs)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(*output, formats...); err != nil {
			return err
		}
		q, err := f.question()
		if err != nil {
			return err
		}
		s, err := a.load(cmd.Context(), 0)
		if err != nil {
			return err
		}
		a.talk.diagnostics(s.Diagnostics)
		return a.reach(cmd.Context(), s, &f, q, *output)
	}
	return cmd
}

// question reads what does not need the snapshot.
func (f *reachFlags) question() (q reach.Question, err error) {
	if f.direction != "" {
		var ok bool
		if q.Direction, ok = flow.ParseDirection(f.direction); !ok {
			return q, usagef("--direction takes Inbound or Outbound, not %q", f.direction)
		}
	}
	if f.expect != "" && f.expect != "none" {
		return q, usagef("--expect takes none, not %q", f.expect)
	}
	if q.Protocols, err = space.ParseProtocols(strings.Join(f.protocols, ",")); err != nil {
		return q, usagef("--protocol: %w", err)
	}
	if len(f.ports) > 0 {
		if q.Ports, err = space.ParsePorts(f.ports); err != nil {
			return q, usagef("--ports: %w", err)
		}
	}
	for _, word := range f.only {
		access, ok := map[string]flow.Access{"allow": flow.Allow, "deny": flow.Deny, "unknown": flow.Unknown}[strings.ToLower(word)]
		if !ok {
			return q, usagef("--only takes allow, deny or unknown, not %q", word)
		}
		q.Only = append(q.Only, access)
	}
	if len(q.Only) == 0 && (f.expect != "" || f.outside != "") {
		q.Only = []flow.Access{flow.Allow, flow.Unknown}
	}
	return q, nil
}

func (a *app) reach(ctx context.Context, s *ingest.Snapshot, f *reachFlags, q reach.Question, output string) error {
	var err error
	if q.From, err = reach.Resolve(s.Network, f.from); err != nil {
		return usagef("--from: %w", err)
	}
	if q.To, err = reach.Resolve(s.Network, f.to); err != nil {
		return usagef("--to: %w", err)
	}
	steps, stop := a.followSteps(*f.quiet)
	defer stop()
	steps.begin("compiling rules")
	ix, err := index.Compile(ctx, s.Network, index.Options{FuseAfter: index.AtOnce})
	if err != nil {
		return err
	}
	p := reach.New(s.Network, ix)
	if f.outside != "" {
		if q.Expected, err = a.expected(p, s, f.outside); err != nil {
			return err
		}
	}
	shown := q.Only
	if f.expect == "none" && !slices.Contains(shown, flow.Unknown) {
		q.Only = append(slices.Clip(shown), flow.Unknown)
	}
	answer, err := p.AskContext(ctx, q, steps.begin("asking NICs"))
	if err != nil {
		return err
	}
	stop()
	for _, n := range answer.Notes {
		a.talk.infof("%s", diag.Printable(n))
	}
	for _, e := range []*reach.End{&q.From, &q.To} {
		if len(e.Doubts) > 0 {
			a.talk.infof("%s", diag.Printable(e.Text+" may hold more than the snapshot shows: "+fewFacts(e.Doubts)))
		}
	}
	undecided := 0
	answer.Sets = slices.DeleteFunc(answer.Sets, func(set reach.Set) bool {
		hidden := len(shown) > 0 && !slices.Contains(shown, set.Access)
		if hidden {
			undecided++
		}
		return hidden
	})
	report := p.Report(answer)
	switch output {
	case "json":
		err = a.printJSON(report)
	case "csv":
		err = rows.CSV(a.stdout, slices.Values(report.Rows()))
	case "parquet":
		err = rows.Parquet(a.stdout, slices.Values(report.Rows()), version, provenance(s)...)
	default:
		err = p.WriteText(a.stdout, answer)
	}
	if err != nil {
		return err
	}
	if f.expect != "none" {
		return nil
	}
	if len(answer.Sets) > 0 {
		return &exitError{exitFindings, usageless("expected none, but there is " + p.Example(answer))}
	}
	if why := unproven(s, &q, &answer, undecided > 0); why != "" {
		return &exitError{exitUndecided, usageless("expected none, and none is seen, but that is not proven: " + why)}
	}
	return nil
}

// unproven says why an empty answer does not prove that there is no such flow, ""
// when it does.
func unproven(s *ingest.Snapshot, q *reach.Question, answer *reach.Answer, undecided bool) string {
	var why []string
	if undecided {
		why = append(why, "--only leaves out flows that are Unknown, which may be allowed")
	}
	if answer.Nobody {
		why = append(why, "no NIC of the snapshot could be asked")
	}
	facts := slices.Concat(q.From.Doubts, q.To.Doubts)
	if !q.From.IsNICs() && !q.To.IsNICs() && s.Network.MembersFact != "" {
		facts = append(facts, s.Network.MembersFact)
	}
	slices.Sort(facts)
	if facts = slices.Compact(facts); len(facts) > 0 {
		why = append(why, "the ends may hold more than the snapshot shows ("+fewFacts(facts)+")")
	}
	return strings.Join(why, "; ")
}

// fewFacts joins facts, the first few of many.
func fewFacts(facts []string) string {
	const shown = 3
	if n := len(facts) - shown; n > 0 {
		facts = append(slices.Clip(facts[:shown]), fmt.Sprintf("%d more", n))
	}
	return strings.Join(facts, ", ")
}

// maxExpected bounds the file of expected flows.
const maxExpected = 64 << 20

// expected reads --outside: a file if there is one, else an end.
func (a *app) expected(p *reach.Prober, s *ingest.Snapshot, text string) (reach.Expected, error) {
	var r io.Reader
	if text == "-" {
		r = a.stdin
	} else {
		file, err := os.Open(text)
		if err != nil {
			end, fault := reach.Resolve(s.Network, text)
			if fault != nil {
				return nil, usagef("--outside: no file of this name, and %w", fault)
			}
			return p.ExpectEnd(end), nil
		}
		defer file.Close()
		r = file
	}
	content, err := io.ReadAll(io.LimitReader(r, maxExpected+1))
	if err != nil {
		return nil, inputError(err)
	}
	if len(content) > maxExpected {
		return nil, inputError(usageless("--outside: " + text + " is larger than 64 MiB"))
	}
	e, err := reach.ParseExpected(text, content)
	if err != nil {
		return nil, inputError(err)
	}
	return e, nil
}

// provenance says in a file where its content comes from.
func provenance(s *ingest.Snapshot) [][2]string {
	return [][2]string{
		{"ipflow.version", version},
		{"ipflow.snapshot.sha256", s.SHA256},
		{"ipflow.assumptions", s.Network.Assumptions.String()},
	}
}
