package expr

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFunctions(t *testing.T) {
	for name, cases := range functionCases {
		t.Run(strings.ReplaceAll(name, "*", ""), func(t *testing.T) {
			for _, c := range cases {
				check(t, "["+c[0]+"]", c[1], newScope())
			}
		})
	}
}

func check(t *testing.T, text, want string, s Scope) {
	t.Helper()
	v, err := evalText(t, text, s)
	if part, ok := strings.CutPrefix(want, "error: "); ok {
		if err == nil {
			t.Errorf("%s gave %s, want an error with %q", text, written(v), part)
		} else if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: error %q, want one with %q", text, err, part)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	if got := written(v); got != want {
		t.Errorf("%s\n got %s\nwant %s", text, got, want)
	}
	for _, mark := range []string{"<[", "]?", "..."} {
		if strings.Contains(want, mark) && Known(v) {
			t.Errorf("%s: Known is true of %s", text, want)
		}
	}
	if !Known(v) && len(Reasons(v)) == 0 {
		t.Errorf("%s: unknown without a reason", text)
	}
}

// The table, this test's cases and the public list must agree on the names.
func TestFunctionListIsComplete(t *testing.T) {
	const documented = `
		add and array base64 base64ToJson base64ToString bool buildUri cidrHost cidrSubnet coalesce concat contains
		copyIndex createArray createObject dataUri dataUriToString dateTimeAdd dateTimeFromEpoch dateTimeToEpoch
		deployer deployment distinct div empty endsWith environment equals extensionResourceId fail false filter first
		flatten float format greater greaterOrEquals groupBy guid if indexFromEnd indexOf int intersection items join
		json lambda lambdaVariables last lastIndexOf length less lessOrEquals like list* managementGroup
		managementGroupResourceId map mapValues max min mod mul newGuid not null objectKeys or padLeft parameters
		parseCidr parseUri pickZones providers range reduce reference references replace resourceGroup resourceId
		roleDefinitions shallowMerge skip sort split startsWith string sub subscription subscriptionResourceId substring
		take tenant tenantResourceId toLogicalZone toLogicalZones toLower toObject toPhysicalZone toPhysicalZones toUpper
		trim true tryGet tryIndexFromEnd union uniqueString uri uriComponent uriComponentToString utcNow variables`
	want := strings.Fields(documented)
	slices.Sort(want)
	var names, cases []string
	for _, d := range Functions() {
		names = append(names, d.Name)
		if d.Doc == "" || !strings.HasPrefix(d.Syntax, d.Name+"(") {
			t.Errorf("%s: no doc, or syntax %q", d.Name, d.Syntax)
		}
		if r := byName[strings.ToLower(d.Name)]; r == nil || (r.body == nil) == (r.lazy == nil) {
			t.Errorf("%s: row not found by its lower-case name, or not exactly one body", d.Name)
		}
		if functionCases[strings.ToLower(d.Name)] == nil {
			cases = append(cases, d.Name)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("functions (-documented +table):\n%s", diff)
	}
	if len(cases) > 0 || len(functionCases) != len(table) {
		t.Errorf("functions without a test case: %v; %d functions, %d tested", cases, len(table), len(functionCases))
	}
}

func TestUnknownFunctionSuggests(t *testing.T) {
	check(t, "[resourceIds('a/b', 'c')]", "error: the template function 'resourceIds' is not valid: did you mean 'resourceId'?", newScope())
	check(t, "[wholly()]", "error: the template function 'wholly' is not valid", newScope())
	check(t, "[other.pair()]", "error: the template function 'other.pair' is not valid", newScope())
	check(t, "[Contoso.Pair(1, parameters('missing'))]", "[1,<[parameters('missing')]>]", newScope())
}

func TestContextFunctions(t *testing.T) {
	s := newScope()
	s.ctx = Context{
		TenantID: "tid", SubscriptionID: "sid", ResourceGroup: "rg", Location: "westus", NewGUID: "guid",
		Deployment: NewObject(nil, Member{Name: "name", Value: String("main")}),
		Deployer:   NewObject(nil, Member{Name: "objectId", Value: String("me")}),
		Now:        time.Date(2024, 2, 3, 16, 5, 6, 7_000_000, time.UTC),
		Cloud:      "azureusgovernment",
	}
	for _, c := range [][2]string{
		{"resourceGroup().location", `"westus"`},
		{"subscription().tenantId", `"tid"`},
		{"tenant().id", `"/tenants/tid"`},
		{"deployment().name", `"main"`},
		{"deployer().objectId", `"me"`},
		{"newGuid()", `"guid"`},
		{"environment().suffixes.storage", `"core.usgovcloudapi.net"`},
		{"environment().suffixes.azureFrontDoorEndpointSuffix", "<[environment().suffixes.azureFrontDoorEndpointSuffix]>"},
		{"environment().gallery", "<[environment().gallery]>"},
		{"utcNow()", `"20240203T160506Z"`},
		{"utcNow('d')", `"02/03/2024"`},
		{"utcNow('M d')", `"2 3"`},
		{"utcNow('MMddHHmmss')", `"0203160506"`},
		{"utcNow('yyyy-MM-ddTHH:mm:ss.fffK')", `"2024-02-03T16:05:06.007Z"`},
		{"utcNow('r')", `"Sat, 03 Feb 2024 16:05:06 GMT"`},
		{"utcNow('dddd ''at'' h tt zzz')", `"Saturday at 4 PM +00:00"`},
		{"utcNow('Q')", "<[utcNow('Q')]>"},
	} {
		check(t, "["+c[0]+"]", c[1], s)
	}
}

func TestDeploymentLevels(t *testing.T) {
	for _, c := range []struct {
		level      Level
		text, want string
	}{
		{AtSubscription, "resourceId('My.Rp/p', 'a')", `"/subscriptions/sid/providers/My.Rp/p/a"`},
		{AtSubscription, "resourceId('rg', 'My.Rp/p', 'a')", `"/subscriptions/sid/resourceGroups/rg/providers/My.Rp/p/a"`},
		{AtSubscription, "resourceGroup()", "error: not expected at this location"},
		{AtSubscription, "subscription().id", `"/subscriptions/sid"`},
		{AtManagementGroup, "resourceId('My.Rp/p', 'a')", `"/providers/My.Rp/p/a"`},
		{AtManagementGroup, "managementGroup().id", `"/providers/Microsoft.Management/managementGroups/mg"`},
		{AtManagementGroup, "managementGroupResourceId('My.Rp/p', 'a')", `"/providers/Microsoft.Management/managementGroups/mg/providers/My.Rp/p/a"`},
		{AtTenant, "resourceId('My.Rp/p', 'a')", `"/providers/My.Rp/p/a"`},
		{AtTenant, "subscription().id", "error: not expected at this location"},
	} {
		s := newScope()
		s.ctx = Context{Level: c.level, SubscriptionID: "sid", ManagementGroup: "mg"}
		check(t, "["+c.text+"]", c.want, s)
	}
	nothing := newScope()
	nothing.ctx = Context{}
	check(t, "[resourceId('My.Rp/p', 'a')]", "<[resourceId('My.Rp/p', 'a')]>", nothing)
	v, err := evalText(t, "[resourceId('My.Rp/p', parameters('name'))]", nothing)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Reason{{MissingContext, "subscription().subscriptionId"}}, Reasons(v)); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestRuntimeStateFromScope(t *testing.T) {
	s := newScope()
	u := NewUnknown(&Call{Name: "reference", Args: []Expr{&StringLit{Value: "dep"}}}, Reason{RuntimeState, "dep"})
	s.state["reference dep"] = Open(NewObject(nil, Member{Name: "outputs", Value: NewObject(nil, Member{Name: "id", Value: NewObject(nil, Member{Name: "value", Value: String("x")})})}), u)
	s.state["listoutputswithsecurevalues dep"] = NewObject(nil, Member{Name: "secret", Value: UnknownParameter("pw")})
	check(t, "[reference('dep', '2020-01-01').outputs.id.value]", `"x"`, s)
	check(t, "[reference('dep').outputs.other.value]", "<[reference('dep').outputs.other.value]>", s)
	check(t, "[listOutputsWithSecureValues('dep', '2020').secret]", "<[parameters('pw')]>", s)
	v, err := evalText(t, "[concat(listKeys('sa', '2020').k, reference('dep').x, parameters('missing'), utcNow())]", s)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range Reasons(v) {
		got = append(got, r.String())
	}
	want := []string{"parameter:missing", "state:dep", "function:listKeys", "function:utcNow"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestErrorsNameTheirPlace(t *testing.T) {
	for _, c := range []struct{ text, at, fn string }{
		{"[concat('a', toLower(1))]", "toLower(1)", "toLower"},
		{"[concat('a', parameters('broken'))]", "parameters('broken')", "parameters"},
		{"[createObject('a', 1).b]", "createObject('a', 1).b", ""},
		{"[map(range(0, 1), lambda('x', nope(1)))]", "nope(1)", "nope"},
	} {
		_, err := evalText(t, c.text, newScope())
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v is no *Error", c.text, err)
			continue
		}
		if got := c.text[e.Span.Start:e.Span.End]; got != c.at || e.Func != c.fn {
			t.Errorf("%s: at %q in %q, want %q in %q", c.text, got, e.Func, c.at, c.fn)
		}
	}
}
