package arm

import (
	"maps"
	"slices"
	"strings"

	"ipflow/ingest/arm/expr"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
)

// deployment is one template at work: the root's, or that of a resource
// Microsoft.Resources/deployments.
type deployment struct {
	run    *run
	parent *deployment // nil for the root
	decl   *jsontree.Node
	file   string
	depth  int

	// context is what expressions see. In a nested deployment with outer scope
	// they see the parent's: evaluate is then the frame of the parent.
	context  expr.Context
	evaluate *frame
	// prefix is the id that the ids of its resources begin with.
	prefix text
	doubts []doubt // whether it is deployed at all
	many   bool    // it stands for an unknown number of deployments

	given       given
	definitions *jsontree.Node
	parameters  map[string]*slot // by folded name
	variables   map[string]*slot
	functions   map[string]*function
	resources   *jsontree.Node
	outputs     []*slot

	expanded  bool
	instances []*instance
	symbols   map[string][]*instance // by folded symbolic name
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// frame is where the expressions of the template stand.
func (d *deployment) frame() frame {
	if d.evaluate != nil {
		return *d.evaluate
	}
	return frame{d: d}
}

// load takes the sections of a template. Those of one whose expressions see the
// parent's are not its own.
func (d *deployment) load(template *jsontree.Node) {
	d.resources = template.Get("resources")
	for _, m := range template.Get("outputs").Members() {
		d.outputs = append(d.outputs, &slot{node: m.Value, name: m.Name, copy: m.Value.Get("copy") != nil})
	}
	if d.evaluate != nil {
		return
	}
	d.definitions = template.Get("definitions")
	d.parameters = map[string]*slot{}
	for _, m := range template.Get("parameters").Members() {
		d.parameters[fold(m.Name)] = &slot{node: m.Value, name: m.Name}
	}
	d.variables = variables(template.Get("variables"))
	d.functions = functions(template.Get("functions"))
}

// rootDeployment is the deployment of the root template.
func (r *run) rootDeployment() *deployment {
	o, template := r.options, r.root.Root
	d := &deployment{run: r, decl: template, file: r.root.Path, given: r.rootParameters()}
	d.context = expr.Context{
		Level: level(template), TenantID: o.TenantID, ManagementGroup: o.ManagementGroup,
		SubscriptionID: o.SubscriptionID, ResourceGroup: o.ResourceGroup, Location: o.Location,
	}
	d.prefix = scopePrefix(&d.context)
	d.load(template)
	d.describe(stem(d.file), o.Location)
	for name := range d.parameters {
		r.known[name] = true
	}
	r.all = append(r.all, d)
	return d
}

// rootParameters gathers the values for the root template: what was named, or
// else the parameter file beside it.
func (r *run) rootParameters() *rootParameters {
	g := &rootParameters{run: r, files: r.options.Parameters, set: map[string]string{}}
	for name, text := range r.options.Set {
		g.set[fold(name)] = text
	}
	if len(g.files) > 0 {
		return g
	}
	if in, ok := r.lib.parametersBeside(r.root.Path); ok {
		g.files = []Input{in}
		names := map[string]bool{}
		for _, m := range r.root.Root.Get("parameters").Members() {
			names[fold(m.Name)] = true
		}
		warnStray(&r.faults, in, names, r.root.Path)
		r.faults.Infof(r.root.Root.Origin(), "parameters-beside", "the values of the parameters come from %s, which stands beside the template", in.Path)
	}
	return g
}

// level is the scope that a template's schema names.
func level(template *jsontree.Node) expr.Level {
	schema := fold(template.Get("$schema").Text())
	switch {
	case strings.Contains(schema, "subscriptiondeploymenttemplate"):
		return expr.AtSubscription
	case strings.Contains(schema, "managementgroupdeploymenttemplate"):
		return expr.AtManagementGroup
	case strings.Contains(schema, "tenantdeploymenttemplate"):
		return expr.AtTenant
	}
	return expr.AtResourceGroup
}

// scopePrefix is the id of the scope that a context describes. Resources of a
// management group stand in the tenant, as extensions of the group.
func scopePrefix(c *expr.Context) text {
	segment := func(known, function string) text {
		if known != "" {
			return literalText(known)
		}
		return residueText(accessor(function))
	}
	switch c.Level {
	case expr.AtResourceGroup:
		return join(literalText("/subscriptions/"), segment(c.SubscriptionID, "subscription.subscriptionId"),
			literalText("/resourceGroups/"), segment(c.ResourceGroup, "resourceGroup.name"))
	case expr.AtSubscription:
		return join(literalText("/subscriptions/"), segment(c.SubscriptionID, "subscription.subscriptionId"))
	case expr.AtManagementGroup:
		return join(literalText("/providers/Microsoft.Management/managementGroups/"), segment(c.ManagementGroup, "managementGroup.name"))
	case expr.AtTenant:
		return nil
	}
	panic("arm: unknown level")
}

// accessor is the expression function().property.
func accessor(dotted string) expr.Expr {
	function, property, _ := strings.Cut(dotted, ".")
	return &expr.Property{Of: &expr.Call{Name: function}, Name: property}
}

// describe sets what deployment() returns. Locally deployed templates have no
// link; the place of the file stands in, so that relative links are found.
func (d *deployment) describe(name, location string) {
	rest := expr.NewUnknown(&expr.Call{Name: "deployment"}, expr.Reason{Kind: expr.MissingContext, Name: "deployment()"})
	link := expr.NewObject(nil, expr.Member{Name: "uri", Value: expr.String(fileURI(d.file))}, expr.Member{Name: "relativePath", Value: expr.String("")})
	members := []expr.Member{
		{Name: "name", Value: expr.String(name)},
		{Name: "properties", Value: expr.NewOpenObject(nil, rest,
			expr.Member{Name: "templateLink", Value: link}, expr.Member{Name: "mode", Value: expr.String("Incremental")})},
	}
	if location != "" && d.context.Level != expr.AtResourceGroup {
		members = append(members, expr.Member{Name: "location", Value: expr.String(location)})
	}
	d.context.Deployment = expr.NewOpenObject(nil, rest, members...)
}

// expand finds the resources of the template, not yet those of deployments in it.
func (d *deployment) expand() {
	if d.expanded {
		return
	}
	d.expanded = true
	d.symbols = map[string][]*instance{}
	d.declareAll(d.resources, nil, d.frame())
}

// declareAll declares the resources of an array, or of an object of symbolic
// names.
func (d *deployment) declareAll(n *jsontree.Node, parent *instance, f frame) {
	if n.Kind() == jsontree.String && expr.IsExpression(n.Text()) {
		n = d.run.node(d.run.eval(f, n, true), n)
	}
	switch n.Kind() {
	case jsontree.Array:
		for _, it := range n.Items() {
			d.declare(it, "", parent, f)
		}
	case jsontree.Object:
		for _, m := range n.Members() {
			d.declare(m.Value, m.Name, parent, f)
		}
	case jsontree.Absent, jsontree.Null:
	case jsontree.Bool, jsontree.Number, jsontree.String:
		d.run.tell(diag.Error, n.Origin(), "bad-resources", "the resources of a template must be an array or an object; flows that they may touch are not answered for")
	}
}

// declare adds a resource, as often as its copy loop says.
func (d *deployment) declare(n *jsontree.Node, symbol string, parent *instance, f frame) {
	if n.Kind() != jsontree.Object {
		d.run.tell(diag.Error, n.Origin(), "bad-resource", "a "+n.Kind().String()+" stands where a resource should")
		return
	}
	one := declaration{node: n, symbol: symbol, parent: parent, index: noIndex}
	loopNode := n.Get("copy")
	if loopNode.Kind() != jsontree.Object {
		d.add(one, f)
		return
	}
	one.loop = d.loopName(loopNode, f)
	count, unknown := d.run.count(f, loopNode)
	if unknown != nil {
		index := expr.NewUnknown(&expr.Call{Name: "copyIndex", Args: []expr.Expr{&expr.StringLit{Value: one.loop}}}, unknown.Reasons...)
		one.many = &doubt{at: origin(loopNode.Get("count"), loopNode), value: unknown}
		d.add(one, f.in(&loop{name: one.loop, index: index}))
		return
	}
	for i := range count {
		if d.run.resources > maxResources {
			return // said
		}
		one.index = i
		d.add(one, f.in(&loop{name: one.loop, index: expr.Int(i)}))
	}
}

func (d *deployment) loopName(n *jsontree.Node, f frame) string {
	s, _ := d.run.eval(f, n.Get("name"), false).(expr.String)
	return string(s)
}

// walk lists the resources of the deployment and of those in it, in the order
// Azure deploys them.
func (d *deployment) walk() {
	d.expand()
	r := d.run
	for _, in := range d.inOrder() {
		switch {
		case in.existing:
		case in.isDeployment():
			if nested := in.deployment(); nested != nil {
				nested.walk()
			}
		default:
			r.order = append(r.order, in)
		}
	}
}
