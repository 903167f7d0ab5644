package flowfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go"
)

const benchRows = 400_000

type benchRow struct {
	NIC        string `parquet:"nic,dict"`
	VM         string `parquet:"vm,dict"`
	Direction  string `parquet:"direction,dict"`
	Protocol   string `parquet:"protocol,dict"`
	LocalIP    string `parquet:"local_ip,dict"`
	LocalPort  uint16 `parquet:"local_port"`
	RemoteIP   string `parquet:"remote_ip"`
	RemotePort uint16 `parquet:"remote_port"`
}

func benchInput() []benchRow {
	rows := make([]benchRow, benchRows)
	x := uint64(42)
	for i := range rows {
		x = x*6364136223846793005 + 1442695040888963407
		n := x >> 33
		rows[i] = benchRow{
			NIC:       fmt.Sprintf("/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-%02d/providers/Microsoft.Network/networkInterfaces/nic-%03d", n%40, n%500),
			Direction: []string{"Inbound", "Outbound"}[n&1], Protocol: []string{"TCP", "UDP", "TCP"}[n%3],
			LocalIP: fmt.Sprintf("10.%d.0.%d", n%40, n%500%250), LocalPort: uint16(n * 7), RemoteIP: fmt.Sprintf("%d.%d.%d.%d", 20+n%60, n>>3&255, n>>11&255, n>>19&255), RemotePort: 443,
		}
	}
	return rows
}

func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	rows := benchInput()
	var csv, jsonl strings.Builder
	csv.WriteString("nic,vm,direction,protocol,local_ip,local_port,remote_ip,remote_port\n")
	for _, r := range rows {
		fmt.Fprintf(&csv, "%s,%s,%s,%s,%s,%d,%s,%d\n", r.NIC, r.VM, r.Direction, r.Protocol, r.LocalIP, r.LocalPort, r.RemoteIP, r.RemotePort)
		fmt.Fprintf(&jsonl, `{"nic":%q,"vm":%q,"direction":%q,"protocol":%q,"local_ip":%q,"local_port":%d,"remote_ip":%q,"remote_port":%d}`+"\n", r.NIC, r.VM, r.Direction, r.Protocol, r.LocalIP, r.LocalPort, r.RemoteIP, r.RemotePort)
	}
	write(b, dir, "flows.csv", csv.String())
	write(b, dir, "flows.jsonl", jsonl.String())
	write(b, dir, "flows.parquet", string(parquetBytes(b, rows, parquet.Compression(&parquet.Zstd))))
	write(b, dir, "flows.arrow", string(ipcFileBytes(b, benchTable(rows), 1<<16)))
	for _, format := range []string{"parquet", "arrow", "csv", "jsonl"} {
		b.Run("format="+format+"/cols=8", func(b *testing.B) {
			for b.Loop() {
				r, err := Open(context.Background(), []string{filepath.Join(dir, "flows."+format)}, Options{})
				if err != nil {
					b.Fatal(err)
				}
				n := 0
				for {
					batch, err := r.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					n += batch.Rows()
					batch.Release()
				}
				r.Close()
				if n != benchRows {
					b.Fatal(n)
				}
			}
			b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func benchTable(rows []benchRow) arrow.Table {
	var fields []arrow.Field
	for _, n := range []string{"nic", "vm", "direction", "protocol", "local_ip", "local_port", "remote_ip", "remote_port"} {
		f := arrow.Field{Name: n, Type: arrow.BinaryTypes.String}
		if strings.HasSuffix(n, "port") {
			f.Type = arrow.PrimitiveTypes.Uint16
		}
		fields = append(fields, f)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for _, r := range rows {
		for i, s := range []string{r.NIC, r.VM, r.Direction, r.Protocol, r.LocalIP, "", r.RemoteIP} {
			if i != 5 {
				b.Field(i).(*array.StringBuilder).Append(s)
			}
		}
		b.Field(5).(*array.Uint16Builder).Append(r.LocalPort)
		b.Field(7).(*array.Uint16Builder).Append(r.RemotePort)
	}
	rec := b.NewRecord()
	return array.NewTableFromRecords(rec.Schema(), []arrow.Record{rec})
}
