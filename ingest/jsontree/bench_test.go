package jsontree

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// export writes something like the output of az network nsg list.
func export(rules int, indent bool) string {
	var b strings.Builder
	b.WriteString("[\n")
	for i := range rules {
		fmt.Fprintf(&b, `    {
      "access": "Allow",
      "description": "Lets the \"web\" tier %[1]d in",
      "destinationAddressPrefix": "10.%[2]d.%[3]d.0/24",
      "destinationAddressPrefixes": [],
      "destinationPortRanges": [
        "80",
        "443"
      ],
      "direction": "Inbound",
      "etag": "W/\"00000000-0000-0000-0000-%012[1]d\"",
      "id": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg-%[3]d/securityRules/rule-%[1]d",
      "name": "rule-%[1]d",
      "priority": %[4]d,
      "protocol": "Tcp",
      "provisioningState": "Succeeded",
      "sourceAddressPrefix": "*",
      "sourcePortRange": "*",
      "type": "Microsoft.Network/networkSecurityGroups/securityRules"
    },
`, i, i>>8&255, i&255, 100+i%3997)
	}
	b.WriteString("]")
	if indent {
		return b.String()
	}
	docs, _ := Parse("", []byte(b.String()))
	return string(docs[0].Encode())
}

func BenchmarkParse(b *testing.B) {
	for _, indent := range []bool{true, false} {
		text := []byte(export(20_000, indent))
		b.Run(fmt.Sprintf("rules=20000/indent=%t", indent), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var docs []*Node
			for b.Loop() {
				docs, _ = Parse("bench.json", text)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if len(docs) != 1 {
				b.Fatal("no document")
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(text)), "heap-B/B")
			runtime.KeepAlive(docs)
		})
	}
}

func BenchmarkOrigin(b *testing.B) {
	docs, _ := Parse("bench.json", []byte(export(20_000, true)))
	items := docs[0].Items()
	i := 0
	for b.Loop() {
		if o := items[i%len(items)].Get("priority").Origin(); o.Line == 0 {
			b.Fatal("no line")
		}
		i++
	}
}
