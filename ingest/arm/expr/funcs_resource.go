package expr

import (
	"slices"
	"strings"
)

// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource

// texts returns the arguments as strings.
func (c *call) texts() []string {
	list := make([]string, len(c.args))
	for i := range c.args {
		list[i] = c.text(i)
	}
	return list
}

// leading splits the arguments before the resource type, which is the first one
// with a slash in it, from the type and the names.
func (c *call) leading(most int) (before, rest []string, err error) {
	args := c.texts()
	for i, a := range args {
		if !strings.Contains(a, "/") {
			continue
		}
		if i > most {
			return nil, nil, c.errorf("unable to evaluate template language function '%s': at most '%d' argument(s) may stand before the resource type '%s'", c.expr.Name, most, clip(a))
		}
		return args[:i], args[i:], nil
	}
	return nil, nil, c.errorf("unable to evaluate template language function '%s': the fully qualified resource type is missing, such as 'Microsoft.Network/networkSecurityGroups'", c.expr.Name)
}

// providerPath is providers/NS/t1/n1/t2/n2 of a type and names. A slash at the
// end of the type occurs in templates and is accepted; names may hold several
// segments.
func (c *call) providerPath(typeAndNames []string) (string, error) {
	namespace, types, _ := strings.Cut(strings.TrimSuffix(typeAndNames[0], "/"), "/")
	if namespace == "" || types == "" {
		return "", c.errorf("unable to evaluate template language function '%s': '%s' is not a fully qualified resource type", c.expr.Name, clip(typeAndNames[0]))
	}
	segments := strings.Split(types, "/")
	var names []string
	for _, n := range typeAndNames[1:] {
		names = append(names, strings.Split(n, "/")...)
	}
	if len(names) != len(segments) {
		return "", c.errorf("unable to evaluate template language function '%s': the type '%s' requires '%d' resource name argument(s)", c.expr.Name, clip(typeAndNames[0]), len(segments))
	}
	var b strings.Builder
	b.WriteString("/providers/")
	b.WriteString(namespace)
	for i := range segments {
		b.WriteByte('/')
		b.WriteString(segments[i])
		b.WriteByte('/')
		b.WriteString(names[i])
	}
	return b.String(), nil
}

// missing names a fact of the deployment that a call needs.
func missing(name string) Reason { return Reason{MissingContext, name} }

// resourceID builds the id of a resource in the scope of the deployment, or in
// the subscription or resource group that is named first.
func resourceID(c *call) (Value, error) {
	before, rest, err := c.leading(2)
	if err != nil {
		return nil, err
	}
	path, err := c.providerPath(rest)
	if err != nil {
		return nil, err
	}
	ctx := c.ev.scope.Context()
	if len(before) == 0 && (ctx.Level == AtManagementGroup || ctx.Level == AtTenant) {
		return c.string(path)
	}
	subscription, group := ctx.SubscriptionID, ctx.ResourceGroup
	inGroup := ctx.Level == AtResourceGroup
	switch len(before) {
	case 2:
		subscription, group, inGroup = before[0], before[1], true
	case 1:
		// One argument is the resource group, unless it is a subscription's id.
		if isGUID(before[0]) {
			subscription = before[0]
		} else {
			group, inGroup = before[0], true
		}
	}
	if subscription == "" {
		return c.unknown(missing("subscription().subscriptionId")), nil
	}
	id := "/subscriptions/" + subscription
	if inGroup {
		if group == "" {
			return c.unknown(missing("resourceGroup().name")), nil
		}
		id += "/resourceGroups/" + group
	}
	return c.string(id + path)
}

// scopedArgs are the arguments of resourceId with the subscription and resource
// group written out, where they are known: a residue may be read in another
// scope than the one it was made in.
func scopedArgs(c *call) []Value {
	ctx := c.ev.scope.Context()
	if ctx.Level != AtResourceGroup || ctx.SubscriptionID == "" {
		return c.args
	}
	for i, v := range c.args {
		s, known := v.(String)
		switch {
		case !known || !strings.Contains(string(s), "/"):
		case i == 0 && ctx.ResourceGroup != "":
			return slices.Concat([]Value{String(ctx.SubscriptionID), String(ctx.ResourceGroup)}, c.args)
		case i == 1 && c.args[0].Kind() == KindString && !isGUID(c.text(0)):
			return slices.Concat([]Value{String(ctx.SubscriptionID)}, c.args)
		default:
			return c.args
		}
	}
	return c.args
}

func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if x := s[i] | 0x20; !isDigit(s[i]) && (x < 'a' || 'f' < x) {
			return false
		}
	}
	return true
}

func subscriptionResourceID(c *call) (Value, error) {
	return c.scopedID("/subscriptions/", c.ev.scope.Context().SubscriptionID, "subscription().subscriptionId")
}

func managementGroupResourceID(c *call) (Value, error) {
	return c.scopedID("/providers/Microsoft.Management/managementGroups/", c.ev.scope.Context().ManagementGroup, "managementGroup().name")
}

// scopedID builds the id of a resource in a scope that the first argument may
// name.
func (c *call) scopedID(prefix, scope, fact string) (Value, error) {
	before, rest, err := c.leading(1)
	if err != nil {
		return nil, err
	}
	path, err := c.providerPath(rest)
	if err != nil {
		return nil, err
	}
	if len(before) == 1 {
		scope = before[0]
	}
	if scope == "" {
		return c.unknown(missing(fact)), nil
	}
	return c.string(prefix + scope + path)
}

func tenantResourceID(c *call) (Value, error) {
	_, rest, err := c.leading(0)
	if err != nil {
		return nil, err
	}
	path, err := c.providerPath(rest)
	if err != nil {
		return nil, err
	}
	return c.string(path)
}

// extensionResourceID builds the id of a resource that extends another, or of
// any resource in a scope given by its id.
func extensionResourceID(c *call) (Value, error) {
	path, err := c.providerPath(c.texts()[1:])
	if err != nil {
		return nil, err
	}
	return c.string(strings.TrimSuffix(c.text(0), "/") + path)
}

// runtime asks the Scope, which may know outputs of nested deployments and what
// a template writes into a resource.
func runtime(c *call) (Value, error) {
	if c.args[0].Kind() == KindUnknown {
		return c.unknown(), nil
	}
	name := strings.ToLower(c.expr.Name)
	v, err := c.ev.scope.Runtime(name, c.args)
	switch {
	case err != nil:
		return nil, c.foreign(err)
	case v != nil:
		return c.checked(v)
	case strings.HasPrefix(name, "list"):
		return c.unknown(Reason{RuntimeFunction, c.expr.Name}), nil
	}
	return c.unknown(Reason{RuntimeState, c.text(0)}), nil
}

// onlyAzure is the body of functions whose answer depends on Azure's own data.
func onlyAzure(c *call) (Value, error) {
	return c.unknown(Reason{RuntimeFunction, c.expr.Name}), nil
}
