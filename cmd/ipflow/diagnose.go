package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"ipflow/ingest/diag"
	"ipflow/verify/diagnose"
)

type diagnoseFlags struct {
	request string
	target  string
	profile diagnose.Profile
}

func (a *app) diagnoseCommand() *cobra.Command {
	var f diagnoseFlags
	cmd := &cobra.Command{
		Use:   "diagnose",
		Short: "Show every rule that was evaluated, as NSG diagnostics",
		Long: `Answer as Azure's NSG diagnostics does: for each profile the evaluated security
groups in order, the matched rule of each, and for every rule up to it which of
its fields match. Addresses may be ranges or service tags; a rule's field
matches a range when it contains all of it.

The request is the API's JSON (targetResourceId, profiles), or one profile from
flags.`,
		Example: `  ipflow diagnose -s export/ --request request.json
  ipflow diagnose -s export/ --target web --direction Inbound --protocol TCP --source 203.0.113.0/24 --destination 10.0.0.4 --destination-port 443`,
		Args: noArgs,
	}
	fs := cmd.Flags()
	a.addSnapshotFlags(fs)
	fs.StringVar(&f.request, "request", "", "file with the API's request, - for stdin")
	fs.StringVar(&f.target, "target", "", "virtual machine or network interface, by name or id")
	fs.StringVar(&f.profile.Direction, "direction", "", "Inbound or Outbound")
	fs.StringVar(&f.profile.Protocol, "protocol", "*", "TCP, UDP, ICMP, ESP, AH, a number or *")
	fs.StringVar(&f.profile.Source, "source", "*", "IP, CIDR, service tag or *")
	fs.StringVar(&f.profile.Destination, "destination", "*", "IP, CIDR, service tag or *")
	fs.StringVar(&f.profile.DestinationPort, "destination-port", "*", "port, range or *")
	output := outputFlag(fs, "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(*output, "json"); err != nil {
			return err
		}
		request, err := a.diagnoseRequest(&f)
		if err != nil {
			return err
		}
		s, err := a.load(cmd.Context(), 0)
		if err != nil {
			return err
		}
		a.talk.diagnostics(s.Diagnostics)
		answer, notes, err := diagnose.Ask(s.Network, request)
		if err != nil {
			return usagef("%w", err)
		}
		for _, n := range notes {
			a.talk.infof("%s", diag.Printable(n))
		}
		return a.printJSON(answer)
	}
	return cmd
}

// diagnoseRequest takes the request from a file, stdin or the flags.
func (a *app) diagnoseRequest(f *diagnoseFlags) (diagnose.Request, error) {
	if f.request == "" {
		if f.target == "" {
			return diagnose.Request{}, usagef("name a request with --request FILE, or a NIC or VM with --target")
		}
		if f.profile.Direction == "" {
			return diagnose.Request{}, usagef("--direction is needed: Inbound or Outbound")
		}
		return diagnose.Request{TargetResourceID: f.target, Profiles: []diagnose.Profile{f.profile}}, nil
	}
	if f.target != "" {
		return diagnose.Request{}, usagef("--request and --target exclude each other")
	}
	name, in := f.request, a.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return diagnose.Request{}, inputError(fmt.Errorf("read request: %w", err))
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxRequest+1))
	if err != nil {
		return diagnose.Request{}, inputError(fmt.Errorf("read request: %w", err))
	}
	if len(data) > maxRequest {
		return diagnose.Request{}, inputError(fmt.Errorf("read request: %s is larger than %s", name, size(maxRequest)))
	}
	request, err := diagnose.ParseRequest(name, data)
	if err != nil {
		return request, inputError(fmt.Errorf("read request: %w", err))
	}
	return request, nil
}

// maxRequest bounds the request's size, in bytes.
const maxRequest = 16 << 20
