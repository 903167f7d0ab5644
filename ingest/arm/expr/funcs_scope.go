package expr

// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-scope

// described builds the object of a scope function: an empty text is a fact that
// is not known.
type described struct {
	call    *call
	rest    *Unknown
	members []Member
}

func (c *call) describe() *described {
	name := c.row.display()
	return &described{call: c, rest: NewUnknown(&Call{Span: c.expr.Span, Name: name}, missing(name+"()"))}
}

func (d *described) text(name, value string) *described {
	if value == "" {
		return d.value(name, nil)
	}
	return d.value(name, String(value))
}

func (d *described) value(name string, v Value) *described {
	if v == nil {
		u := *d.rest.member(d.call.expr.Span, name)
		u.Reasons = []Reason{missing(d.call.row.display() + "()." + name)}
		v = &u
	}
	d.members = append(d.members, Member{Name: name, Value: v})
	return d
}

func (d *described) result() (Value, error) { return d.call.object(d.members, d.rest) }

// prefixed is prefix + name, or unknown if the name is.
func prefixed(prefix, name string) string {
	if name == "" {
		return ""
	}
	return prefix + name
}

func (c *call) notHere() error {
	return c.errorf("the template function '%s' is not expected at this location: the template is deployed to another scope", c.expr.Name)
}

func resourceGroup(c *call) (Value, error) {
	ctx := c.ev.scope.Context()
	if ctx.Level != AtResourceGroup {
		return nil, c.notHere()
	}
	id := ""
	if ctx.SubscriptionID != "" {
		id = prefixed("/subscriptions/"+ctx.SubscriptionID+"/resourceGroups/", ctx.ResourceGroup)
	}
	return c.describe().
		text("id", id).
		text("name", ctx.ResourceGroup).
		text("type", "Microsoft.Resources/resourceGroups").
		text("location", ctx.Location).
		value("properties", NewObject(nil, Member{Name: "provisioningState", Value: String("Succeeded")})).
		result()
}

func subscription(c *call) (Value, error) {
	ctx := c.ev.scope.Context()
	if ctx.Level != AtResourceGroup && ctx.Level != AtSubscription {
		return nil, c.notHere()
	}
	d := c.describe().
		text("id", prefixed("/subscriptions/", ctx.SubscriptionID)).
		text("subscriptionId", ctx.SubscriptionID)
	return d.value("tenantId", c.tenantID()).result()
}

// tenantID is the tenant, or what Azure's own partial evaluation leaves of it.
func (c *call) tenantID() Value {
	if id := c.ev.scope.Context().TenantID; id != "" {
		return String(id)
	}
	at := c.expr.Span
	return NewUnknown(access(at, &Call{Span: at, Name: "tenant"}, "tenantId"), missing("tenant().tenantId"))
}

func tenant(c *call) (Value, error) {
	return c.describe().
		text("id", prefixed("/tenants/", c.ev.scope.Context().TenantID)).
		value("tenantId", c.tenantID()).
		result()
}

func managementGroup(c *call) (Value, error) {
	ctx := c.ev.scope.Context()
	if ctx.Level != AtManagementGroup {
		return nil, c.notHere()
	}
	return c.describe().
		text("id", prefixed("/providers/Microsoft.Management/managementGroups/", ctx.ManagementGroup)).
		text("name", ctx.ManagementGroup).
		text("type", "/providers/Microsoft.Management/managementGroups").
		result()
}
