package arm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ipflow/ingest/arm"
	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
)

const schema = `"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", "contentVersion": "1.0.0.0"`

// template writes a template with the sections given.
func template(sections string) string { return "{" + schema + ", " + sections + "}" }

// group is a resource with the properties given.
func group(name, properties string) string {
	return fmt.Sprintf(`{"type": "Microsoft.Network/networkSecurityGroups", "name": %q, "properties": {%s}}`, name, properties)
}

// chain makes n variables, each of which is made of the next.
func chain(n int, make func(next string) string) string {
	var b strings.Builder
	b.WriteString(`"variables": {`)
	for i := range n {
		fmt.Fprintf(&b, `"v%d": %s, `, i, make(fmt.Sprintf("variables('v%d')", i+1)))
	}
	fmt.Fprintf(&b, `"v%d": "x"}`, n)
	return b.String()
}

// TestHostileTemplatesEnd holds templates written to hang or to fill memory to
// an end in short time, with a diagnostic.
func TestHostileTemplatesEnd(t *testing.T) {
	deep := strings.Repeat(`{"a":[`, 120) + `"[parameters('x')]"` + strings.Repeat("]}", 120)
	tests := []struct{ name, template, code string }{
		{"range", template(`"resources": [` + group("g", `"securityRules": "[range(0, 1000000000)]"`) + `]`), "bad-expression"},
		{"copy-count", template(`"resources": [{"type": "Microsoft.Network/networkSecurityGroups", "name": "g", "copy": {"name": "c", "count": 1000000000}}]`), "bad-copy"},
		{"copy-of-copies", template(`"resources": [` + group("g", `"copy": [{"name": "a", "count": 800, "input": {"copy": [{"name": "b", "count": 800, "input": {"copy": [{"name": "c", "count": 800, "input": {"x": 1}}]}}]}}]`) + `]`), "template-limit"},
		{"resources-of-resources", template(`"resources": [{"type": "Microsoft.Network/virtualNetworks", "name": "[concat('v', copyIndex('a'))]", "copy": {"name": "a", "count": 800},
			"resources": [{"type": "subnets", "name": "[concat('s', copyIndex('b'))]", "copy": {"name": "b", "count": 800}}]}]`), "template-limit"},
		{"itself", template(`"resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"templateLink": {"relativePath": "hostile.json"}}}]`), "template-limit"},
		{"itself-twice", template(`"resources": [{"type": "Microsoft.Resources/deployments", "name": "[concat('d', copyIndex())]", "copy": {"name": "c", "count": 800}, "properties": {"templateLink": {"relativePath": "hostile.json"}}}]`), "template-limit"},
		{"parameter-cycle", template(`"parameters": {"a": {"type": "string", "defaultValue": "[parameters('b')]"}, "b": {"type": "string", "defaultValue": "[parameters('a')]"}}, "resources": [` + group("g", `"a": "[parameters('a')]"`) + `]`), "bad-expression"},
		{"variable-chain", template(chain(3000, func(next string) string { return `"[` + next + `]"` }) + `, "resources": [` + group("g", `"a": "[variables('v0')]"`) + `]`), "template-limit"},
		{"deep-variables", template(chain(3000, func(next string) string {
			return strings.Repeat(`{"a":[`, 100) + `"[` + next + `]"` + strings.Repeat("]}", 100)
		}) + `, "resources": [` + group("g", `"a": "[variables('v0')]"`) + `]`), "template-limit"},
		{"billion-laughs", template(chain(40, func(next string) string { return `["[` + next + `]", "[` + next + `]"]` }) + `, "resources": [` + group("g", `"securityRules": "[variables('v0')]"`) + `]`), "template-limit"},
		{"doubling-text", template(chain(60, func(next string) string { return `"[concat(` + next + `, ` + next + `)]"` }) + `, "resources": [` + group("g", `"a": "[variables('v0')]"`) + `]`), "template-limit"},
		{"laughs-in-a-template", template(chain(40, func(next string) string { return `["[` + next + `]", "[` + next + `]"]` }) +
			`, "resources": [{"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"template": {"resources": "[variables('v0')]"}}}]`), "template-limit"},
		{"deep", template(`"parameters": {"x": {"type": "string"}}, "resources": [` + group("g", `"a": `+deep) + `]`), ""},
		{"dependency-cycle", template(`"resources": [{"type": "Microsoft.Network/routeTables", "name": "a", "dependsOn": ["b"]}, {"type": "Microsoft.Network/routeTables", "name": "b", "dependsOn": ["a"]}]`), ""},
		{"output-cycle", template(`"resources": [
			{"type": "Microsoft.Resources/deployments", "name": "a", "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"p": {"value": "[reference('b').outputs.o.value]"}}, "template": {"parameters": {"p": {"type": "string"}}, "resources": [` + group("g", `"p": "[parameters('p')]"`) + `], "outputs": {"o": {"type": "string", "value": "[parameters('p')]"}}}}},
			{"type": "Microsoft.Resources/deployments", "name": "b", "properties": {"expressionEvaluationOptions": {"scope": "inner"}, "parameters": {"p": {"value": "[reference('a').outputs.o.value]"}}, "template": {"parameters": {"p": {"type": "string"}}, "resources": [], "outputs": {"o": {"type": "string", "value": "[parameters('p')]"}}}}}]`), ""},
		{"reference-itself", template(`"resources": [` + group("g", `"a": "[reference('g').a]"`) + `]`), ""},
		{"many-dependencies", template(`"resources": [{"type": "Microsoft.Network/routeTables", "name": "[concat('a', copyIndex())]", "copy": {"name": "l", "count": 800}, "dependsOn": ["l", "l", "l"]}]`), ""},
		{"functions", template(`"functions": [{"namespace": "n", "members": {"f": {"parameters": [{"name": "a", "type": "string"}], "output": {"type": "string", "value": "[concat(n.f(parameters('a')), n.f(parameters('a')))]"}}}}], "resources": [` + group("g", `"a": "[n.f('x')]"`) + `]`), "template-limit"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := parse(t, "hostile.json", []byte(test.template))
			start := time.Now()
			made := arm.Evaluate([]arm.Input{in}, nil, arm.Options{SubscriptionID: "s", ResourceGroup: "g"})
			spent := time.Since(start)
			t.Logf("%v, %d resources, %d diagnostics", spent, len(made.Resources), len(made.Diagnostics))
			if spent > 5*time.Second {
				t.Errorf("took %v", spent)
			}
			found := test.code == ""
			for _, d := range made.Diagnostics {
				found = found || d.Code == test.code && d.Severity == diag.Error
			}
			if !found {
				t.Errorf("no diagnostic %s: %v", test.code, made.Diagnostics)
			}
		})
	}
}

