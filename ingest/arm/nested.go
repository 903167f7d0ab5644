package arm

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"ipflow/ingest/arm/expr"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
)

var errBadCondition = errors.New("the condition cannot be used")

// target is the context that the resources of d are deployed to. It differs from
// what its expressions see where those are evaluated by the parent.
func (d *deployment) target() expr.Context {
	return d.context
}

// retarget applies what a deployment resource says about its scope: a
// subscription, a resource group, or the id of a scope.
func (in *instance) retarget(c *expr.Context) {
	r := in.d.run
	read := func(name string) (string, bool) {
		n := in.node.Get(name)
		if n == nil {
			return "", false
		}
		switch v := r.eval(in.frame, n, false).(type) {
		case expr.String:
			return string(v), v != ""
		case *expr.Unknown:
			return "", true
		}
		return "", false
	}
	if s, ok := read("scope"); ok {
		rescope(c, s)
		return
	}
	// A subscription and a location without a resource group mean a deployment
	// to the subscription itself.
	wide := in.node.Get("location") != nil && in.node.Get("resourceGroup") == nil
	if s, ok := read("subscriptionId"); ok && (wide || !strings.EqualFold(s, c.SubscriptionID)) {
		c.SubscriptionID, c.ResourceGroup, c.Location = s, "", ""
		c.Level = expr.AtSubscription
	}
	if g, ok := read("resourceGroup"); ok {
		if c.Level != expr.AtResourceGroup || !strings.EqualFold(g, c.ResourceGroup) || g == "" {
			c.ResourceGroup, c.Location = g, in.d.groupLocation(g)
		}
		c.Level = expr.AtResourceGroup
	}
}

// rescope applies the id of a scope, as in "/subscriptions/…" or
// "Microsoft.Management/managementGroups/NAME".
func rescope(c *expr.Context, scope string) {
	segments := strings.Split(strings.Trim(scope, "/"), "/")
	c.ResourceGroup, c.Location = "", ""
	switch {
	case len(segments) >= 4 && strings.EqualFold(segments[0], "subscriptions"):
		c.Level, c.SubscriptionID, c.ResourceGroup = expr.AtResourceGroup, segments[1], segments[3]
	case len(segments) >= 2 && strings.EqualFold(segments[0], "subscriptions"):
		c.Level, c.SubscriptionID = expr.AtSubscription, segments[1]
	case len(segments) >= 3 && strings.EqualFold(segments[len(segments)-2], "managementGroups"):
		c.Level, c.ManagementGroup = expr.AtManagementGroup, segments[len(segments)-1]
	case scope == "/":
		c.Level = expr.AtTenant
	}
}

// groupLocation is the location of a resource group that the template makes, ""
// when it does not.
func (d *deployment) groupLocation(name string) string {
	if name == "" {
		return ""
	}
	for d := d; d != nil; d = d.parent {
		for _, in := range d.instances {
			if fold(in.typ) == "microsoft.resources/resourcegroups" && strings.EqualFold(in.names[0].String(), name) {
				s, _ := d.run.eval(in.frame, in.node.Get("location"), false).(expr.String)
				return string(s)
			}
		}
	}
	return ""
}

// deployment returns the deployment that the resource stands for, nil when its
// template cannot be found.
func (in *instance) deployment() *deployment {
	if in.searched {
		return in.nested
	}
	in.searched = true
	r := in.d.run
	switch {
	case in.d.depth+1 > maxNesting:
		r.cutOff(in.node, "deployments nest deeper than "+strconv.Itoa(maxNesting)+" levels, perhaps without end")
		return nil
	case r.deployments >= maxDeployments:
		r.cutOff(in.node, "it makes more than "+strconv.Itoa(maxDeployments)+" deployments")
		return nil
	}
	r.deployments++
	properties := in.node.Get("properties")
	if properties.Kind() == jsontree.String {
		properties = r.node(r.eval(in.frame, properties, true), properties)
	}
	child := &deployment{run: r, parent: in.d, decl: in.node, file: in.d.file, depth: in.d.depth + 1}
	child.doubts = in.allDoubts()
	child.many = in.many != nil || in.d.many
	g := &nestedParameters{run: r, frame: in.frame, node: properties.Get("parameters")}
	child.given = g
	template, outer := in.template(child, g, properties)
	if template == nil {
		return nil
	}
	context := in.d.target()
	in.retarget(&context)
	child.prefix = scopePrefix(&context)
	if in.node.Get("resourceGroup") != nil || in.node.Get("subscriptionId") != nil || in.node.Get("scope") != nil {
		child.prefix = in.namedPrefix(&context)
	} else {
		child.prefix = in.d.prefix
	}
	child.context = context
	if outer {
		f := in.frame
		child.evaluate = &f
	}
	child.load(template)
	location, _ := r.eval(in.frame, in.node.Get("location"), false).(expr.String)
	child.describe(joinWith("/", in.names).String(), string(location))
	in.nested = child
	r.all = append(r.all, child)
	return child
}

