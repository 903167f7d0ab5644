package azure

import (
	"net/netip"
	"slices"
	"strings"

	"ipflow/ingest/diag"
	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// serviceTags reads the tag files, later ones over earlier ones, and then checks
// the tags that rules name.
func (b *builder) serviceTags(files []Input) {
	known := map[string]string{} // names by key
	for i, f := range files {
		version, cloud := f.Root.Get("changeNumber").Text(), f.Root.Get("cloud").Text()
		switch {
		case i == 0:
			b.net.Tags = network.NewServiceTags(f.Root.Origin(), version, cloud)
		case version != b.net.Tags.ChangeNumber || !strings.EqualFold(cloud, b.net.Tags.Cloud):
			b.faults.Warnf(f.Root.Origin(), "several-tag-files",
				"service tags of change number %s (%s); %s holds those of %s (%s); tags in both are read from here",
				version, cloud, b.net.Tags.Origin, b.net.Tags.ChangeNumber, b.net.Tags.Cloud)
			b.net.Tags.Origin, b.net.Tags.ChangeNumber, b.net.Tags.Cloud = f.Root.Origin(), version, cloud
		}
		if link := f.Root.Get("nextLink"); link.Text() != "" {
			b.faults.Warnf(link.Origin(), "missing-page",
				"nextLink is set: this is one page of several; tags on the following pages are unknown")
		}
		for _, n := range f.Root.Get("values").Items() {
			if tag := b.serviceTag(n); tag != nil {
				b.net.Tags.Add(tag)
				known[network.Key(tag.Name)] = tag.Name
			}
		}
	}
	b.checkTags(known)
}

// serviceTag reads one tag. A tag of which a prefix cannot be read stays unknown.
func (r *reader) serviceTag(n *jsontree.Node) *network.ServiceTag {
	p := properties(n)
	name := n.Get("name").Text()
	if name == "" {
		name = n.Get("id").Text()
	}
	if name == "" {
		r.faults.Errorf(n.Origin(), "bad-tag", "the service tag has neither name nor id")
		return nil
	}
	prefixes := p.Get("addressPrefixes")
	if prefixes.Kind() != jsontree.Array {
		r.faults.Errorf(n.Origin(), "bad-tag", "service tag %s has no list addressPrefixes; it stays unknown", quote(name))
		return nil
	}
	tag := &network.ServiceTag{Name: name, Prefixes: make([]netip.Prefix, 0, len(prefixes.Items()))}
	good := true
	for _, item := range prefixes.Items() {
		prefix, _, ok := network.ParsePrefix(strings.TrimSpace(item.Text()))
		if !ok {
			r.faults.Errorf(item.Origin(), "bad-prefix", "%s is not an address prefix; service tag %s stays unknown", describe(item), quote(name))
			good = false
			continue
		}
		tag.Prefixes = append(tag.Prefixes, prefix)
	}
	if !good {
		return nil
	}
	features := p.Get("networkFeatures")
	tag.NoNSG = len(features.Items()) > 0 && !slices.ContainsFunc(features.Items(), func(f *jsontree.Node) bool {
		return strings.EqualFold(f.Text(), "NSG")
	})
	return tag
}

// maxSuggestions bounds how many unknown tags are compared with all known ones.
const maxSuggestions = 50

// tagUse is where a rule first names a tag.
type tagUse struct {
	text  string
	where diag.Origin
}

// checkTags reports tags in rules that nothing is known about: once per tag, or
// once for all when the snapshot holds no tag file.
func (b *builder) checkTags(known map[string]string) {
	uses := b.tagUses()
	var unknown []tagUse
	for _, u := range uses {
		tag := b.net.Tag(u.text)
		switch {
		case tag == nil:
			unknown = append(unknown, u)
		case tag.NoNSG:
			b.faults.Warnf(u.where, "tag-not-for-nsg", "service tag %s is not offered for security groups (networkFeatures lacks NSG); it is resolved all the same", quote(u.text))
		}
	}
	if len(unknown) == 0 {
		return
	}
	if b.net.Tags == nil {
		names := make([]string, 0, 4)
		for i, u := range unknown {
			if i == 3 && len(unknown) > 4 {
				names = append(names, "and others")
				break
			}
			names = append(names, u.text)
		}
		b.faults.Warnf(unknown[0].where, "no-service-tags",
			"rules name service tags (%s) and the snapshot holds no service-tag file; flows they may touch are Unknown; add one with --service-tags",
			strings.Join(names, ", "))
		return
	}
	names := make([]string, 0, len(known))
	for _, name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, u := range unknown {
		hint := ""
		if i < maxSuggestions {
			hint = meant(u.text, names...)
		}
		b.faults.Warnf(u.where, "unknown-tag", "service tag %s is not in %s; flows it may touch are Unknown%s",
			quote(u.text), b.net.Tags.Origin.File, hint)
	}
}

// tagUses lists the tags that rules name, in order of place.
func (b *builder) tagUses() []tagUse {
	byKey := map[string]*tagUse{}
	look := func(r *network.Rule) {
		for _, side := range [][]network.Selector{r.Source, r.Destination} {
			for i := range side {
				s := &side[i]
				if s.Kind != network.SelectServiceTag {
					continue
				}
				if key := network.Key(s.Text); byKey[key] == nil {
					byKey[key] = &tagUse{text: s.Text, where: r.Origin}
				}
			}
		}
	}
	for _, g := range b.net.SecurityGroups {
		for _, r := range g.Rules {
			look(r)
		}
	}
	for _, r := range b.net.Managed.Rules {
		look(r.Rule)
	}
	for _, l := range b.net.Managed.Lists {
		for _, r := range l.Rules {
			look(r.Rule)
		}
	}
	out := make([]tagUse, 0, len(byKey))
	for _, u := range byKey {
		out = append(out, *u)
	}
	slices.SortFunc(out, func(a, b tagUse) int {
		if c := a.where.Compare(b.where); c != 0 {
			return c
		}
		return strings.Compare(network.Key(a.text), network.Key(b.text))
	})
	return out
}
