package corpus

import "fmt"

var (
	workloads    = [...]string{"web", "api", "sql", "cache", "batch", "build", "identity", "monitor", "payments", "orders", "search", "mail", "files", "desktop", "gateway", "analytics"}
	environments = [...]string{"prod", "test", "dev", "stage"}
	locations    = [...]string{"westeurope", "northeurope", "eastus2", "westus3"}
)

// vnetsPerSubscription spreads the estate over subscriptions as landing zones do.
const vnetsPerSubscription = 25

func (e *Estate) environment(v int) string { return environments[v%len(environments)] }
func (e *Estate) location(v int) string    { return locations[v/4%len(locations)] }

func (e *Estate) subscription(v int) string {
	return fmt.Sprintf("/subscriptions/c0ffee00-0000-4000-8000-%012x", v/vnetsPerSubscription)
}

// resourceGroup is the one of a virtual network and all that belongs to it.
func (e *Estate) resourceGroup(v int) string {
	name := "hub"
	if v > 0 {
		name = fmt.Sprintf("spoke-%03d", v)
	}
	return e.subscription(v) + "/resourceGroups/rg-" + name + "-" + e.environment(v)
}

func (e *Estate) networkID(v int, kind, name string) string {
	return e.resourceGroup(v) + "/providers/Microsoft.Network/" + kind + "/" + name
}

func (e *Estate) vnetID(v int) string {
	name := "hub"
	if v > 0 {
		name = fmt.Sprintf("spoke-%03d", v)
	}
	return e.networkID(v, "virtualNetworks", "vnet-"+name)
}

func (e *Estate) subnetID(i int) string {
	return fmt.Sprintf("%s/subnets/snet-%s-%03d", e.vnetID(e.vnetOfSubnet(i)), workloads[i%len(workloads)], i%e.perVNet)
}

func (e *Estate) tableID(v int) string { return e.networkID(v, "routeTables", "rt-to-hub") }

func (e *Estate) groupID(g int) string {
	return e.networkID(e.homeOf(g), "networkSecurityGroups", fmt.Sprintf("nsg-%s-%05d", workloads[g/e.vnets%len(workloads)], g))
}

func (e *Estate) asgID(a int) string {
	first := (a*e.o.NICs + e.o.ASGs - 1) / e.o.ASGs
	return e.networkID(e.vnetOfSubnet(e.subnetOfNIC(first)), "applicationSecurityGroups", fmt.Sprintf("asg-%s-%05d", workloads[a%len(workloads)], a))
}

func (e *Estate) nicVNet(i int) int { return e.vnetOfSubnet(e.subnetOfNIC(i)) }

func (e *Estate) nicID(i int) string {
	return e.networkID(e.nicVNet(i), "networkInterfaces", fmt.Sprintf("nic-%s-%06d", workloads[e.subnetOfNIC(i)%len(workloads)], i))
}

// vmID: one machine in ten has two NICs, where both stand in one subnet.
func (e *Estate) vmID(i int) string {
	if i%10 == 9 && e.subnetOfNIC(i) == e.subnetOfNIC(i-1) {
		i--
	}
	return fmt.Sprintf("%s/providers/Microsoft.Compute/virtualMachines/vm-%s-%06d", e.resourceGroup(e.nicVNet(i)), workloads[e.subnetOfNIC(i)%len(workloads)], i)
}
