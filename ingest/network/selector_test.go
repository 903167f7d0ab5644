package network

import (
	"net/netip"
	"testing"
)

// FuzzPrefix4 compares the short way with netip: what it takes, netip reads alike,
// and it takes what netip prints.
func FuzzPrefix4(f *testing.F) {
	for _, s := range []string{
		"10.0.0.0/8", "10.0.0.4", "0.0.0.0/0", "255.255.255.255/32", "1.2.3.4/31", "01.2.3.4", "1.2.3.256", "1.2.3", "1.2.3.4.5",
		"1.2.3.4/", "1.2.3.4/33", "1.2.3.4/032", "1.2.3.0/08", "1..2.3", ".1.2.3.4", "1.2.3.4 ", "10.1.0.0/8", "::/0", "", "3232235777", "Storage.WestEurope", "abcd", "fe80::", "a.b-c_1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := netip.ParsePrefix(text)
		if a, addrErr := netip.ParseAddr(text); addrErr == nil {
			want, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		plain := err == nil && want.Addr().Is4() && want == want.Masked()
		got, ok := prefix4(text)
		if ok != plain || ok && got != want {
			t.Errorf("prefix4(%q) = %v, %t; netip reads %v, %v", text, got, ok, want, err)
		}
		s, remark, good := ParseSelector(text)
		if plain, found := PlainPrefix(text); found && (!good || remark != "" || s != Selector{Kind: SelectPrefix, Prefix: plain, Text: text}) {
			t.Errorf("PlainPrefix(%q) = %v, ParseSelector %+v, %q", text, plain, s, remark)
		}
		// What ParseSelector takes for a tag it need not try as a prefix.
		if _, _, prefix := ParsePrefix(text); prefix && isTagName(text) {
			t.Errorf("%q is a tag and a prefix", text)
		}
	})
}