// FuzzEvaluate: no input makes the evaluation panic or run on, and every node of
// a result can be walked.
func FuzzEvaluate(f *testing.F) {
	f.Add([]byte(template(`"parameters": {"p": {"type": "array"}}, "resources": [` + group("[parameters('p')[0]]", `"copy": [{"name": "securityRules", "count": "[length(parameters('p'))]", "input": "[parameters('p')[copyIndex('securityRules')]]"}]`) + `]`)))
	f.Add([]byte(template(`"resources": {"a": {"type": "Microsoft.Resources/deployments", "name": "d", "properties": {"template": {"resources": [` + group("x", `"y": "[reference('a').outputs]"`) + `]}}}}`)))
	f.Add([]byte(template(`"variables": {"copy": [{"name": "a", "count": 3, "input": "[copyIndex('a')]"}]}, "resources": [{"type": "N.S/a", "name": "[string(variables('a')[2])]", "condition": "[parameters('q')]", "resources": [{"type": "b", "name": "c"}]}]`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, _ := jsontree.Parse("f.json", data)
		if len(docs) == 0 {
			return
		}
		made := arm.Evaluate([]arm.Input{{Path: "f.json", Root: docs[0]}}, nil, arm.Options{SubscriptionID: "s", ResourceGroup: "g", Location: "l"})
		for _, r := range made.Resources {
			plain(r.Node)
			if r.ID == "" || r.Type == "" {
				t.Errorf("a resource without identity: %+v", r)
			}
		}
	})
}
