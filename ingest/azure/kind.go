package azure

import "strings"

// Kind is what a document is, in the word that inspect prints.
type Kind string

// The kinds of document.
const (
	AzureCLI            Kind = "azure-cli"            // flattened, camelCase
	REST                Kind = "rest"                 // with properties; a page or single objects
	ResourceGraph       Kind = "resource-graph"       // data: rows as objects
	ResourceGraphTable  Kind = "resource-graph-table" // data: columns and rows
	PowerShell          Kind = "powershell"           // flattened, PascalCase
	EffectiveRules      Kind = "effective-nsg"
	EffectiveRoutes     Kind = "effective-routes"
	EffectiveAdminRules Kind = "effective-admin-rules"
	ActiveAdminRules    Kind = "active-admin-rules"
	AdminDeployments    Kind = "admin-deployments"
	SecurityGroupView   Kind = "security-group-view"
	Connectivity        Kind = "effective-connectivity"
	ServiceTags         Kind = "service-tags"
	FlowLog             Kind = "flow-log"
	ARMTemplate         Kind = "arm-template"
	ARMParameters       Kind = "arm-parameters"
	Unrecognised        Kind = "unrecognised"
	Empty               Kind = "empty"
)

// Resource types that have a reader, as keys.
const (
	typeVNet           = "microsoft.network/virtualnetworks"
	typeSubnet         = "microsoft.network/virtualnetworks/subnets"
	typePeering        = "microsoft.network/virtualnetworks/virtualnetworkpeerings"
	typeNSG            = "microsoft.network/networksecuritygroups"
	typeRule           = "microsoft.network/networksecuritygroups/securityrules"
	typeDefaultRule    = "microsoft.network/networksecuritygroups/defaultsecurityrules"
	typeNIC            = "microsoft.network/networkinterfaces"
	typeScaleSetNIC    = "microsoft.compute/virtualmachinescalesets/virtualmachines/networkinterfaces"
	typeScaleSetOldNIC = "microsoft.compute/virtualmachinescalesets/networkinterfaces"
	typeVM             = "microsoft.compute/virtualmachines"
	typeScaleSetVM     = "microsoft.compute/virtualmachinescalesets/virtualmachines"
	typeASG            = "microsoft.network/applicationsecuritygroups"
	typeRouteTable     = "microsoft.network/routetables"
	typeRoute          = "microsoft.network/routetables/routes"
	typePublicIP       = "microsoft.network/publicipaddresses"
	typePE             = "microsoft.network/privateendpoints"
	typeGateway        = "microsoft.network/virtualnetworkgateways"
	typeLocalGateway   = "microsoft.network/localnetworkgateways"
	typeConnection     = "microsoft.network/connections"
	typeBalancer       = "microsoft.network/loadbalancers"
	typeConnectivity   = "microsoft.network/networkmanagers/connectivityconfigurations"
	typeScaleSet       = "microsoft.compute/virtualmachinescalesets"
	typeManager        = "microsoft.network/networkmanagers"
	typeEffectiveAdmin = "microsoft.network/effectivesecurityadminrules"

	typeNetworkGroup    = typeManager + "/networkgroups"
	typeStaticMember    = typeNetworkGroup + "/staticmembers"
	typeAdminConfig     = typeManager + "/securityadminconfigurations"
	typeAdminCollection = typeAdminConfig + "/rulecollections"
	typeAdminRule       = typeAdminCollection + "/rules"
	typeGoalState       = typeManager + "/securityadminregionalgoalstates"
	typeMembership      = "microsoft.network/networkgroupmemberships"
	typeAppGateway      = "microsoft.network/applicationgateways"
	typeWatcher         = "microsoft.network/networkwatchers"
	typeFlowLog         = typeWatcher + "/flowlogs"
	typeSubscription    = "microsoft.resources/subscriptions"
	typeManagementGroup = "microsoft.management/managementgroups"

	snapshots = "/snapshots" // behind a type: committed versions, in Resource Graph
)

// casing holds types whose Azure spelling differs from their key, because
// Resource Graph writes keys only.
var casing = func() map[string]string {
	m := map[string]string{}
	for _, t := range []string{
		"Microsoft.Network/virtualNetworks", "Microsoft.Network/virtualNetworks/subnets",
		"Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
		"Microsoft.Network/networkSecurityGroups", "Microsoft.Network/networkSecurityGroups/securityRules",
		"Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
		"Microsoft.Network/networkInterfaces", "Microsoft.Network/applicationSecurityGroups",
		"Microsoft.Network/routeTables", "Microsoft.Network/routeTables/routes",
		"Microsoft.Network/publicIPAddresses", "Microsoft.Network/publicIPPrefixes",
		"Microsoft.Network/privateEndpoints", "Microsoft.Network/privateLinkServices",
		"Microsoft.Network/virtualNetworkGateways", "Microsoft.Network/localNetworkGateways",
		"Microsoft.Network/connections", "Microsoft.Network/loadBalancers", "Microsoft.Network/natGateways",
		"Microsoft.Network/applicationGateways", "Microsoft.Network/azureFirewalls",
		"Microsoft.Network/firewallPolicies", "Microsoft.Network/bastionHosts", "Microsoft.Network/ipGroups",
		"Microsoft.Network/expressRouteCircuits", "Microsoft.Network/virtualWans", "Microsoft.Network/virtualHubs",
		"Microsoft.Network/networkWatchers", "Microsoft.Network/networkWatchers/flowLogs",
		"Microsoft.Network/privateDnsZones", "Microsoft.Network/dnsZones",
		"Microsoft.Network/serviceEndpointPolicies", "Microsoft.Network/ddosProtectionPlans",
		"Microsoft.Network/networkManagers", "Microsoft.Network/networkManagers/networkGroups",
		"Microsoft.Network/networkManagers/networkGroups/staticMembers",
		"Microsoft.Network/networkManagers/securityAdminConfigurations",
		"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections",
		"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules",
		"Microsoft.Network/networkManagers/connectivityConfigurations",
		"Microsoft.Network/networkGroupMemberships", "Microsoft.Network/effectiveSecurityAdminRules",
		"Microsoft.Compute/virtualMachines", "Microsoft.Compute/virtualMachineScaleSets",
		"Microsoft.Compute/virtualMachineScaleSets/virtualMachines",
		"Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces",
		"Microsoft.Compute/virtualMachineScaleSets/networkInterfaces",
		"Microsoft.Compute/virtualMachines/extensions", "Microsoft.Compute/disks", "Microsoft.Compute/availabilitySets",
		"Microsoft.Storage/storageAccounts", "Microsoft.Resources/resourceGroups", "Microsoft.Resources/deployments",
	} {
		m[strings.ToLower(t)] = t
	}
	return m
}()

// azureCasing spells a resource type as Azure's documentation does, or as it is.
func azureCasing(written string) string {
	if t := casing[strings.ToLower(written)]; t != "" {
		return t
	}
	return written
}
