package expr

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// joinURI resolves a relative reference against an absolute one (RFC 3986), and
// writes it as .NET's AbsoluteUri: the root path of a host is written out.
func joinURI(c *call) (Value, error) {
	base, err := url.Parse(c.text(0))
	if err != nil || !base.IsAbs() || strings.ContainsAny(c.text(0), ` "<>`) {
		return nil, c.errorf("the template language function 'uri' expects its first argument to be a uri string: the provided value is '%s'", clip(c.text(0)))
	}
	base.Host = strings.ToLower(base.Host)
	relative, err := url.Parse(strings.ReplaceAll(c.text(1), " ", "%20"))
	if err != nil {
		return nil, c.errorf("the template language function 'uri' expects its second argument to be a relative uri: the provided value is '%s'", clip(c.text(1)))
	}
	u := base.ResolveReference(relative)
	if u.Path == "" && u.Host != "" {
		u.Path = "/"
	}
	if port := map[string]string{"https": "443", "http": "80"}[u.Scheme]; port != "" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return c.string(u.String())
}

// uriComponent escapes all but RFC 3986's unreserved characters.
func uriComponent(c *call) (Value, error) {
	var b strings.Builder
	for _, x := range []byte(c.text(0)) {
		if isDigit(x) || 'a' <= x|0x20 && x|0x20 <= 'z' || strings.IndexByte("-_.~", x) >= 0 {
			b.WriteByte(x)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", x)
	}
	return c.string(b.String())
}

func uriComponentToString(c *call) (Value, error) { return c.string(urlDecode(c.text(0))) }

// urlDecode leaves what is no escape alone; + is a space.
func urlDecode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '+' {
			b.WriteByte(' ')
			continue
		}
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToValidUTF8(b.String(), string(utf8.RuneError))
}

func dataURI(c *call) (Value, error) {
	kind, text := "application/json", display(c.args[0])
	switch v := c.args[0].(type) {
	case String, Null:
		kind = "text/plain"
	case *Array, *Object:
		s, err := compactJSON(v, c.ev.budget)
		if err != nil {
			return nil, err
		}
		text = s
	}
	c.args = []Value{String(text)}
	encoded, err := toBase64(c)
	if err != nil {
		return nil, err
	}
	return c.string("data:" + kind + ";charset=utf8;base64," + string(encoded.(String)))
}

func dataURIToString(c *call) (Value, error) {
	const scheme = "data:"
	s := c.text(0)
	meta, data, ok := strings.Cut(s, ",")
	if !ok || len(meta) < len(scheme) || !strings.EqualFold(meta[:len(scheme)], scheme) {
		return nil, c.errorf("the template language function 'dataUriToString' expects its parameter to be formatted as a valid data URI: the provided value '%s' was not formatted correctly", clip(s))
	}
	tokens := strings.Split(meta[len(scheme):], ";")
	if !strings.EqualFold(tokens[len(tokens)-1], "base64") {
		return c.string(urlDecode(data))
	}
	text, ok := decodeBase64(data)
	if !ok {
		return nil, c.errorf("the template language function 'dataUriToString' was invoked with a parameter that is not valid: the value cannot be converted to the target type")
	}
	return c.string(text)
}

// parseURI takes a URI apart. Whether a default port and an absent query are
// members of the result is not documented: they are left unknown.
func parseURI(c *call) (Value, error) {
	u, err := url.Parse(c.text(0))
	if err != nil || !u.IsAbs() || u.Host == "" {
		return nil, c.errorf("the template language function 'parseUri' expects an absolute uri: the provided value is '%s'", clip(c.text(0)))
	}
	members := []Member{
		{Name: "scheme", Value: String(u.Scheme)},
		{Name: "host", Value: String(u.Hostname())},
	}
	if n, err := strconv.Atoi(u.Port()); err == nil {
		members = append(members, Member{Name: "port", Value: Int(n)})
	}
	if u.Path != "" {
		members = append(members, Member{Name: "path", Value: String(u.EscapedPath())})
	}
	return c.object(members, c.unsettled())
}

// buildURI puts scheme, host, port, path and query together.
func buildURI(c *call) (Value, error) {
	o := c.args[0].(*Object)
	part := func(name string) string {
		m, ok := o.Get(name)
		if !ok {
			return ""
		}
		return display(m.Value)
	}
	if part("scheme") == "" || part("host") == "" {
		return nil, c.errorf("the template language function 'buildUri' expects an object with the properties 'scheme' and 'host'")
	}
	if part("query") != "" {
		return c.unsettled(), nil // with or without its question mark
	}
	s := part("scheme") + "://" + part("host")
	if port := part("port"); port != "" && port != "-1" {
		s += ":" + port
	}
	return c.string(s + "/" + strings.TrimPrefix(part("path"), "/"))
}
