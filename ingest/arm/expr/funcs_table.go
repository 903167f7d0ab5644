package expr

import "strings"

const (
	listKind = arrayKind | nullKind
	boxKind  = arrayKind | objectKind
	sized    = boxKind | textKind
)

func valueRows() []row {
	return []row{
		{"true", "true()", 0, 0, nil, whole, constant(Bool(true)), nil, "The value true."},
		{"false", "false()", 0, 0, nil, whole, constant(Bool(false)), nil, "The value false."},
		{"null", "null()", 0, 0, nil, whole, constant(Null{}), nil, "The value null; a property that is null is absent."},
		{"and", "and(arg1, arg2, ...)", 2, unbounded, nil, raw, nil, anyOf(false), "Whether all arguments are true; stops at the first false."},
		{"or", "or(arg1, arg2, ...)", 2, unbounded, nil, raw, nil, anyOf(true), "Whether an argument is true; stops at the first true."},
		{"not", "not(arg)", 1, 1, of(boolKind), whole, not, nil, "The other bool."},
		{"if", "if(condition, then, else)", 3, 3, nil, raw, nil, ifElse, "The value of one branch; the other is not evaluated."},
		{"bool", "bool(value)", 1, 1, of(anyKind), whole, toBool, nil, "A bool of a bool, a number or the text true or false."},
		{"coalesce", "coalesce(arg1, arg2, ...)", 1, unbounded, nil, raw, nil, coalesce, "The first argument that is not null."},

		{"equals", "equals(a, b)", 2, 2, of(anyKind), raw, equals, nil, "Deep equality; text with regard to case."},
		{"less", "less(a, b)", 2, 2, of(textKind | numberKind), whole, ordered(func(s int) bool { return s < 0 }), nil, "Whether a is before b; both numbers or both text."},
		{"lessorequals", "lessOrEquals(a, b)", 2, 2, of(textKind | numberKind), whole, ordered(func(s int) bool { return s <= 0 }), nil, "Whether a is before b or equal."},
		{"greater", "greater(a, b)", 2, 2, of(textKind | numberKind), whole, ordered(func(s int) bool { return s > 0 }), nil, "Whether a is after b."},
		{"greaterorequals", "greaterOrEquals(a, b)", 2, 2, of(textKind | numberKind), whole, ordered(func(s int) bool { return s >= 0 }), nil, "Whether a is after b or equal."},

		{"add", "add(a, b)", 2, 2, of(intKind), whole, arithmetic(add), nil, "Sum of two whole numbers."},
		{"sub", "sub(a, b)", 2, 2, of(intKind), whole, arithmetic(sub), nil, "Difference of two whole numbers."},
		{"mul", "mul(a, b)", 2, 2, of(intKind), whole, arithmetic(mul), nil, "Product of two whole numbers."},
		{"div", "div(a, b)", 2, 2, of(intKind), whole, divided(div), nil, "Quotient of two whole numbers, cut toward zero."},
		{"mod", "mod(a, b)", 2, 2, of(intKind), whole, divided(mod), nil, "Remainder, with the sign of a."},
		{"min", "min(arg1, arg2, ...)", 1, unbounded, of(numberKind | arrayKind), whole, extreme(-1), nil, "The smallest of the numbers or of one array of them."},
		{"max", "max(arg1, arg2, ...)", 1, unbounded, of(numberKind | arrayKind), whole, extreme(+1), nil, "The largest of the numbers or of one array of them."},
		{"int", "int(value)", 1, 1, of(intKind | textKind), whole, toInt, nil, "A whole number of a number or text."},
		{"float", "float(value)", 1, 1, of(numberKind | stringKind), whole, toFloat, nil, "A floating-point number of a number or text."},
		{"range", "range(start, count)", 2, 2, of(intKind), whole, rangeOf, nil, "Whole numbers from start; at most 10000."},

		{"parsecidr", "parseCidr(network)", 1, 1, of(stringKind), whole, parseCIDR, nil, "Addresses of a network."},
		{"cidrsubnet", "cidrSubnet(network, newCIDR, subnetIndex)", 3, 3, of(stringKind, intKind), whole, cidrSubnet, nil, "A network inside a network."},
		{"cidrhost", "cidrHost(network, hostIndex)", 2, 2, of(stringKind, intKind), whole, cidrHost, nil, "A usable address of a network."},

		{"datetimeadd", "dateTimeAdd(base, duration, [format])", 2, 3, of(stringKind, stringKind, textKind), whole, dateTimeAdd, nil, "A time and an ISO 8601 duration."},
		{"datetimetoepoch", "dateTimeToEpoch(dateTime)", 1, 1, of(stringKind), whole, dateTimeToEpoch, nil, "Seconds since 1970."},
		{"datetimefromepoch", "dateTimeFromEpoch(epoch)", 1, 1, of(intKind), whole, dateTimeFromEpoch, nil, "The time of seconds since 1970."},
		{"utcnow", "utcNow([format])", 0, 1, of(textKind), whole, utcNow, nil, "The time of the deployment."},
	}
}

