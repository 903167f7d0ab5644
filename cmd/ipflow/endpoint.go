package main

import (
	"net/netip"
	"strings"

	"ipflow/ingest/flow"
)

// endpoint is IP[:PORT] of a command line.
type endpoint struct {
	addr netip.Addr
	port string // "" when not given
}

// parseEndpoint reads 10.0.0.4, 10.0.0.4:443, 2001:db8::1, [2001:db8::1]:443;
// the port may be anything, see portOf.
func parseEndpoint(flag, text string) (endpoint, error) {
	if text == "" {
		return endpoint{}, usagef("--%s is needed: IP or IP:PORT", flag)
	}
	host, port := text, ""
	switch {
	case strings.HasPrefix(text, "["):
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return endpoint{}, usagef("--%s %q lacks the closing bracket: [IPV6]:PORT", flag, text)
		}
		rest := text[end+1:]
		host = text[1:end]
		if rest != "" {
			var ok bool
			if port, ok = strings.CutPrefix(rest, ":"); !ok {
				return endpoint{}, usagef("--%s %q is not [IPV6]:PORT", flag, text)
			}
		}
	case strings.Count(text, ":") == 1:
		host, port, _ = strings.Cut(text, ":")
	}
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" {
		return endpoint{}, usagef("--%s: %q is not an IP address; write IP:PORT, or [IPV6]:PORT for IPv6", flag, host)
	}
	return endpoint{a.Unmap(), port}, nil
}

// portOf reads a port; open is true for `*` and an absent one, which only the
// source port may be.
func (e endpoint) portOf(flag string, isSource bool, p flow.Protocol) (port uint16, open bool, err error) {
	switch {
	case e.port == "" && (isSource || !p.HasPorts()), e.port == "*" && isSource:
		return 0, true, nil
	case e.port == "":
		return 0, false, usagef("--%s needs a port: it is the destination; write %s:PORT", flag, e.addr)
	case e.port == "*":
		return 0, false, usagef("--%s: `*` stands for the source port only", flag)
	}
	port, ok := flow.ParsePort(e.port)
	if !ok {
		return 0, false, usagef("--%s: port %q is not one number from 0 to 65535", flag, e.port)
	}
	return port, false, nil
}
