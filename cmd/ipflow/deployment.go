package main

import (
	"strings"

	"github.com/spf13/pflag"

	"ipflow/ingest"
)

// deploymentFlags say what the ARM templates of a snapshot are evaluated with.
type deploymentFlags struct {
	parameters    []string
	set           []string
	subscription  string
	resourceGroup string
	location      string
}

func (d *deploymentFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&d.parameters, "parameters", nil, "ARM parameter file for the templates of the snapshot (repeatable; the last counts first)")
	f.StringArrayVar(&d.set, "set", nil, "parameter of the templates: NAME=VALUE, VALUE as JSON or text (repeatable)")
	f.StringVar(&d.subscription, "subscription", ingest.DefaultSubscription, "id of the subscription that templates are deployed to")
	f.StringVar(&d.resourceGroup, "resource-group", ingest.DefaultResourceGroup, "resource group that templates are deployed to")
	f.StringVar(&d.location, "location", ingest.DefaultLocation, "region that templates are deployed to")
}

func (d *deploymentFlags) deployment() (ingest.Deployment, error) {
	out := ingest.Deployment{
		Parameters: d.parameters, Set: map[string]string{},
		SubscriptionID: d.subscription, ResourceGroup: d.resourceGroup, Location: d.location,
	}
	for _, text := range d.set {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return out, usagef("--set takes NAME=VALUE, not %q", text)
		}
		out.Set[name] = value
	}
	return out, nil
}