func collectionRows() []row {
	return []row{
		{"array", "array(value)", 1, 1, of(anyKind), parts, toArray, nil, "The value in an array, unless it is one."},
		{"createarray", "createArray([arg1, ...])", 0, unbounded, of(anyKind), raw, createArray, nil, "An array of the arguments."},
		{"createobject", "createObject([key1, value1, ...])", 0, unbounded, of(anyKind), raw, createObject, nil, "An object of names and values."},
		{"length", "length(value)", 1, 1, of(sized), parts, length, nil, "The number of items, members or UTF-16 units."},
		{"empty", "empty(value)", 1, 1, of(sized), parts, empty, nil, "Whether there are none."},
		{"contains", "contains(container, item)", 2, 2, of(boxKind|textKind, anyKind), raw, contains, nil, "Whether an array has the item, an object the name (case ignored), a text the part."},
		{"first", "first(value)", 1, 1, of(listKind | stringKind), parts, edge(false), nil, "The first item or character."},
		{"last", "last(value)", 1, 1, of(listKind | stringKind), parts, edge(true), nil, "The last item or character."},
		{"take", "take(value, count)", 2, 2, of(listKind|stringKind, intKind), parts, part(false), nil, "So many items or characters from the start."},
		{"skip", "skip(value, count)", 2, 2, of(listKind|stringKind, intKind), parts, part(true), nil, "All but so many from the start."},
		{"indexof", "indexOf(container, item)", 2, 2, of(listKind|stringKind, anyKind), parts, indexIn(strings.Index, false), nil, "The first place, text without regard to case; -1 if there is none."},
		{"lastindexof", "lastIndexOf(container, item)", 2, 2, of(listKind|stringKind, anyKind), parts, indexIn(strings.LastIndex, true), nil, "The last place, as indexOf."},
		{"indexfromend", "indexFromEnd(array, index)", 2, 2, of(arrayKind, intKind), parts, indexFromEnd, nil, "The item counted from the end, 1 being the last."},
		{"tryindexfromend", "tryIndexFromEnd(array, index, [key, ...])", 2, unbounded, of(anyKind), raw, tryIndexFromEnd, nil, "As indexFromEnd, null if there is none; then ordinary accesses."},
		{"tryget", "tryGet(value, key, [key, ...])", 2, unbounded, of(anyKind), raw, tryGet, nil, "A member or item, null if there is none; then ordinary accesses."},
		{"flatten", "flatten(arrayOfArrays)", 1, 1, of(arrayKind), parts, flatten, nil, "The items of the arrays."},
		{"union", "union(arg1, arg2, ...)", 2, unbounded, of(boxKind), parts, union, nil, "Arrays without repeats, or objects merged, the last winning."},
		{"intersection", "intersection(arg1, arg2, ...)", 2, unbounded, of(boxKind), whole, intersection, nil, "What is in all arrays or objects."},
		{"distinct", "distinct(array)", 1, 1, of(arrayKind), parts, distinct, nil, "The array without repeats."},
		{"items", "items(object)", 1, 1, of(objectKind), parts, items, nil, "Pairs of key and value, by key."},
		{"objectkeys", "objectKeys(object)", 1, 1, of(objectKind), parts, objectKeys, nil, "The names of the members, sorted."},
		{"shallowmerge", "shallowMerge(arrayOfObjects)", 1, 1, of(arrayKind), parts, shallowMerge, nil, "Objects merged one level deep, the last winning."},

		{"lambda", "lambda(variable1, ..., body)", 1, unbounded, nil, raw, nil, makeLambda, "A function for map, filter and the like."},
		{"lambdavariables", "lambdaVariables(name)", 1, 1, of(stringKind), whole, lambdaVariable, nil, "The value of a lambda's variable."},
		{"map", "map(array, lambda)", 2, 2, of(arrayKind, lambdaKind), parts, mapItems, nil, "The lambda's value for each item."},
		{"filter", "filter(array, lambda)", 2, 2, of(arrayKind, lambdaKind), parts, filterItems, nil, "The items for which the lambda is true."},
		{"reduce", "reduce(array, initial, lambda)", 3, 3, of(arrayKind, anyKind, lambdaKind), raw, reduce, nil, "The items folded into one value."},
		{"sort", "sort(array, lambda)", 2, 2, of(arrayKind, lambdaKind), parts, sortItems, nil, "The items by the lambda's order."},
		{"toobject", "toObject(array, keyLambda, [valueLambda])", 2, 3, of(arrayKind, lambdaKind), parts, toObject, nil, "An object of the items."},
		{"groupby", "groupBy(array, keyLambda, [valueLambda])", 2, 3, of(arrayKind, lambdaKind), parts, groupBy, nil, "The items in arrays by key."},
		{"mapvalues", "mapValues(object, lambda)", 2, 2, of(objectKind, lambdaKind), parts, mapValues, nil, "The lambda's value for each member."},
	}
}

