package azure

import (
	"strings"
	"testing"

	"ipflow/ingest/network"
)

// FuzzTypeOf compares typeOf with its twin that takes the id apart.
func FuzzTypeOf(f *testing.F) {
	const s = "/subscriptions/s/resourceGroups/r/Providers/"
	for _, id := range []string{
		s + "Microsoft.Network/virtualNetworks/v", s + "a/b/c/d/e", s + "a/b/c/d", s + "a/b", s + "a//c", s + "/b/c",
		s + "a/b/c/", "/providers/providers/a/b", "/providers/İ/b/c", "İ/PROVIDERS/a/b/c", "/subscriptions/s", "",
	} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if got, want := typeOf(id), splitTypeOf(id); got != want {
			t.Errorf("typeOf(%q) = %q, want %q", id, got, want)
		}
	})
}

func splitTypeOf(id string) string {
	const marker = "/providers/"
	i := strings.LastIndex(network.Key(id), marker)
	if i < 0 {
		switch s := strings.Split(id, "/"); {
		case len(s) == 5 && s[0] == "" && strings.EqualFold(s[1], "subscriptions") && strings.EqualFold(s[3], "resourceGroups"):
			return "Microsoft.Resources/resourceGroups"
		case len(s) == 3 && s[0] == "" && strings.EqualFold(s[1], "subscriptions") && s[2] != "":
			return "Microsoft.Resources/subscriptions"
		}
		return ""
	}
	if len(network.Key(id)) != len(id) {
		return ""
	}
	s := strings.Split(id[i+len(marker):], "/")
	if len(s) < 3 || len(s)%2 == 0 {
		return ""
	}
	t := s[0]
	for j := 1; j < len(s); j += 2 {
		if s[j] == "" || s[j+1] == "" {
			return ""
		}
		t += "/" + s[j]
	}
	return t
}