// namedPrefix is scopePrefix with the names as the deployment writes them, so
// that those which are not known are told apart.
func (in *instance) namedPrefix(c *expr.Context) text {
	r := in.d.run
	if n := in.node.Get("scope"); n != nil {
		if t := r.textAt(in.frame, n); !t.known() {
			return t
		}
	}
	if c.Level != expr.AtResourceGroup || in.node.Get("scope") != nil {
		return scopePrefix(c)
	}
	subscription := literalText(c.SubscriptionID)
	if n := in.node.Get("subscriptionId"); n != nil {
		if t := r.textAt(in.frame, n); len(t) > 0 {
			subscription = t
		}
	}
	group := literalText(c.ResourceGroup)
	if n := in.node.Get("resourceGroup"); n != nil {
		if t := r.textAt(in.frame, n); len(t) > 0 {
			group = t
		}
	}
	if len(subscription) == 0 || len(group) == 0 {
		return scopePrefix(c)
	}
	return join(literalText("/subscriptions/"), subscription, literalText("/resourceGroups/"), group)
}

// template finds the template of a deployment: inline, or by its link. Outer
// says that its expressions see the parent's parameters and variables.
func (in *instance) template(child *deployment, g *nestedParameters, properties *jsontree.Node) (template *jsontree.Node, outer bool) {
	r := in.d.run
	if inline := properties.Get("template"); inline != nil {
		outer = !strings.EqualFold(properties.Path("expressionEvaluationOptions", "scope").Text(), "inner")
		if inline.Kind() == jsontree.String {
			inline = r.node(r.eval(in.frame, inline, true), inline)
		}
		if inline.Kind() != jsontree.Object {
			r.tell(diag.Error, inline.Origin(), "missing-template",
				"the template of this deployment is not known; what it deploys is not part of the answer")
			return nil, false
		}
		return inline, outer
	}
	if link := properties.Get("parametersLink"); link != nil {
		if in2, ok := in.follow(link, "parameter file"); ok {
			g.file = in2.Root
			r.reached[in2.Path] = true
		}
	}
	link := properties.Get("templateLink")
	if link == nil {
		r.tell(diag.Error, in.node.Origin(), "missing-template", "the deployment has neither template nor templateLink")
		return nil, false
	}
	found, ok := in.follow(link, "template")
	if !ok {
		return nil, false
	}
	r.reached[found.Path] = true
	child.file = found.Path
	return found.Root, false
}

// follow finds the file of a link.
func (in *instance) follow(link *jsontree.Node, what string) (Input, bool) {
	r := in.d.run
	if link.Kind() == jsontree.String {
		link = r.node(r.eval(in.frame, link, false), link)
	}
	relative, uri := link.Get("relativePath"), link.Get("uri")
	var target text
	switch {
	case relative != nil:
		target = r.textAt(in.frame, relative)
		if found, ok := r.lib.relative(in.from(), target.String(), r.root.Path, what); target.known() && ok {
			return found, true
		}
	case uri != nil:
		if v, ok := r.eval(in.frame, uri, false).(*expr.Unknown); ok {
			target = linkText(v.Expr)
		} else {
			target = r.textAt(in.frame, uri)
		}
		if found, ok := r.lib.byURI(in.from(), target, r.root.Path, what); ok {
			return found, true
		}
	}
	shown := target.outline()
	if shown == "" {
		shown = link.Get("id").Text()
	}
	r.tell(diag.Error, link.Origin(), "missing-link",
		"the linked "+what+" "+strconv.Quote(clip(shown))+" is neither in the snapshot nor below the directory of "+r.root.Path+
			"; what it deploys is not part of the answer; put the file there")
	return Input{}, false
}

// from is the file that links lead from: of outer scope, the parent's.
func (in *instance) from() string { return in.d.file }

// linkText is textOf for links: uri(base, relative) shows its end.
func linkText(e expr.Expr) text {
	if c, ok := e.(*expr.Call); ok && c.Namespace == "" {
		switch {
		case fold(c.Name) == "uri" && len(c.Args) == 2:
			base := linkText(c.Args[0])
			if base.known() {
				// The last segment of a base is replaced, as RFC 3986 has it.
				s := base.String()
				base = literalText(s[:strings.LastIndexByte(s, '/')+1])
			} else {
				base = join(base, literalText("/"))
			}
			return join(base, linkText(c.Args[1]))
		case fold(c.Name) == "concat":
			var out text
			for _, a := range c.Args {
				out = join(out, linkText(a))
			}
			return out
		}
	}
	return textOf(e, false)
}

// allDoubts are what leaves open whether the resource exists, or how often.
func (in *instance) allDoubts() []doubt {
	out := slices.Concat(in.doubts, in.d.doubts)
	if in.many != nil {
		out = append(out, *in.many)
	}
	return out
}