func textRows() []row {
	return []row{
		{"concat", "concat(arg1, arg2, ...)", 0, unbounded, of(anyKind), raw, concat, nil, "Text or arrays joined."},
		{"format", "format(formatString, arg1, ...)", 1, unbounded, of(stringKind, anyKind), whole, format, nil, "Text with {0}, {1} replaced, as .NET does."},
		{"string", "string(value)", 1, 1, of(anyKind), whole, toString, nil, "Text of a value; of arrays and objects JSON."},
		{"json", "json(text)", 1, 1, of(textKind), whole, toJSON, nil, "The value of JSON text."},
		{"tolower", "toLower(text)", 1, 1, of(textKind), whole, toLower, nil, "Lower case, invariant culture."},
		{"toupper", "toUpper(text)", 1, 1, of(textKind), whole, toUpper, nil, "Upper case, invariant culture."},
		{"trim", "trim(text)", 1, 1, of(textKind), whole, trim, nil, "Without white space around."},
		{"padleft", "padLeft(value, totalLength, [character])", 2, 3, of(textKind|intKind, intKind, textKind), whole, padLeft, nil, "Filled on the left, to 16 characters at most."},
		{"replace", "replace(text, old, new)", 3, 3, of(textKind), whole, replace, nil, "All occurrences replaced."},
		{"split", "split(text, delimiter)", 2, 2, of(textKind, textKind|arrayKind), whole, split, nil, "The parts between delimiters."},
		{"join", "join(array, delimiter)", 2, 2, of(arrayKind, textKind), whole, join, nil, "The items with the delimiter between."},
		{"substring", "substring(text, [start], [length])", 1, 3, of(textKind, intKind), whole, substring, nil, "A part, in UTF-16 units."},
		{"startswith", "startsWith(text, part)", 2, 2, of(textKind), whole, affix(strings.HasPrefix), nil, "Whether text starts with part, case ignored."},
		{"endswith", "endsWith(text, part)", 2, 2, of(textKind), whole, affix(strings.HasSuffix), nil, "Whether text ends with part, case ignored."},
		{"like", "like(text, pattern)", 2, 2, of(textKind), whole, like, nil, "Whether text fits a pattern with *, case ignored."},
		{"base64", "base64(text)", 1, 1, of(textKind), whole, toBase64, nil, "Base64 of the UTF-8 of text."},
		{"base64tostring", "base64ToString(base64)", 1, 1, of(textKind), whole, base64ToString, nil, "The text of base64."},
		{"base64tojson", "base64ToJson(base64)", 1, 1, of(textKind), whole, base64ToJSON, nil, "The value of JSON in base64."},
		{"datauri", "dataUri(value)", 1, 1, of(anyKind), whole, dataURI, nil, "A data URI."},
		{"datauritostring", "dataUriToString(dataUri)", 1, 1, of(textKind), whole, dataURIToString, nil, "The text of a data URI."},
		{"uri", "uri(base, relative)", 2, 2, of(textKind), whole, joinURI, nil, "A relative URI resolved."},
		{"uricomponent", "uriComponent(text)", 1, 1, of(textKind), whole, uriComponent, nil, "Percent-encoded text."},
		{"uricomponenttostring", "uriComponentToString(text)", 1, 1, of(textKind), whole, uriComponentToString, nil, "Percent-decoded text."},
		{"parseuri", "parseUri(uri)", 1, 1, of(stringKind), whole, parseURI, nil, "The parts of a URI."},
		{"builduri", "buildUri(components)", 1, 1, of(objectKind), whole, buildURI, nil, "A URI of parts."},
		{"guid", "guid(arg1, ...)", 1, unbounded, of(textKind), whole, guid, nil, "A UUID that depends on the arguments only."},
		{"uniquestring", "uniqueString(arg1, ...)", 1, unbounded, of(textKind), whole, uniqueString, nil, "13 characters that depend on the arguments only."},
		{"newguid", "newGuid()", 0, 0, nil, whole, newGUID, nil, "A new UUID."},
	}
}

