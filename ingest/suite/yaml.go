package suite

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"ipflow/ingest/diag"
)

// readYAML reads the one document of a YAML file.
func readYAML(path string, data []byte) (*node, diag.List) {
	var faults diag.List
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	err := decoder.Decode(&doc)
	if err == nil {
		if err = decoder.Decode(&more); err == nil {
			faults.Errorf(diag.Origin{File: path, Line: more.Line, Column: more.Column}, "bad-suite", "a second document; the file may hold one")
			return nil, faults
		}
	}
	switch {
	case errors.Is(err, io.EOF) && len(doc.Content) == 1:
	case errors.Is(err, io.EOF):
		faults.Errorf(diag.Origin{File: path, Line: 1, Column: 1}, "bad-suite", "the file is empty")
		return nil, faults
	default:
		faults.Errorf(yamlFault(path, data, err))
		return nil, faults
	}
	r := yamlReader{path: path}
	n, over := r.node(doc.Content[0], 0)
	if over != nil {
		faults.Errorf(over.at, "bad-suite", "%s", over.message)
		return nil, faults
	}
	return n, nil
}

// yamlFault places a syntax error and says how the common ones are mended. The
// last results are a format with its argument.
func yamlFault(path string, data []byte, err error) (at diag.Origin, code, format string, message any) {
	at = diag.Origin{File: path}
	said := strings.TrimPrefix(err.Error(), "yaml: ")
	var fault *yaml.LoadError
	if errors.As(err, &fault) {
		at.Line, at.Column, said = int(fault.Mark.Line), int(fault.Mark.Column), fault.Message
	}
	if lines := bytes.Split(data, []byte("\n")); at.Line > 0 && at.Line <= len(lines) {
		switch line := strings.TrimRight(string(lines[at.Line-1]), " \r"); {
		case strings.Contains(said, "alphabetic or numeric") && strings.Contains(line, "*"):
			said += `; write "*" in quotes`
		case strings.HasPrefix(line, "\t"):
			said += "; indent with spaces, not tabs"
		}
	}
	return at, "bad-yaml", "not YAML: %s", said
}

type yamlReader struct {
	budget
	path string
}

func (r *yamlReader) at(n *yaml.Node) diag.Origin {
	return diag.Origin{File: r.path, Line: n.Line, Column: n.Column}
}

func (r *yamlReader) node(in *yaml.Node, depth int) (*node, *tooMuch) {
	out := &node{at: r.at(in)}
	if over := r.spend(out.at, depth); over != nil {
		return nil, over
	}
	switch in.Kind {
	case yaml.AliasNode:
		// The faults of what it stands for are told there.
		return r.node(in.Alias, depth+1)
	case yaml.ScalarNode:
		if over := r.scalar(in, out); over != nil {
			return nil, over
		}
	case yaml.SequenceNode:
		out.kind = list
		for _, x := range in.Content {
			item, over := r.node(x, depth+1)
			if over != nil {
				return nil, over
			}
			out.items = append(out.items, item)
		}
	case yaml.MappingNode:
		out.kind = object
		for i := 0; i+1 < len(in.Content); i += 2 {
			key := in.Content[i]
			switch {
			case key.Kind != yaml.ScalarNode:
				return nil, &tooMuch{r.at(key), "a key that is no plain text"}
			case key.ShortTag() == "!!merge":
				return nil, &tooMuch{r.at(key), "merge keys (<<) are not read; repeat the keys, or give an alias (*name) to one value"}
			}
			value, over := r.node(in.Content[i+1], depth+1)
			if over != nil {
				return nil, over
			}
			out.members = append(out.members, member{key.Value, r.at(key), value})
		}
	default:
		return nil, &tooMuch{out.at, "a value of no kind that is read"}
	}
	return out, nil
}

// scalar reads a value by its type. Dates are texts: YAML knows them, JSON does
// not.
func (r *yamlReader) scalar(in *yaml.Node, out *node) *tooMuch {
	out.kind, out.text = text, in.Value
	switch tag := in.ShortTag(); tag {
	case "!!str", "!!timestamp":
	case "!!null":
		out.kind = null
	case "!!bool":
		out.kind = boolean
		var v bool
		if in.Decode(&v) == nil {
			out.text = strconv.FormatBool(v)
		}
	case "!!int":
		out.kind = number
		var v int64
		out.odd = in.Decode(&v) == nil && strconv.FormatInt(v, 10) != in.Value
	case "!!float":
		out.kind = number
		var v float64
		switch {
		case !strings.ContainsAny(in.Value, ".eE"):
			out.odd = true
		case in.Decode(&v) == nil && v == math.Trunc(v) && math.Abs(v) < 1<<53:
			out.text = strconv.FormatInt(int64(v), 10)
		}
	default:
		return &tooMuch{out.at, "the type " + tag + " is not read; leave it out"}
	}
	return nil
}
