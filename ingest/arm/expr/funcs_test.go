package expr

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	sub1  = "11111111-2222-3333-4444-555555555555"
	rgID  = "/subscriptions/" + zeroSub + "/resourceGroups/myRg"
	subID = "/subscriptions/" + zeroSub
)

// functionCases holds, for each function, expressions and what they give: JSON
// as written() writes it, or "error: " and a part of the message.
var functionCases = map[string][][2]string{
	"true":  {{"true()", "true"}, {"True()", "true"}, {"true(1)", "error: requires 0 argument(s) while 1"}},
	"false": {{"false()", "false"}},
	"null":  {{"null()", "null"}},
	"and": {
		{"and(true(), true(), true())", "true"},
		{"and(true(), false(), fail('not reached'))", "false"},
		{"and(parameters('missing'), false())", "false"},
		{"and(fail('x'), false())", "error: x"},
		{"and(parameters('missing'), true(), fail('x'))", "<[and(parameters('missing'), true(), fail('x'))]>"},
		{"and(true())", "error: requires at least 2"},
		{"and(true(), 'true')", "error: 'and' expects its second parameter to be of type 'Boolean': the provided value is of type 'String'"},
	},
	"or": {
		{"or(false(), false())", "false"},
		{"or(empty(createArray()), equals(createArray()[0], 'bar'))", "true"},
		{"or(parameters('missing'), true())", "true"},
		{"or(false(), parameters('missing'))", "<[or(false(), parameters('missing'))]>"},
	},
	"not": {{"not(false())", "true"}, {"not('false')", "error: 'Boolean'"}, {"not(parameters('missing'))", "<[not(parameters('missing'))]>"}},
	"if": {
		{"if(true(), 1, createArray()[3])", "1"},
		{"if(false(), fail('x'), 2)", "2"},
		{"if('true', 1, 2)", "error: 'if' expects its first parameter"},
		{"if(parameters('missing'), 'a', parameters('name'))", "<[if(parameters('missing'), 'a', 'web')]>"},
		{"if(parameters('missing'), 'web', parameters('name'))", `"web"`},
		{"if(parameters('missing'), fail('x'), 1)", "<[if(parameters('missing'), fail('x'), 1)]>"},
	},
	"bool": {
		{"bool('True')", "true"},
		{"bool(' false ')", "false"},
		{"bool(1)", "true"},
		{"bool(0)", "false"},
		{"bool(true())", "true"},
		{"bool('sdf')", "error: cannot be converted to the target type"},
		{"bool(null())", "error: cannot be converted"},
	},
	"coalesce": {
		{"coalesce(null(), null())", "null"},
		{"coalesce(null(), 'a', fail('not reached'))", `"a"`},
		{"coalesce(parameters('missing'), 'x', fail('not reached'))", "<[coalesce(parameters('missing'), 'x')]>"},
		{"coalesce(null(), parameters('missing'), null())", "<[parameters('missing')]>"},
		{"coalesce(tryGet(createObject('a', 1), 'b'), 7)", "7"},
	},
	"equals": {
		{"equals(1, 1)", "true"},
		{"equals(1, json('1.0'))", "true"},
		{"equals('a', 'A')", "false"},
		{"equals('1', 1)", "false"},
		{"equals(null(), null())", "true"},
		{"equals(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 1))", "true"},
		{"equals(createObject('a', 1), createObject('A', 1))", "false"},
		{"equals(createArray(1, 2), createArray(2, 1))", "false"},
		{"equals(parameters('list'), createArray(1, 2))", "false"},
		{"equals(parameters('list'), createArray(2, 2, 3))", "false"},
		{"equals(parameters('list'), createArray(1, 2, 3))", "<[equals(createArray(1, parameters('missing'), 3), createArray(1, 2, 3))]>"},
		{"equals(parameters('missing'), 'a')", "<[equals(parameters('missing'), 'a')]>"},
		{"equals(parameters('state'), createObject('c', 1))", "false"},
		{"equals(parameters('mixed'), createObject('known', 2, 'open', 1))", "false"},
	},
	"less": {
		{"less(1, 2)", "true"},
		{"less('a', 'A')", "true"},
		{"less('A', 'a')", "false"},
		{"less('abc', 'ABD')", "true"},
		{"less('a', 'b1')", "true"},
		{"less('9', 'a')", "true"},
		{"less('ä', 'z')", "<[less('ä', 'z')]>"},
		{"less('co-op', 'coat')", "<[less('co-op', 'coat')]>"},
		{"less('a-1', 'a-2')", "true"},
		{"less(1, 'foo')", "error: matching types. The function was invoked with values of type 'Integer' and 'String' that do not match"},
	},
	"lessorequals":    {{"lessOrEquals(2, 2)", "true"}, {"lessOrEquals('b', 'a')", "false"}},
	"greater":         {{"greater(json('1.5'), 1)", "true"}, {"greater(1, 1)", "false"}, {"greater(true(), 1)", "error: 'Boolean'"}},
	"greaterorequals": {{"greaterOrEquals(1, 1)", "true"}, {"greaterOrEquals('a', 'a')", "true"}},
	"add": {
		{"add(1, -3)", "-2"},
		{"add(9223372036854775807, 1)", "error: overflow"},
		{"add(-9223372036854775808, -1)", "error: overflow"},
		{"add('1', 2)", "error: 'add' expects its first parameter to be of type 'Integer'"},
	},
	"sub": {{"sub(7, 3)", "4"}, {"sub(-9223372036854775808, 1)", "error: overflow"}, {"sub(0, 0)", "0"}},
	"mul": {{"mul(5, -4)", "-20"}, {"mul(4611686018427387904, 2)", "error: overflow"}, {"mul(-1, -9223372036854775808)", "error: overflow"}, {"mul(0, 9)", "0"}},
	"div": {{"div(7, 2)", "3"}, {"div(-7, 2)", "-3"}, {"div(1, 0)", "error: divide by zero"}, {"div(-9223372036854775808, -1)", "error: overflow"}},
	"mod": {{"mod(-7, 3)", "-1"}, {"mod(7, -3)", "1"}, {"mod(1, 0)", "error: divide by zero"}, {"mod(5, -1)", "0"}},
	"min": {{"min(3, 1, 2)", "1"}, {"min(createArray(4, 3))", "3"}, {"min(createArray())", "error: empty"}, {"min('a')", "error: 'String'"}, {"min(1, json('0.5'))", "0.5"}},
	"max": {{"max(3, 1, 2)", "3"}, {"max(createArray(4, 5))", "5"}, {"max(createArray('a'))", "error: 'String'"}},
	"int": {
		{"int('42')", "42"},
		{"int(' -7 ')", "-7"},
		{"int(8)", "8"},
		{"int('4.5')", "error: cannot convert provided value '4.5' to integer value"},
		{"int(true())", "error: 'Boolean'"},
	},
	"float": {{"float('3.5')", "3.5"}, {"float(2)", "2.0"}, {"float('x')", "error: cannot be converted"}, {"float('0x1p4')", "error: cannot be converted"}},
	"range": {
		{"range(5, 3)", "[5,6,7]"},
		{"range(-1, 2)", "[-1,0]"},
		{"range(1, 0)", "[]"},
		{"range(0, -1)", "error: from '0' to '10000'"},
		{"range(0, 10001)", "error: from '0' to '10000'"},
		{"range(0, 1000000000)", "error: from '0'"},
		{"range(2147483647, 2)", "error: 32 bits"},
	},
	"parsecidr": {
		{"parseCidr('10.144.0.0/20')", `{"network":"10.144.0.0","netmask":"255.255.240.0","broadcast":"10.144.15.255","firstUsable":"10.144.0.1","lastUsable":"10.144.15.254","cidr":20}`},
		{"parseCidr('10.0.0.7/32')", `{"network":"10.0.0.7","netmask":"255.255.255.255","broadcast":"10.0.0.7","firstUsable":"10.0.0.7","lastUsable":"10.0.0.7","cidr":32}`},
		{"parseCidr('10.0.0.9/24').network", `"10.0.0.0"`},
		{"parseCidr('fdad:3236:5555::/48')", `{"network":"fdad:3236:5555::","netmask":"ffff:ffff:ffff::","firstUsable":"fdad:3236:5555::","lastUsable":"fdad:3236:5555:ffff:ffff:ffff:ffff:ffff","cidr":48}`},
		{"parseCidr('10.0.0.0/33')", "error: CIDR notation"},
		{"parseCidr('10.0.0.0')", "error: CIDR notation"},
	},
	"cidrsubnet": {
		{"cidrSubnet('10.144.0.0/20', 24, 4)", `"10.144.4.0/24"`},
		{"cidrSubnet('10.144.7.9/20', 24, 0)", `"10.144.0.0/24"`},
		{"cidrSubnet('10.144.0.0/20', 20, 0)", `"10.144.0.0/20"`},
		{"cidrSubnet('10.144.0.0/20', 20, 1)", "error: no subnet '1'"},
		{"cidrSubnet('fdad:3236:5555::/48', 52, 1)", `"fdad:3236:5555:1000::/52"`},
		{"cidrSubnet('10.144.0.0/20', 19, 0)", "error: from '20' to '32'"},
		{"cidrSubnet('10.144.0.0/20', 33, 0)", "error: from '20' to '32'"},
		{"cidrSubnet('10.144.0.0/20', 24, -1)", "error: no subnet"},
	},
	"cidrhost": {
		{"cidrHost('10.144.3.0/24', 0)", `"10.144.3.1"`},
		{"cidrHost('10.144.3.0/24', 253)", `"10.144.3.254"`},
		{"cidrHost('10.144.3.0/24', 254)", "error: no host '254'"},
		{"cidrHost('fdad::/64', 0)", `"fdad::1"`},
		{"cidrHost('10.0.0.1/32', 0)", "error: no host"},
	},
	"datetimeadd": {
		{"dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", `"2023-04-07 14:53:14Z"`},
		{"dateTimeAdd('2020-04-07 14:53:14Z', '-P9D')", `"2020-03-29 14:53:14Z"`},
		{"dateTimeAdd('20200407T145314Z', 'PT1H')", `"20200407T155314Z"`},
		{"dateTimeAdd('2020-04-07T14:53:14Z', 'PT1H', 'yyyy-MM-dd HH')", `"2020-04-07 15"`},
		{"dateTimeAdd('2020-02-01T00:00:00Z', 'P1M')", "<[dateTimeAdd('2020-02-01T00:00:00Z', 'P1M')]>"},
		{"dateTimeAdd('2020-04-07T14:53:14Z', 'PTASDIONS1D')", "error: The second parameter 'PTASDIONS1D' is not a valid ISO8601 Duration string"},
		{"dateTimeAdd('2020-04-07T14:53:14Z', 'P')", "error: not a valid ISO8601"},
		{"dateTimeAdd('April 7', 'P1D')", "<[dateTimeAdd('April 7', 'P1D')]>"},
	},
	"datetimetoepoch":   {{"dateTimeToEpoch('2023-03-31T01:00:38Z')", "1680224438"}, {"dateTimeToEpoch('soon')", "<[dateTimeToEpoch('soon')]>"}},
	"datetimefromepoch": {{"dateTimeFromEpoch(1680224438)", `"2023-03-31T01:00:38Z"`}, {"dateTimeFromEpoch(999999999999)", "error: out of range"}},
	"utcnow":            {{"utcNow()", "<[utcNow()]>"}, {"utcNow('d')", "<[utcNow('d')]>"}},

	"array": {
		{"array(1)", "[1]"},
		{"array(createArray(1))", "[1]"},
		{"array(createObject('a', 1))", `[{"a":1}]`},
		{"array(parameters('missing'))", "<[array(parameters('missing'))]>"},
		{"array(parameters('mixed'))", `[{"known":1,"open":<[parameters('missing')]>}]`},
	},
	"createarray": {{"createArray()", "[]"}, {"createArray(1, 'a', null())", `[1,"a",null]`}, {"createArray(parameters('missing'))", "[<[parameters('missing')]>]"}, {"createArray(lambda('x', 1))", "error: 'Lambda'"}},
	"createobject": {
		{"createObject()", "{}"},
		{"createObject('b', 1, 'a', null())", `{"b":1,"a":null}`},
		{"createObject('a', 1, 'A', 2)", `{"a":1,"A":2}`},
		{"createObject('a', 1, 'a', 2)", "error: 'a' twice"},
		{"createObject('a')", "error: even number"},
		{"createObject(1, 2)", "error: its first parameter to be of type 'String'"},
		{"createObject('a', parameters('missing'))", `{"a":<[parameters('missing')]>}`},
		{"createObject(parameters('missing'), 1)", "<[createObject(parameters('missing'), 1)]>"},
	},
	"length": {
		{"length(createArray(1, 2))", "2"},
		{"length('a😀')", "3"},
		{"length(createObject('a', 1))", "1"},
		{"length(null())", "0"},
		{"length(3)", "error: 'Integer'"},
		{"length(parameters('list'))", "3"},
		{"length(parameters('missing'))", "<[length(parameters('missing'))]>"},
		{"length(parameters('state'))", "<[length(reference('x'))]>"},
		{"length(union(parameters('list'), createArray(1)))", "<[length(createArray(1, parameters('missing'), 3))]>"},
	},
	"empty": {
		{"empty('')", "true"},
		{"empty(null())", "true"},
		{"empty(createArray())", "true"},
		{"empty(createObject())", "true"},
		{"empty('x')", "false"},
		{"empty(parameters('list'))", "false"},
		{"empty(parameters('state'))", "false"},
		{"empty(1)", "error: 'Integer'"},
		{"empty(false())", "error: 'Boolean'"},
	},
	"contains": {
		{"contains(createObject('Key', 1), 'key')", "true"},
		{"contains(createArray('FOO', 'BAR'), 'bar')", "false"},
		{"contains(createArray(createArray(1)), createArray(1))", "true"},
		{"contains('FOOBAR', 'bar')", "false"},
		{"contains('FOOBAR', 'BAR')", "true"},
		{"contains('abc', 1)", "error: its second parameter to be of type 'String'"},
		{"contains(1, 1)", "error: 'Integer'"},
		{"contains(parameters('list'), 3)", "true"},
		{"contains(parameters('list'), 4)", "<[contains(createArray(1, parameters('missing'), 3), 4)]>"},
		{"contains(createArray(), parameters('missing'))", "false"},
		{"contains(parameters('mixed'), 'open')", "true"},
		{"contains(parameters('state'), 'a')", "true"},
		{"contains(parameters('state'), 'z')", "<[contains(reference('x'), 'z')]>"},
		{"contains(createObject(), parameters('missing'))", "false"},
	},
	"first": {
		{"first(createArray(7, 8))", "7"},
		{"first(createArray())", "null"},
		{"first('hello')", `"h"`},
		{"first('')", `""`},
		{"first(null())", "null"},
		{"first(parameters('list'))", "1"},
		{"first(union(parameters('list'), createArray(9)))", "1"},
		{"first(createObject())", "error: 'Object'"},
	},
	"last": {
		{"last(createArray(7, 8))", "8"},
		{"last('hello')", `"o"`},
		{"last(parameters('list'))", "3"},
		{"last(union(parameters('list'), createArray(9)))", "<[last(createArray(1, parameters('missing'), 3, 9))]>"},
	},
	"take": {
		{"take('hello', 2)", `"he"`},
		{"take('hello', -1)", `""`},
		{"take(createArray(1, 2, 3), 9)", "[1,2,3]"},
		{"take(createArray(1, 2, 3), 0)", "[]"},
		{"take(null(), 1)", "null"},
		{"take(parameters('list'), 2)", "[1,<[parameters('missing')]>]"},
		{"take('hello', '2')", "error: 'Integer'"},
	},
	"skip": {
		{"skip('hello', 2)", `"llo"`},
		{"skip(createArray(1, 2, 3), 9)", "[]"},
		{"skip(createArray(1, 2, 3), -1)", "[1,2,3]"},
		{"skip(parameters('list'), 2)", "[3]"},
	},
	"indexof": {
		{"indexOf('FOOBAR', 'bar')", "3"},
		{"indexOf('😀x', 'X')", "2"},
		{"indexOf('abc', '')", "0"},
		{"indexOf('abc', 'z')", "-1"},
		{"indexOf(createArray('FOO', 'BAR'), 'foo')", "-1"},
		{"indexOf(createArray('FOO', 'BAR'), 'BAR')", "1"},
		{"indexOf(null(), 'x')", "-1"},
		{"indexOf('abc', createObject())", "error: its second parameter"},
		{"indexOf(parameters('list'), 1)", "0"},
		{"indexOf(parameters('list'), 3)", "<[indexOf(createArray(1, parameters('missing'), 3), 3)]>"},
	},
	"lastindexof":  {{"lastIndexOf('abcBa', 'b')", "3"}, {"lastIndexOf(createArray(1, 2, 1), 1)", "2"}, {"lastIndexOf('a', 'b')", "-1"}},
	"indexfromend": {{"indexFromEnd(createArray(1, 2, 3), 1)", "3"}, {"indexFromEnd(createArray(1, 2, 3), 4)", "error: out of bounds"}, {"indexFromEnd(createArray(1), 0)", "error: out of bounds"}},
	"tryindexfromend": {
		{"tryIndexFromEnd(createArray(1, 2, 3), 3)", "1"},
		{"tryIndexFromEnd(createArray(1, 2, 3), 4)", "null"},
		{"tryIndexFromEnd(createArray(createObject('foo', 5)), 1, 'FOO')", "5"},
		{"tryIndexFromEnd(null(), 1)", "null"},
		{"tryIndexFromEnd(parameters('missing'), 1)", "<[tryIndexFromEnd(parameters('missing'), 1)]>"},
	},
	"tryget": {
		{"tryGet(createObject('A', 1), 'a')", "1"},
		{"tryGet(createObject('a', 1), 'b')", "null"},
		{"tryGet(createObject('a', 1), 'fizz', 0, 'bar')", "null"},
		{"tryGet(createObject('a', createObject('b', 2)), 'a', 'b')", "2"},
		{"tryGet(createObject('a', createObject('b', 2)), 'a', 'c')", "error: property 'c' doesn't exist"},
		{"tryGet(createArray(1, 2), 1)", "2"},
		{"tryGet(createArray(1, 2), 2)", "null"},
		{"tryGet(createArray(1, 2), 'a')", "null"},
		{"tryGet(null(), 'a')", "null"},
		{"tryGet('text', 0)", "null"},
		{"tryGet(createObject('a', createArray(1, 2, 3)), 'a', createObject('value', 2, 'fromEnd', true()))", "2"},
		{"tryGet(parameters('missing'), 'a', 'b')", "<[tryGet(parameters('missing'), 'a', 'b')]>"},
		{"tryGet(parameters('mixed'), 'known')", "1"},
		{"tryGet(parameters('state'), 'a', 'b')", "1"},
		{"tryGet(parameters('state'), 'z')", "<[tryGet(reference('x'), 'z')]>"},
		{"tryGet(createObject(), true())", "error: its second parameter"},
	},
	"flatten": {
		{"flatten(createArray(createArray(1, 2), createArray(createArray(3))))", "[1,2,[3]]"},
		{"flatten(createArray(parameters('list'), createArray(4)))", "[1,<[parameters('missing')]>,3,4]"},
		{"flatten(parameters('list'))", "error: an item is of type 'Integer'"},
		{"flatten(createArray(parameters('missing')))", "<[flatten(createArray(parameters('missing')))]>"},
	},
	"union": {
		{"union(createArray(1, 2), createArray(2, 3, 1), createArray('1'))", `[1,2,3,"1"]`},
		{"union(createArray(createArray(1)), createArray(createArray(1)))", "[[1]]"},
		{"union(createObject('a', 1, 'b', 2), createObject('B', 3, 'c', 4))", `{"a":1,"b":3,"c":4}`},
		{"union(createObject('a', createObject('x', 1, 'y', createArray(1))), createObject('a', createObject('y', createArray(2), 'z', null())))", `{"a":{"x":1,"y":[2],"z":null}}`},
		{"union(createObject('a', 1), createObject('a', null()))", `{"a":null}`},
		{"union(createArray(1), createObject())", "error: 'Array' and 'Object' were provided"},
		{"union(createArray(1), createArray(parameters('missing')))", "[1,<[parameters('missing')]>]?"},
		{"union(createObject('a', 1), createObject('b', parameters('missing')))", `{"a":1,"b":<[parameters('missing')]>}`},
		{"union(parameters('missing'), createArray())", "<[union(parameters('missing'), createArray())]>"},
		{"union(createObject('a', createObject('x', 1)), createObject('a', parameters('missing')))", `{"a":<[union(createObject('x', 1), parameters('missing'))]>}`},
	},
	"intersection": {
		{"intersection(createArray(1, 2, 2, 3), createArray(3, 2))", "[2,3]"},
		{"intersection(createObject('a', 1, 'b', 2, 'c', 3), createObject('a', 1, 'b', 3, 'C', 3))", `{"a":1}`},
		{"intersection(createArray(1), createObject())", "error: same type"},
		{"intersection(parameters('list'), createArray(1))", "<[intersection(createArray(1, parameters('missing'), 3), createArray(1))]>"},
	},
	"distinct": {{"distinct(createArray(1, 2, 1))", "[1,2]"}},
	"items": {
		{"items(createObject('abcKey', 1, '456Key', 2, 'ABCKey', 3, '123Key', 4))", `[{"key":"123Key","value":4},{"key":"456Key","value":2},{"key":"abcKey","value":1},{"key":"ABCKey","value":3}]`},
		{"items(createObject('a_', 1, 'ab', 2))", `[{"key":"ab","value":2},{"key":"a_","value":1}]`},
		{"items(parameters('mixed'))", `[{"key":"known","value":1},{"key":"open","value":<[parameters('missing')]>}]`},
		{"items(parameters('state'))", "<[items(reference('x'))]>"},
		{"items('x')", "error: 'Object'"},
	},
	"objectkeys":   {{"objectKeys(createObject('b', 1, 'A', 2))", `["A","b"]`}},
	"shallowmerge": {{"shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('A', createObject('y', 2), 'b', 3)))", `{"a":{"y":2},"b":3}`}, {"shallowMerge(createArray(1))", "error: 'Integer'"}},

	"lambda":          {{"lambda('x', 1)", "error: 'lambda' is only expected as an argument"}, {"map(range(0, 2), lambda('x', 'X', 1))", "error: two variables"}, {"map(range(0, 1), lambda(concat('a'), 1))", "error: literal strings"}},
	"lambdavariables": {{"lambdaVariables('x')", "error: the lambda variable 'x' is not found"}, {"map(range(0, 2), lambda('x', map(range(5, 1), lambda('X', lambdaVariables('x')))))", "[[5],[5]]"}},
	"map": {
		{"map(range(0, 3), lambda('x', 'i', add(lambdaVariables('x'), lambdaVariables('i'))))", "[0,2,4]"},
		{"map(createArray(), lambda('x', fail('not reached')))", "[]"},
		{"map(range(0, 2), lambda('a', map(range(0, 2), lambda('b', concat(lambdaVariables('a'), lambdaVariables('b'))))))", `[["00","01"],["10","11"]]`},
		{"map(parameters('list'), lambda('x', concat('n', lambdaVariables('x'))))", `["n1",<[concat('n', parameters('missing'))]>,"n3"]`},
		{"map(union(parameters('list'), createArray(9)), lambda('x', 'k'))", "<[map(createArray(1, parameters('missing'), 3, 9), lambda('x', 'k'))]>"},
		{"map(parameters('missing'), lambda('x', 1))", "<[map(parameters('missing'), lambda('x', 1))]>"},
		{"map(range(0, 1), 'def')", "error: its second parameter to be of type 'Lambda'"},
		{"map(range(0, 1), lambda(1))", "error: lambda of between 1 and 2 variable(s): it has 0"},
	},
	"filter": {
		{"filter(range(0, 4), lambda('x', greater(lambdaVariables('x'), 1)))", "[2,3]"},
		{"filter(range(0, 2), lambda('x', 'yes'))", "error: it returned 'String'"},
		{"filter(parameters('list'), lambda('x', true()))", "[1,<[parameters('missing')]>,3]"},
		{"filter(parameters('list'), lambda('x', equals(lambdaVariables('x'), 1)))", "<[filter(createArray(1, parameters('missing'), 3), lambda('x', equals(lambdaVariables('x'), 1)))]>"},
	},
	"reduce": {
		{"reduce(range(1, 5), 0, lambda('c', 'n', add(lambdaVariables('c'), lambdaVariables('n'))))", "15"},
		{"reduce(createArray(), 'x', lambda('c', 'n', fail('not reached')))", `"x"`},
		{"reduce(createArray('a', 'b'), '', lambda('c', 'n', 'i', concat(lambdaVariables('c'), lambdaVariables('n'), lambdaVariables('i'))))", `"a0b1"`},
	},
	"sort": {
		{"sort(createArray(3, 1, 2), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))", "[1,2,3]"},
		{"sort(createArray(createArray(1, 'a'), createArray(0, 'b'), createArray(1, 'c')), lambda('a', 'b', less(lambdaVariables('a')[0], lambdaVariables('b')[0])))", `[[0,"b"],[1,"a"],[1,"c"]]`},
		{"sort(createArray('c', 'd'), lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))", "error: 'add' expects"},
		{"sort(parameters('list'), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))", "<[sort(createArray(1, parameters('missing'), 3), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))]>"},
	},
	"toobject": {
		{"toObject(createArray('a', 'b'), lambda('x', concat('k', lambdaVariables('x'))), lambda('x', toUpper(lambdaVariables('x'))))", `{"ka":"A","kb":"B"}`},
		{"toObject(createArray(1, 2), lambda('x', 'k'))", `{"k":2}`},
		{"toObject(createArray(1), lambda('x', 1))", "error: it returned 'Integer'"},
		{"toObject(createArray(1))", "error: function requires between 2 and 3 argument(s) while 1 were provided"},
		{"toObject(parameters('list'), lambda('x', string(lambdaVariables('x'))))", "<[toObject(createArray(1, parameters('missing'), 3), lambda('x', string(lambdaVariables('x'))))]>"},
	},
	"groupby":   {{"groupBy(createArray('ab', 'b', 'ac'), lambda('x', first(lambdaVariables('x'))))", `{"a":["ab","ac"],"b":["b"]}`}},
	"mapvalues": {{"mapValues(createObject('a', 1), lambda('v', string(lambdaVariables('v'))))", `{"a":"1"}`}},

	"concat": {
		{"concat('a', 1, true(), null(), 'b')", `"a1Trueb"`},
		{"concat(createArray(1), createArray(), createArray(2))", "[1,2]"},
		{"concat(createArray(1), 'a')", "error: either arrays only or no array"},
		{"concat()", "error: at least one parameter should be provided"},
		{"concat(createObject())", "error: 'Object'"},
		{"concat('a', parameters('missing'), variables('prefix'))", "<[concat('a', parameters('missing'), 'nsg-')]>"},
		{"concat(createArray(1), parameters('list'))", "[1,1,<[parameters('missing')]>,3]"},
	},
	"format": {
		{"format('>{0}<>{1}<>{2}<>{3}<>{4}<', false(), 12948, 'hello!', createObject('a', 'b', '!c', 2), createArray(true(), 2893, 'abc'))", `">False<>12948<>hello!<>{'a':'b','!c':2}<>[true,2893,'abc']<"`},
		{"format('{{{0}}}', 1)", `"{1}"`},
		{"format('{0,4}|{0,-4}|{1,1}', 7, 'abc')", `"   7|7   |abc"`},
		{"format('{0:D3} {0:X2} {0:N0} {0:000} {1:D2}', 12, 'x')", `"012 0C 12 012 x"`},
		{"format('{0:N0}|{0:#,##0}|{0:N2}|{0:F1}', 1234567)", `"1,234,567|1,234,567|1,234,567.00|1234567.0"`},
		{"format('{0:D3}{0:X}', -5)", `"-005FFFFFFFFFFFFFFFB"`},
		{"format('{0}', null())", `""`},
		{"format('->{123}<-', 123)", "error: the format is invalid: 'index (zero based) must be greater than or equal to zero and less than the size of the argument list'"},
		{"format('{', 1)", "error: input string was not in a correct format"},
		{"format('}', 1)", "error: input string was not in a correct format"},
		{"format('{x}', 1)", "error: input string"},
		{"format('{0:N}', 1)", "<[format('{0:N}', 1)]>"},
		{"format('no items')", `"no items"`},
		{"format('{0}-{1}', parameters('name'), parameters('missing'))", "<[format('{0}-{1}', 'web', parameters('missing'))]>"},
		{"format('{0}', parameters('mixed'))", "<[format('{0}', createObject('known', 1, 'open', parameters('missing')))]>"},
	},
	"string": {
		{"string(1)", `"1"`},
		{"string(true())", `"True"`},
		{"string(null())", `""`},
		{"string(createObject('a', createArray(1, null(), 'q\"')))", `"{\"a\":[1,null,\"q\\\"\"]}"`},
	},
	"json": {
		{"json('null')", "null"},
		{"json('{\"a\": [1, 2.5, \"x\", true]}')", `{"a":[1,2.5,"x",true]}`},
		{"json('{''a'': 1, b: 2, /* c */ }')", `{"a":1,"b":2}`},
		{"json('{\"a\":1,\"a\":2}')", `{"a":2}`},
		{`json('"\u00e4\ud83d\ude00\n"')`, `"ä😀\n"`},
		{"json('')", "error: cannot be parsed as JSON"},
		{"json('{')", "error: cannot be parsed"},
		{"json('1 2')", "error: more text"},
		{"json(null())", "{}"},
		{"json(1)", "error: 'Integer'"},
	},
	"tolower":    {{"toLower('ÀB')", `"àb"`}, {"TOLOWER('A')", `"a"`}, {"toLower('İ')", `"İ"`}, {"toLower(null())", `""`}, {"toLower(1)", "error: 'toLower' expects its parameter to be of type 'Null, String': the provided value is of type 'Integer'"}},
	"toupper":    {{"toUpper('straße')", `"STRAßE"`}, {"toUpper('ı')", `"ı"`}},
	"trim":       {{"trim(' \t x y ')", `"x y"`}},
	"padleft":    {{"padLeft(-100, 10, '0')", `"000000-100"`}, {"padLeft('123', 10)", `"       123"`}, {"padLeft('123', 2, '0')", `"123"`}, {"padLeft('1', 17)", "error: not greater than '16', while '17'"}, {"padLeft('1', 0)", "error: not greater than '16'"}, {"padLeft('1', 2, 'ab')", "error: single character, while 'ab'"}},
	"replace":    {{"replace('a-b-c', '-', '')", `"abc"`}, {"replace('abc', '', 'x')", "error: non-empty"}, {"replace('Abc', 'a', 'x')", "<[replace('Abc', 'a', 'x')]>"}, {"replace('Aaab', 'aa', 'x')", "<[replace('Aaab', 'aa', 'x')]>"}, {"replace('abab', 'ab', 'ba')", `"baba"`}},
	"split":      {{"split('a,,b', ',')", `["a","","b"]`}, {"split('one;two,three', createArray(',', ';'))", `["one","two","three"]`}, {"split(null(), ',')", "[]"}, {"split('', ',')", `[""]`}, {"split('abc', '')", `["abc"]`}, {"split('a--b', createArray('-', '--'))", `["a","","b"]`}, {"split('a', 3)", "error: 'Integer'"}, {"split('a', createArray(3))", "error: 'Integer'"}},
	"join":       {{"join(createArray('a', 1, true()), '/')", `"a/1/True"`}, {"join(createArray(), ',')", `""`}, {"join(createArray(createArray()), ',')", "error: the item '0' is of type 'Array'"}},
	"substring":  {{"substring('one two three', 4, 3)", `"two"`}, {"substring('abc', 1)", `"bc"`}, {"substring('abc', 3)", `""`}, {"substring('abc', 4)", "error: must refer to a location within the string. The index parameter: '4', the length parameter: '0', the length of the string parameter: '3'"}, {"substring('abc', 1, 3)", "error: must refer to a location"}, {"substring('abc', -1)", "error: negative"}, {"substring('abc', 0, -1)", "error: negative"}, {"substring('a😀b', 3)", `"b"`}},
	"startswith": {{"startsWith('abc', 'AB')", "true"}, {"startsWith('abc', 'b')", "false"}},
	"endswith":   {{"endsWith('abc', 'BC')", "true"}},
	"like":       {{"like('abcdef', 'A*d*F')", "true"}, {"like('abc', 'a*d')", "false"}, {"like('abc', 'abc')", "true"}, {"like('abc', 'ab?')", "<[like('abc', 'ab?')]>"}, {"like('ab', 'ab*b')", "false"}},

	"base64":               {{"base64('ä')", `"w6Q="`}},
	"base64tostring":       {{"base64ToString('b25l LCB0d28=')", `"one, two"`}, {"base64ToString('@')", "error: cannot be decoded from base64 representation"}},
	"base64tojson":         {{"base64ToJson(base64('{\"a\":1}')).a", "1"}, {"base64ToJson(base64('{'))", "error: cannot be parsed as JSON"}},
	"datauri":              {{"dataUri('Hello')", `"data:text/plain;charset=utf8;base64,SGVsbG8="`}, {"dataUri(createArray(1))", `"data:application/json;charset=utf8;base64,WzFd"`}},
	"datauritostring":      {{"dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", `"Hello, World!"`}, {"dataUriToString(dataUri('ü'))", `"ü"`}, {"dataUriToString('data:text/plain,a%20b')", `"a b"`}, {"dataUriToString('Hi 0!')", "error: not formatted correctly"}, {"dataUriToString('data:;base64,@')", "error: cannot be converted"}},
	"uri":                  {{"uri('http://contoso.org/firstpath', 'myscript.sh')", `"http://contoso.org/myscript.sh"`}, {"uri('http://contoso.org/firstpath/azuredeploy.json/', '../myscript.sh')", `"http://contoso.org/firstpath/myscript.sh"`}, {"uri('https://x.com/a/main.json?sas=1', 'n/b.json')", `"https://x.com/a/n/b.json"`}, {"uri('https://X.com:443', '')", `"https://x.com/"`}, {"uri('github.com', 'Azure/bicep')", "error: the provided value is 'github.com'"}},
	"uricomponent":         {{"uriComponent('http://contoso.com/a b~é')", `"http%3A%2F%2Fcontoso.com%2Fa%20b~%C3%A9"`}},
	"uricomponenttostring": {{"uriComponentToString('a%2Fb%C3%A9+%zz')", `"a/bé %zz"`}},
	"parseuri":             {{"parseUri('https://h.net:8443/a/b?q=1').host", `"h.net"`}, {"parseUri('https://h.net:8443/a/b?q=1').port", "8443"}, {"parseUri('https://h.net/a').port", "<[parseUri('https://h.net/a').port]>"}, {"parseUri('a')", "error: absolute uri"}},
	"builduri":             {{"buildUri(createObject('scheme', 'https', 'host', 'h.net', 'path', 'a/b', 'port', 81))", `"https://h.net:81/a/b"`}, {"buildUri(createObject('host', 'x'))", "error: 'scheme'"}},
	"guid":                 {{"guid('test')", `"d6a5baf1-8b9b-542a-8525-2982f1f98a0c"`}, {"guid('a', parameters('missing'))", "<[guid('a', parameters('missing'))]>"}},
	"uniquestring": {
		{"uniqueString('tyeth')", `"zcztcwvu6iyg6"`},
		{"uniqueString('hello', 'world')", `"a7wkljktk6wne"`},
		{"uniqueString('asd', 'asdf', 'asdf')", `"iizpqit7ih3cc"`},
		{"uniqueString('')", `"aaaaaaaaaaaaa"`},
		{"uniqueString(resourceGroup().id)", `"js26ofeqkqeve"`},
		{"uniqueString('/subscriptions/11068ed9-6c31-4a47-8183-4eca6d84bb32/resourceGroups/myRg')", `"pwt7yebfrftwu"`},
	},
	"newguid": {{"newGuid()", "<[newGuid()]>"}},

	"parameters": {
		{"parameters('NAME')", `"web"`},
		{"parameters('nope')", "error: the template parameter 'nope' is not found"},
		{"parameters('broken')", "error: the default is broken"},
		{"parameters(parameters('missing'))", "<[parameters(parameters('missing'))]>"},
	},
	"variables": {{"variables('Prefix')", `"nsg-"`}, {"variables('x')", "error: the template variable 'x' is not found"}},
	"copyindex": {
		{"copyIndex()", "2"},
		{"copyIndex(1)", "3"},
		{"copyIndex('subnet')", "5"},
		{"copyIndex('SUBNET', -5)", "0"},
		{"copyIndex('none')", "error: no copy loop of the name 'none'"},
		{"copyIndex(1, 'subnet')", "error: its first parameter to be of type 'String'"},
		{"copyIndex('open', 1)", "<[copyIndex('open', 1)]>"},
	},
	"deployment":  {{"deployment().name", "<[deployment().name]>"}},
	"deployer":    {{"deployer().objectId", "<[deployer().objectId]>"}},
	"environment": {{"environment().suffixes.storage", `"core.windows.net"`}, {"environment().authentication.loginEndpoint", `"https://login.microsoftonline.com/"`}, {"environment().brandNew", "<[environment().brandNew]>"}},
	"fail":        {{"fail('stop here')", "error: stop here"}},

	"resourcegroup": {
		{"resourceGroup().name", `"myRg"`},
		{"resourceGroup().id", `"` + rgID + `"`},
		{"resourceGroup().location", "<[resourceGroup().location]>"},
		{"resourceGroup().tags.env", "<[resourceGroup().tags.env]>"},
	},
	"subscription":    {{"subscription().subscriptionId", `"` + zeroSub + `"`}, {"subscription().tenantId", "<[tenant().tenantId]>"}, {"subscription().displayName", "<[subscription().displayName]>"}},
	"tenant":          {{"tenant().tenantId", "<[tenant().tenantId]>"}},
	"managementgroup": {{"managementGroup().name", "error: not expected at this location"}},

	"resourceid": {
		{"resourceId('My.Rp/parent/child', 'a', 'b')", `"` + rgID + `/providers/My.Rp/parent/a/child/b"`},
		{"resourceId('My.Rp/parent/child', 'a/b')", `"` + rgID + `/providers/My.Rp/parent/a/child/b"`},
		{"resourceId('My.Rp/parent/', 'a')", `"` + rgID + `/providers/My.Rp/parent/a"`},
		{"resourceId('otherRg', 'My.Rp/parent', 'a')", `"` + subID + `/resourceGroups/otherRg/providers/My.Rp/parent/a"`},
		{"resourceId('" + sub1 + "', 'rg', 'My.Rp/parent', 'a')", `"/subscriptions/` + sub1 + `/resourceGroups/rg/providers/My.Rp/parent/a"`},
		{"resourceId('" + sub1 + "', 'My.Rp/parent', 'a')", `"/subscriptions/` + sub1 + `/resourceGroups/myRg/providers/My.Rp/parent/a"`},
		{"resourceId('My.Rp/parent/child', 'a')", "error: the type 'My.Rp/parent/child' requires '2' resource name argument(s)"},
		{"resourceId('a', 'b')", "error: the fully qualified resource type is missing"},
		{"resourceId('a', 'b', 'c', 'My.Rp/p', 'd')", "error: at most '2'"},
		{"resourceId('My.Rp/', 'd')", "error: not a fully qualified resource type"},
		{"resourceId('My.Rp/p', concat('x', parameters('missing')))", "<[resourceId('My.Rp/p', concat('x', parameters('missing')))]>"},
	},
	"subscriptionresourceid":    {{"subscriptionResourceId('My.Rp/p', 'a')", `"` + subID + `/providers/My.Rp/p/a"`}, {"subscriptionResourceId('" + sub1 + "', 'My.Rp/p', 'a')", `"/subscriptions/` + sub1 + `/providers/My.Rp/p/a"`}},
	"managementgroupresourceid": {{"managementGroupResourceId('mg', 'My.Rp/p', 'a')", `"/providers/Microsoft.Management/managementGroups/mg/providers/My.Rp/p/a"`}, {"managementGroupResourceId('My.Rp/p', 'a')", "<[managementGroupResourceId('My.Rp/p', 'a')]>"}},
	"tenantresourceid":          {{"tenantResourceId('My.Rp/p/c', 'a', 'b')", `"/providers/My.Rp/p/a/c/b"`}, {"tenantResourceId('x', 'My.Rp/p', 'a')", "error: at most '0'"}},
	"extensionresourceid":       {{"extensionResourceId(tenantResourceId('My.Rp/p', 'a'), 'My.Ext/e', 'b')", `"/providers/My.Rp/p/a/providers/My.Ext/e/b"`}},

	"reference": {
		{"reference(resourceId('My.Rp/p', 'a'), '2020-01-01').x", "<[reference('" + rgID + "/providers/My.Rp/p/a', '2020-01-01').x]>"},
		{"reference(parameters('missing')).x[0]", "<[reference(parameters('missing')).x[0]]>"},
		{"parameters('state').A.B", "1"},
		{"parameters('state').a.c", "<[reference('x').a.c]>"},
	},
	"references":      {{"references('sym', 'Full')", "<[references('sym', 'Full')]>"}},
	"list*":           {{"listKeys('x', '2020-01-01').keys[0].value", "<[listKeys('x', '2020-01-01').keys[0].value]>"}, {"listBuildSourceUploadUrl('x', 'y')", "<[listBuildSourceUploadUrl('x', 'y')]>"}, {"listKeys()", "error: requires at least 1"}},
	"providers":       {{"providers('Microsoft.Web', 'sites').apiVersions[0]", "<[providers('Microsoft.Web', 'sites').apiVersions[0]]>"}},
	"pickzones":       {{"pickZones('Microsoft.Compute', 'virtualMachines', 'westus2')", "<[pickZones('Microsoft.Compute', 'virtualMachines', 'westus2')]>"}, {"pickZones('a', 'b')", "error: between 3 and 5"}},
	"tologicalzone":   {{"toLogicalZone('s', 'l', 'z')", "<[toLogicalZone('s', 'l', 'z')]>"}},
	"tologicalzones":  {{"toLogicalZones('s', 'l', createArray('z'))", "<[toLogicalZones('s', 'l', createArray('z'))]>"}},
	"tophysicalzone":  {{"toPhysicalZone('s', 'l', '1')", "<[toPhysicalZone('s', 'l', '1')]>"}},
	"tophysicalzones": {{"toPhysicalZones('s', 'l', createArray('1'))", "<[toPhysicalZones('s', 'l', createArray('1'))]>"}},
	"roledefinitions": {{"roleDefinitions('Reader').id", "<[roleDefinitions('Reader').id]>"}},
}

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
