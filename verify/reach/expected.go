package reach

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"ipflow/index"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
	"ipflow/verify/space"
)

// expectation is boxes that are expected at some NICs.
type expectation struct {
	nics      map[string]bool // keys of ids; nil for every NIC
	direction flow.Direction  // 0 for both
	boxes     []space.Box
}

// ExpectEnd expects every flow with the remote addresses of an end: those that it
// surely has, for what is left out is not looked at again.
func (p *Prober) ExpectEnd(e End) Expected {
	return func(s *space.Space, c *network.NIC, _ flow.Direction) space.Set {
		b := anyBox()
		b.Remote = p.Far(&e, c).Sure
		return s.Box(b)
	}
}

func anyBox() space.Box {
	return space.Box{
		Local: space.AllAddresses, Remote: space.AllAddresses, Protocols: index.AllProtocols,
		LocalPorts: space.AllPorts, RemotePorts: space.AllPorts,
	}
}

// ParseExpected reads the flows that are expected: an answer of reach as JSON
// (of its sets those that are allowed count), an array of boxes, or prefixes of
// remote addresses, one a line. What a box leaves out does not limit it. path
// names the source in errors.
func ParseExpected(path string, text []byte) (Expected, error) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	var list []expectation
	var err error
	switch first := bytes.TrimLeft(text, " \t\r\n"); {
	case bytes.HasPrefix(first, []byte("{")):
		list, err = readReport(path, text)
	case bytes.HasPrefix(first, []byte("[")):
		var boxes []ReportBox
		if err = readJSON(path, text, &boxes); err == nil {
			list, err = []expectation{{}}, nil
			list[0].boxes, err = boxesOf(path, boxes)
		}
	default:
		list, err = readPrefixes(path, text)
	}
	if err != nil {
		return nil, err
	}
	return func(s *space.Space, c *network.NIC, dir flow.Direction) space.Set {
		var sets []space.Set
		for i := range list {
			e := &list[i]
			if e.nics != nil && !e.nics[network.Key(c.ID)] || e.direction != 0 && e.direction != dir {
				continue
			}
			for _, b := range e.boxes {
				sets = append(sets, s.Box(b))
			}
		}
		return s.Union(sets...)
	}, nil
}

func readReport(path string, text []byte) (out []expectation, err error) {
	var r Report
	if err := readJSON(path, text, &r); err != nil {
		return nil, err
	}
	for i, set := range r.Sets {
		switch a := strings.ToLower(set.Access); a {
		case "allow", "":
		case "deny", "unknown":
			continue
		default:
			return nil, fmt.Errorf("%s: set %d: access %q is not Allow, Deny or Unknown", path, i+1, set.Access)
		}
		var e expectation
		if set.NICs != nil {
			e.nics = map[string]bool{}
			for _, id := range set.NICs {
				e.nics[network.Key(id)] = true
			}
		}
		if set.Direction != "" {
			var ok bool
			if e.direction, ok = flow.ParseDirection(set.Direction); !ok {
				return nil, fmt.Errorf("%s: set %d: direction %q is not Inbound or Outbound", path, i+1, set.Direction)
			}
		}
		if e.boxes, err = boxesOf(fmt.Sprintf("%s: set %d", path, i+1), set.Boxes); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func boxesOf(where string, list []ReportBox) (out []space.Box, err error) {
	for i, b := range list {
		box, err := space.BoxOf(b.Words)
		if err != nil {
			return nil, fmt.Errorf("%s: box %d: %w", where, i+1, err)
		}
		out = append(out, box)
	}
	return out, nil
}

// readJSON decodes one document and names the line of a fault. A name that is
// not known is a fault: a misspelt limit would expect everything.
func readJSON(path string, text []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(to)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("more than one JSON document")
		}
	}
	if err == nil {
		return nil
	}
	at := d.InputOffset()
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	}
	if _, name, unknown := strings.Cut(err.Error(), "unknown field "); unknown {
		// The decoder has read on to the end of the value by now.
		at = max(0, int64(bytes.Index(text, []byte(name))))
	}
	line := 1 + bytes.Count(text[:min(max(at, 0), int64(len(text)))], []byte("\n"))
	return fmt.Errorf("%s:%d: expected flows: %w", path, line, err)
}

func readPrefixes(path string, text []byte) ([]expectation, error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	var all index.Addresses
	found := false
	for n := 1; lines.Scan(); n++ {
		word, _, _ := strings.Cut(lines.Text(), "#")
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		e, err := space.BoxOf(space.Words{Remote: []string{word}})
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w; write JSON of reach, or one prefix a line", path, n, err)
		}
		all, found = all.Or(e.Remote), true
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !found {
		return nil, nil
	}
	b := anyBox()
	b.Remote = all
	return []expectation{{boxes: []space.Box{b}}}, nil
}
