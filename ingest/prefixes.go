package ingest

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"ipflow/ingest/jsontree"
	"ipflow/ingest/network"
)

// readPrefixes reads a list of prefixes: a JSON array of strings; a JSON object
// with such an array under "prefixes" or "Internet" (as in the tagMap of
// effective rules), or with "versions" whose last element has it; or text with
// one prefix a line and # comments.
func readPrefixes(path string) ([]netip.Prefix, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var texts []string
	if t := bytes.TrimSpace(data); len(t) > 0 && (t[0] == '[' || t[0] == '{') {
		texts, err = jsonPrefixes(path, data)
		if err != nil {
			return nil, err
		}
	} else {
		for line := range strings.Lines(string(data)) {
			line, _, _ = strings.Cut(line, "#")
			texts = append(texts, strings.Fields(line)...)
		}
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%s holds no prefixes: give a JSON array of prefixes or one prefix a line", path)
	}
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		p, _, ok := network.ParsePrefix(t)
		if !ok {
			return nil, fmt.Errorf("%s: %q is not an address prefix", path, t)
		}
		out[i] = p
	}
	return out, nil
}

func jsonPrefixes(path string, data []byte) ([]string, error) {
	docs, faults := jsontree.Parse(path, data)
	if len(faults) > 0 {
		return nil, fmt.Errorf("%s", faults[0])
	}
	node := docs[0]
	if versions := node.Get("versions").Items(); len(versions) > 0 {
		node = versions[len(versions)-1]
	}
	for _, name := range []string{"prefixes", "Internet"} {
		if list := node.Get(name); list != nil {
			node = list
			break
		}
	}
	var out []string
	for _, item := range node.Items() {
		out = append(out, item.Text())
	}
	return out, nil
}
