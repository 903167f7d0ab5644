package main

import (
	"bufio"
	_ "embed"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"ipflow/benchmarks/hotlist"
	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

//go:embed acl/race_acl.c
var aclSource []byte

// acl is rte_acl behind acl/race_acl.c.
type acl struct {
	*coproc
	algorithms []string
	version    string
}

// startACL compiles the program and starts it on the last core.
func startACL(cache string) (*acl, error) {
	if runtime.GOOS != "linux" {
		return nil, absent("rte_acl", "DPDK is used on Linux only here")
	}
	for _, tool := range []string{"gcc", "pkg-config"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, absent("rte_acl", tool+" is not installed; `make race-tools` installs it on Debian")
		}
	}
	version, err := exec.Command("pkg-config", "--modversion", "libdpdk").Output()
	if err != nil {
		return nil, absent("rte_acl", "DPDK is not installed; `make race-tools` installs libdpdk-dev on Debian")
	}
	source, program := filepath.Join(cache, "race_acl.c"), filepath.Join(cache, "race_acl")
	if err := os.WriteFile(source, aclSource, 0o644); err != nil {
		return nil, err
	}
	build := exec.Command("sh", "-c", `exec gcc -O3 -march=native $(pkg-config --cflags libdpdk) -o "$1" "$2" $(pkg-config --libs libdpdk)`, "sh", program, source)
	if out, err := build.CombinedOutput(); err != nil {
		return nil, absent("rte_acl", fmt.Sprintf("race_acl.c does not compile: %s", out))
	}
	p, err := startCoproc("race_acl", exec.Command(program, strconv.Itoa(runtime.NumCPU()-1)))
	if err != nil {
		return nil, err
	}
	a := &acl{coproc: p, version: "DPDK " + strings.TrimSpace(string(version))}
	names, err := a.ask("algorithms")
	if err != nil {
		return nil, absent("rte_acl", err.Error())
	}
	a.algorithms = strings.Fields(names)
	return a, nil
}

// large returns the megabytes of the process that lie in large pages, and of those the
// ones of its tables.
func (a *acl) large() (all, tables float64, err error) {
	text, err := a.ask("large")
	if err != nil {
		return 0, 0, err
	}
	if _, err := fmt.Sscan(text, &all, &tables); err != nil {
		return 0, 0, fmt.Errorf("race_acl: %q: %w", text, err)
	}
	return all / 1e6, tables / 1e6, nil
}

// built is what loading a list cost.
type built struct{ ms, tableMB float64 }

func (a *acl) load(name, path string) (built, error) {
	text, err := a.ask("load %s %s", name, path)
	if err != nil {
		return built{}, err
	}
	var ms float64
	var tables, rules int
	if _, err := fmt.Sscan(text, &ms, &tables, &rules); err != nil {
		return built{}, fmt.Errorf("race_acl: %q: %w", text, err)
	}
	return built{ms, float64(tables) / 1e6}, nil
}

// run returns the nanoseconds of the quickest of so many passes over the trace.
func (a *acl) run(list, trace, algorithm string, passes int) (float64, error) {
	text, err := a.ask("run %s %s %s %d", list, trace, algorithm, passes)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(text, 64)
}

// dump returns the positions of the rules that rte_acl found.
func (a *acl) dump(list, trace, algorithm, path string) ([]uint32, error) {
	if _, err := a.ask("dump %s %s %s %s", list, trace, algorithm, path); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := make([]uint32, len(b)/4)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return out, nil
}

// writeRules writes the list as 5-tuples without the local address, which is
// decided, in the form that race_acl.c describes.
func writeRules(path string, l *hotlist.List) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for i := range l.Rules {
		r := &l.Rules[i]
		protocol, mask := 0, 0
		if r.Protocol != network.AnyProtocol {
			protocol, mask = int(r.Protocol), 255
		}
		for _, p := range r.Remote {
			for _, s := range r.Source {
				for _, d := range r.Destination {
					fmt.Fprintf(w, "%s %d/%d %d-%d %d-%d %d\n", p, protocol, mask, s.First, s.Last, d.First, d.Last, i)
				}
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// writeTrace writes packets as race_acl.c reads them.
func writeTrace(path string, trace []flow.Tuple) error {
	b := make([]byte, 0, 12*len(trace))
	for i := range trace {
		t := &trace[i]
		source, destination := t.Ports()
		b = binary.BigEndian.AppendUint32(b, t.Remote.As4())
		b = binary.BigEndian.AppendUint16(b, source)
		b = binary.BigEndian.AppendUint16(b, destination)
		b = append(b, byte(t.Protocol), 0, 0, 0)
	}
	return os.WriteFile(path, b, 0o644)
}