func templateRows() []row {
	id := func(name, syntax string, least int, body func(*call) (Value, error), doc string) row {
		return row{name, syntax, least, unbounded, of(stringKind), whole, body, nil, doc}
	}
	azure := func(name, syntax string, least, most int, kinds []kindSet, doc string) row {
		return row{name, syntax, least, most, kinds, whole, onlyAzure, nil, doc}
	}
	return []row{
		{"parameters", "parameters(name)", 1, 1, of(stringKind), whole, parameters, nil, "The value of a parameter."},
		{"variables", "variables(name)", 1, 1, of(stringKind), whole, variables, nil, "The value of a variable."},
		{"copyindex", "copyIndex([loopName], [offset])", 0, 2, of(stringKind | intKind), whole, copyIndex, nil, "The index of a copy loop."},
		{"deployment", "deployment()", 0, 0, nil, whole, deployment, nil, "The deployment."},
		{"deployer", "deployer()", 0, 0, nil, whole, deployer, nil, "Who deploys."},
		{"environment", "environment()", 0, 0, nil, whole, environment, nil, "The cloud."},
		{"fail", "fail(message)", 1, 1, of(textKind), whole, fail, nil, "Ends the deployment."},

		{"resourcegroup", "resourceGroup()", 0, 0, nil, whole, resourceGroup, nil, "The resource group of the deployment."},
		{"subscription", "subscription()", 0, 0, nil, whole, subscription, nil, "The subscription of the deployment."},
		{"tenant", "tenant()", 0, 0, nil, whole, tenant, nil, "The tenant of the deployment."},
		{"managementgroup", "managementGroup()", 0, 0, nil, whole, managementGroup, nil, "The management group of the deployment."},

		id("resourceid", "resourceId([subscriptionId], [resourceGroup], type, name1, [name2, ...])", 2, resourceID, "The id of a resource."),
		id("subscriptionresourceid", "subscriptionResourceId([subscriptionId], type, name1, [name2, ...])", 2, subscriptionResourceID, "The id of a resource of a subscription."),
		id("managementgroupresourceid", "managementGroupResourceId([managementGroup], type, name1, [name2, ...])", 2, managementGroupResourceID, "The id of a resource of a management group."),
		id("tenantresourceid", "tenantResourceId(type, name1, [name2, ...])", 2, tenantResourceID, "The id of a resource of the tenant."),
		id("extensionresourceid", "extensionResourceId(baseId, type, name1, [name2, ...])", 3, extensionResourceID, "The id of a resource in the scope of another."),

		{"reference", "reference(resource, [apiVersion], ['Full'])", 1, 3, of(stringKind), raw, runtime, nil, "The state of a resource."},
		{"references", "references(symbol, ['Full'])", 1, 2, of(stringKind), raw, runtime, nil, "The states of a resource loop."},
		{listRow, "list*(resource, apiVersion, [body])", 1, unbounded, of(anyKind), raw, runtime, nil, "A list operation of a resource provider, such as listKeys."},
		azure("providers", "providers(namespace, [type])", 1, 2, of(textKind), "What a resource provider offers; deprecated."),
		azure("pickzones", "pickZones(namespace, type, location, [count], [offset])", 3, 5, of(textKind, textKind, textKind, intKind|nullKind), "Availability zones; needs Azure's own tables."),
		azure("tologicalzone", "toLogicalZone(subscriptionId, location, physicalZone)", 3, 3, of(stringKind), "A logical zone."),
		azure("tologicalzones", "toLogicalZones(subscriptionId, location, physicalZones)", 3, 3, of(stringKind, stringKind, arrayKind), "Logical zones."),
		azure("tophysicalzone", "toPhysicalZone(subscriptionId, location, logicalZone)", 3, 3, of(stringKind), "A physical zone."),
		azure("tophysicalzones", "toPhysicalZones(subscriptionId, location, logicalZones)", 3, 3, of(stringKind, stringKind, arrayKind), "Physical zones."),
		azure("roledefinitions", "roleDefinitions(roleName)", 1, 1, of(stringKind), "The definition of a built-in role."),
	}
}
