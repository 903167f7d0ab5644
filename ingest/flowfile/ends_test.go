package flowfile

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"ipflow/ingest/column"
)

// TestTwoEndedInputsAreToldApart pins which inputs are read as flows with two
// ends, and that the source then stands in the place of local.
func TestTwoEndedInputsAreToldApart(t *testing.T) {
	const five = "src_ip,src_port,dst_ip,dst_port,protocol"
	for _, c := range []struct {
		name, header string
		maps         map[string]string
		want         string // places of protocol, src_ip, src_port, dst_ip, dst_port; "one" for one-ended; else the error
	}{
		{"five-columns", five, nil, "4 0 1 2 3"},
		{"any-case-and-order", "Protocol,DST_IP,Src_IP,note,Dst_Port,src_port", nil, "0 2 5 1 4"},
		{"nic-is-not-used", "nic," + five, nil, "5 1 2 3 4"},
		{"mapped", "S,SP,D,DP,P", map[string]string{"SRC_IP": "s", "src_port": "sp", "dst_ip": "d", "dst_port": "dp", "protocol": "p"}, "4 0 1 2 3"},
		{"mapped-in-part", "a,src_port,dst_ip,dst_port,protocol", map[string]string{"src_ip": "a"}, "4 0 1 2 3"},
		{"one-end-wins", five + ",direction,local_ip,local_port,remote_ip,remote_port", nil, "one"},
		{"direction-wins", five + ",direction", nil, "has no column local_ip"},
		{"local-ip-wins", five + ",local_ip", nil, "has no column direction"},
		{"map-chooses-one-end", five + ",direction", map[string]string{"local_ip": "src_ip", "local_port": "src_port", "remote_ip": "dst_ip", "remote_port": "dst_port"}, "one"},
		{"map-chooses-two-ends", five + ",direction", map[string]string{"src_ip": "src_ip"}, "4 0 1 2 3"},
		{"no-destination-port", "src_ip,src_port,dst_ip,dport,protocol", nil, "no column dst_port; it has src_ip, src_port, dst_ip, dport, protocol; did you mean --map dst_port=dport?"},
		{"no-protocol", "src_ip,src_port,dst_ip,dst_port,proto", nil, "did you mean --map protocol=proto?"},
		{"mapped-missing", five, map[string]string{"src_ip": "x"}, "no column x, which --map gives for src_ip"},
		{"other-names", "SourceIP,SourcePort,DestIP,DestPort,Protocol", nil, "if every flow is to be asked at both ends, use --map src_ip=SourceIP --map dst_ip=DestIP"},
		{"both-kinds-mapped", five, map[string]string{"src_ip": "a", "remote_ip": "b"}, "--map names remote_ip"},
		{"one-name-twice", five, map[string]string{"src_ip": "dst_ip"}, "stands for both src_ip and dst_ip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, t.TempDir(), "f.csv", c.header+"\n"+strings.Repeat(",", strings.Count(c.header, ","))+"\n")
			r, err := Open(context.Background(), []string{path}, Options{Map: c.maps})
			if err != nil {
				if !strings.Contains(err.Error(), c.want) {
					t.Errorf("%q lacks %q", err, c.want)
				}
				return
			}
			defer r.Close()
			s := r.Schema()
			if got := s.Ends; got != (c.want != "one") {
				t.Fatalf("two ends: %v", got)
			}
			if !s.Ends {
				return
			}
			var got []string
			for _, n := range []column.Name{column.Protocol, column.LocalIP, column.LocalPort, column.RemoteIP, column.RemotePort} {
				got = append(got, string(rune('0'+s.Flow[n])))
			}
			if strings.Join(got, " ") != c.want || s.Flow[column.NIC] != -1 || s.Flow[column.VM] != -1 || s.Flow[column.Direction] != -1 {
				t.Errorf("flow columns %v, want %s", s.Flow, c.want)
			}
		})
	}
}

func TestTwoEndedNICColumnIsPointedOut(t *testing.T) {
	path := write(t, t.TempDir(), "f.csv", "nic,src_ip,src_port,dst_ip,dst_port,protocol\n")
	r, err := Open(context.Background(), []string{path}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if h := r.Hints(); len(h) != 1 || !strings.Contains(h[0], "column nic is not used") {
		t.Errorf("hints %q", h)
	}
}

// TestTwoEndedJSONLines: keys in any case are the ends' columns, and a direction
// that turns up late is no small matter.
func TestTwoEndedJSONLines(t *testing.T) {
	dir := t.TempDir()
	line := `{"src_ip":"10.0.0.4","src_port":1,"dst_ip":"10.0.0.5","dst_port":443,"protocol":"TCP"}` + "\n"
	path := write(t, dir, "f.jsonl", line+strings.ReplaceAll(line, "src_ip", "SRC_IP"))
	r, err := Open(context.Background(), []string{path}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Release()
	if at := b.Flow[column.LocalIP]; !r.Schema().Ends || b.Rows() != 2 || b.Record.Column(at).ValueStr(1) != "10.0.0.4" {
		t.Errorf("schema %+v, batch %v", r.Schema(), b.Record)
	}
	write(t, dir, "late.jsonl", line+strings.Replace(line, "{", `{"direction":"In",`, 1))
	_, err = read(t, Options{WindowRows: 1, Keep: KeepSpec{None: true}}, filepath.Join(dir, "late.jsonl"))
	if err == nil || errors.As(err, new(*UsageError)) || !strings.Contains(err.Error(), "late.jsonl:2: flow column direction first appears here") {
		t.Errorf("a late direction: %v", err)
	}
}
