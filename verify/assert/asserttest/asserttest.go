package asserttest

import (
	"net/netip"
	"strings"
	"time"

	"ipflow/ingest/diag"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/ingest/suite"
	"ipflow/verify/assert"
	"ipflow/verify/reach"
)

// Names are names that mean something to a browser, a terminal, a pipeline, or a
// reader of XML, TAP, YAML or CSV.
var Names = []string{
	"plain",
	"<script>alert('x')</script> & \"quotes\"",
	"]]> <!-- --> <![CDATA[",
	"\x1b[31mred\x1b[0m \x9b31m \a\b\x7f",
	"two\nlines\r\nand three",
	"\nnot ok 99 - made up\n1..2\nBail out!\n",
	strings.Repeat("漢", 80),
	"zero\x00one\x01 \ufffe \uffff \ufffd \xff\xfe",
	"%0A::error file=x::made up %25 , : ;",
	"::set-output name=a::b",
	"##vso[task.setvariable variable=a]b ##[error]c",
	"# TODO skip me # SKIP \\# \\",
	"- : ? & * ! | > ' \" { } [ ] , @ ` --- ...",
	"  --- ", "...",
	"=HYPERLINK(\"x\")\t|`*_~[a](b)",
	"\u202egnp.exe \u200b\u2028\u2029",
}

// Results returns a result of every state for every name, the name wherever one
// can stand.
func Results() (out []assert.Result) {
	for i, name := range Names {
		for _, s := range assert.States {
			a := &suite.Assertion{
				Name:      suite.Word{Text: name + " " + string(s), At: diag.Origin{File: "suite " + name + ".yaml", Line: 3 + i, Column: 11}},
				Selection: suite.Selection{From: []suite.Word{{Text: name}}}, Expect: flow.Deny, Owner: name,
				Expires: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
			}
			r := assert.Result{Assertion: a, At: a.Name.At, State: s, Expected: "Deny for " + name, NICs: 2}
			if s == assert.XFail {
				a.XFail, a.Reason = true, name
			}
			if s != assert.Pass {
				rule := &network.Rule{ID: "/nsgs/" + name + "/securityRules/" + name, Name: name, Origin: diag.Origin{File: name, Line: 7}}
				r.Message, r.Remedy = "found "+name, "mend "+name
				r.Flows, r.Facts, r.Notes = []string{name, name + "2"}, []string{"unknown-tag:" + name}, []string{name}
				r.Witness = &assert.Witness{
					NIC: &network.NIC{ID: "/nics/" + name, Name: name}, By: rule, Decision: reach.Decision{Access: flow.Allow, Layer: flow.Subnet, Reason: name},
					Tuple: flow.Tuple{
						Direction: flow.Inbound, Protocol: flow.TCP, LocalPort: 22, RemotePort: 50000,
						Local: flow.AddressFrom(netip.MustParseAddr("10.0.0.4")), Remote: flow.AddressFrom(netip.MustParseAddr("203.0.113.9")),
					},
				}
			}
			out = append(out, r)
		}
	}
	return out
}
