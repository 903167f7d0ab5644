package expr

import "strings"

// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-deployment

func parameters(c *call) (Value, error) {
	v, err := c.ev.scope.Parameter(c.text(0))
	return c.named("parameter", v, err)
}

func variables(c *call) (Value, error) {
	v, err := c.ev.scope.Variable(c.text(0))
	return c.named("variable", v, err)
}

func (c *call) named(what string, v Value, err error) (Value, error) {
	if err != nil {
		return nil, c.foreign(err)
	}
	if v == nil {
		return nil, c.errorf("the template %s '%s' is not found", what, clip(c.text(0)))
	}
	return c.checked(v)
}

// copyIndex takes a loop's name, an offset, both or neither.
func copyIndex(c *call) (Value, error) {
	loop, offset := "", Int(0)
	switch len(c.args) {
	case 1:
		if n, ok := c.args[0].(Int); ok {
			offset = n
		} else {
			loop = c.text(0)
		}
	case 2:
		if c.args[0].Kind() != KindString {
			return nil, c.badKind(0, stringKind)
		}
		if c.args[1].Kind() != KindInt {
			return nil, c.badKind(1, intKind)
		}
		loop, offset = c.text(0), c.args[1].(Int)
	}
	v, err := c.ev.scope.CopyIndex(loop)
	switch v := v.(type) {
	case Int:
		n, ok := add(int64(v), int64(offset))
		if !ok {
			return nil, c.errorf("the template function '%s' detected an overflow", c.expr.Name)
		}
		return Int(n), nil
	case *Unknown:
		return c.unknownFrom([]Value{v}), nil
	}
	switch {
	case err != nil:
		return nil, c.foreign(err)
	case loop != "":
		return nil, c.errorf("the template function 'copyIndex' is not expected at this location: no copy loop of the name '%s' is around it", clip(loop))
	}
	return nil, c.errorf("the template function 'copyIndex' is not expected at this location: no copy loop is around it")
}

func deployment(c *call) (Value, error) {
	if v := c.ev.scope.Context().Deployment; v != nil {
		return c.checked(v)
	}
	return c.unknown(missing("deployment()")), nil
}

func deployer(c *call) (Value, error) {
	if v := c.ev.scope.Context().Deployer; v != nil {
		return c.checked(v)
	}
	return c.unknown(missing("deployer()")), nil
}

func newGUID(c *call) (Value, error) {
	if id := c.ev.scope.Context().NewGUID; id != "" {
		return c.string(id)
	}
	return onlyAzure(c)
}

// fail ends the deployment with a message.
func fail(c *call) (Value, error) { return nil, c.errorf("%s", c.text(0)) }

// environment describes the cloud. Of the sovereign clouds only the members
// that templates use are listed.
func environment(c *call) (Value, error) {
	name := c.ev.scope.Context().Cloud
	if name == "" {
		name = "AzureCloud"
	}
	d := c.describe()
	for _, cl := range clouds {
		if !strings.EqualFold(cl.name, name) {
			continue
		}
		d.text("name", cl.name)
		for _, f := range cl.facts {
			d.text(f[0], f[1])
		}
		login := []Member{
			{Name: "loginEndpoint", Value: String(cl.login)},
			{Name: "audiences", Value: ArrayOf(String(cl.audiences[0]), String(cl.audiences[1]))},
			{Name: "tenant", Value: String("common")},
			{Name: "identityProvider", Value: String("AAD")},
		}
		d.value("authentication", newObject(nil, nil, login))
		var suffixes []Member
		for _, s := range cl.suffixes {
			suffixes = append(suffixes, Member{Name: s[0], Value: String(s[1])})
		}
		d.value("suffixes", newObject(nil, d.rest.member(c.expr.Span, "suffixes"), suffixes))
		return d.result()
	}
	return d.rest, nil
}

type cloud struct {
	name      string
	facts     [][2]string
	login     string
	audiences [2]string
	suffixes  [][2]string
}

// clouds are the answers of environment() that Microsoft's page and its command
// lines list.
var clouds = []cloud{
	{
		name: "AzureCloud",
		facts: [][2]string{
			{"gallery", "https://gallery.azure.com/"},
			{"graph", "https://graph.windows.net/"},
			{"portal", "https://portal.azure.com"},
			{"graphAudience", "https://graph.windows.net/"},
			{"activeDirectoryDataLake", "https://datalake.azure.net/"},
			{"batch", "https://batch.core.windows.net/"},
			{"media", "https://rest.media.azure.net"},
			{"sqlManagement", "https://management.core.windows.net:8443/"},
			{"vmImageAliasDoc", "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/aliases.json"},
			{"resourceManager", "https://management.azure.com/"},
		},
		login:     "https://login.microsoftonline.com/",
		audiences: [2]string{"https://management.core.windows.net/", "https://management.azure.com/"},
		suffixes: [][2]string{
			{"acrLoginServer", ".azurecr.io"},
			{"azureDatalakeAnalyticsCatalogAndJob", "azuredatalakeanalytics.net"},
			{"azureDatalakeStoreFileSystem", "azuredatalakestore.net"},
			{"azureFrontDoorEndpointSuffix", "azurefd.net"},
			{"keyvaultDns", ".vault.azure.net"},
			{"sqlServerHostname", ".database.windows.net"},
			{"storage", "core.windows.net"},
		},
	},
	{
		name: "AzureUSGovernment",
		facts: [][2]string{
			{"portal", "https://portal.azure.us"},
			{"resourceManager", "https://management.usgovcloudapi.net/"},
		},
		login:     "https://login.microsoftonline.us/",
		audiences: [2]string{"https://management.core.usgovcloudapi.net/", "https://management.usgovcloudapi.net/"},
		suffixes: [][2]string{
			{"acrLoginServer", ".azurecr.us"},
			{"keyvaultDns", ".vault.usgovcloudapi.net"},
			{"sqlServerHostname", ".database.usgovcloudapi.net"},
			{"storage", "core.usgovcloudapi.net"},
		},
	},
	{
		name: "AzureChinaCloud",
		facts: [][2]string{
			{"portal", "https://portal.azure.cn"},
			{"resourceManager", "https://management.chinacloudapi.cn/"},
		},
		login:     "https://login.chinacloudapi.cn/",
		audiences: [2]string{"https://management.core.chinacloudapi.cn/", "https://management.chinacloudapi.cn/"},
		suffixes: [][2]string{
			{"acrLoginServer", ".azurecr.cn"},
			{"keyvaultDns", ".vault.azure.cn"},
			{"sqlServerHostname", ".database.chinacloudapi.cn"},
			{"storage", "core.chinacloudapi.cn"},
		},
	},
}
