package corpus

import (
	"math"
	"net/netip"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/network"
)

// The shape of the tag file: as many tags as Azure's public file holds, a few
// very large ones and a long tail.
const (
	tagCount       = 3000
	cloud4, cloud6 = 8000, 3000
	store4, store6 = 4000, 1000
)

var middleTags = []struct {
	name     string
	prefixes int
}{
	{"Sql", 1500},
	{"AzureMonitor", 1200},
	{"AzureActiveDirectory", 900},
	{"AppService", 700},
	{"EventHub", 500},
	{"ServiceBus", 400},
	{"AzureKeyVault", 300},
	{"AzureContainerRegistry", 250},
	{"AzureCosmosDB", 200},
	{"AzureFrontDoor.Backend", 150},
}

var regions = strings.Fields(`australiacentral australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth brazilsoutheast
	canadacentral canadaeast centralindia centralus chilecentral denmarkeast eastasia eastus eastus2 finlandcentral francecentral francesouth
	germanynorth germanywestcentral indonesiacentral israelcentral italynorth japaneast japanwest koreacentral koreasouth malaysiawest
	mexicocentral newzealandnorth northcentralus northeurope norwayeast norwaywest polandcentral qatarcentral southafricanorth
	southafricawest southcentralus southeastasia southindia spaincentral swedencentral swedensouth switzerlandnorth switzerlandwest
	taiwannorth taiwannorthwest uaecentral uaenorth uksouth ukwest westcentralus westeurope westindia westus westus2 westus3 jioindiawest`)

var services = strings.Fields(`ActionGroup ApiManagement AppConfiguration AppServiceManagement AzureAdvancedThreatProtection AzureArcInfrastructure
	AzureBackup AzureBotService AzureCognitiveSearch AzureConnectors AzureDatabricks AzureDataExplorerManagement AzureDevOps
	AzureDigitalTwins AzureEventGrid AzureHealthcareAPIs AzureInformationProtection AzureIoTHub AzureLoadTestingInstanceManagement
	AzureMachineLearning AzureManagedGrafana AzureOpenDatasets AzurePortal AzureResourceManager AzureSecurityCenter AzureSentinel
	AzureSignalR AzureSiteRecovery AzureSphere AzureSpringCloud AzureStack AzureTrafficManager AzureUpdateDelivery AzureWebPubSub
	BatchNodeManagement ChaosStudio CognitiveServicesManagement DataFactory DataFactoryManagement Dynamics365BusinessCentral
	GatewayManager GuestAndHybridManagement HDInsight LogicApps LogicAppsManagement MicrosoftCloudAppSecurity MicrosoftContainerRegistry
	PowerBI PowerPlatformInfra PowerQueryOnline Scuba SerialConsole ServiceFabric SqlManagement StorageSyncService WindowsAdminCenter
	WindowsVirtualDesktop`)

// publicBlocks are ranges that Azure announces; tags and public operands lie in
// them.
var publicBlocks = parsePrefixes(`13.64.0.0/11 20.36.0.0/14 20.40.0.0/13 20.48.0.0/12 20.64.0.0/10 20.150.0.0/15 20.192.0.0/10
	23.96.0.0/13 40.64.0.0/10 51.104.0.0/15 51.120.0.0/16 51.140.0.0/14 52.136.0.0/13 52.152.0.0/13 52.160.0.0/11 52.224.0.0/11
	65.52.0.0/14 70.37.0.0/17 104.40.0.0/13 104.208.0.0/13 137.116.0.0/15 168.61.0.0/16`)

var publicBlock6 = netip.MustParsePrefix("2603:1000::/24")

func parsePrefixes(text string) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range strings.Fields(text) {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

// makeTags draws the service tags, the largest first; the tags without a rank
// of their own are a service, or a service in a region.
func makeTags(seed uint64) []*network.ServiceTag {
	s := newStream(seed, kindTag, 0)
	var tags []*network.ServiceTag
	add := func(name string, prefixes []netip.Prefix) {
		tags = append(tags, &network.ServiceTag{Name: name, Prefixes: prefixes})
	}
	regional := func(name string, n4, n6 int) {
		four, six := tagPrefixes(s, n4, 0), tagPrefixes(s, 0, n6)
		add(name, append(append([]netip.Prefix(nil), four...), six...))
		for i, region := range regions {
			slice := func(list []netip.Prefix) []netip.Prefix {
				return list[len(list)*i/len(regions) : len(list)*(i+1)/len(regions)]
			}
			add(name+"."+region, append(append([]netip.Prefix(nil), slice(four)...), slice(six)...))
		}
	}
	regional("AzureCloud", cloud4, cloud6)
	regional("Storage", store4, store6)
	for _, t := range middleTags {
		add(t.name, tagPrefixes(s, t.prefixes*4/5, t.prefixes/5))
	}
	for i := 0; len(tags) < tagCount; i++ {
		name := services[i%len(services)]
		if r := i / len(services); r > 0 {
			name += "." + regions[r-1]
		}
		n := int(1 + 3/(s.Float64()+0.01))
		add(name, tagPrefixes(s, n, n/4))
	}
	return tags
}

// rankTags moves the regional slices, which follow their tag in the file, behind
// the large tags: rules pick tags by rank.
func rankTags(tags []*network.ServiceTag) []*network.ServiceTag {
	var large, rest []*network.ServiceTag
	for i, t := range tags {
		if i == 0 || i == len(regions)+1 || i > 2*len(regions)+1 && i <= 2*len(regions)+1+len(middleTags) {
			large = append(large, t)
		} else {
			rest = append(rest, t)
		}
	}
	return append(large, rest...)
}

func tagPrefixes(s *stream, n4, n6 int) []netip.Prefix {
	out := make([]netip.Prefix, 0, n4+n6)
	for range n4 {
		out = append(out, publicPrefix(s, 16+int(15.99*math.Sqrt(s.Float64()))))
	}
	for range n6 {
		out = append(out, within(s, publicBlock6, 40+s.IntN(17)))
	}
	return out
}

// publicPrefix is a prefix of so many bits inside a public block, or the block.
func publicPrefix(s *stream, bits int) netip.Prefix {
	return within(s, pick(s, publicBlocks), bits)
}

// within draws a prefix of so many bits inside p, p itself if it is longer.
func within(s *stream, p netip.Prefix, bits int) netip.Prefix {
	if bits <= p.Bits() {
		return p
	}
	r := spanOf(p).draw(s).Netip()
	return netip.PrefixFrom(r, bits).Masked()
}

func serviceTags(tags []*network.ServiceTag) *network.ServiceTags {
	out := network.NewServiceTags(diag.Origin{File: tagsFile}, tagsChange, tagsCloud)
	for _, t := range tags {
		out.Add(t)
	}
	return out
}
