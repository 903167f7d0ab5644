package world

import (
	"testing"

	"ipflow/ingest/flow"
	"ipflow/ingest/network"
)

// The same bytes draw the same world, and no bytes draw one too.
func TestDrawIsAFunctionOfItsBytes(t *testing.T) {
	for _, bytes := range [][]byte{nil, {1}, []byte("\x03\x01\x04\x01\x05\x09\x02\x06\x05\x03\x05\x08\x09\x07\x09")} {
		a, b := New(bytes), New(bytes)
		if a.String() != b.String() {
			t.Errorf("%v drew two worlds:\n%s\n%s", bytes, a, b)
		}
		asked := 0
		a.EachTuple(func(_ *network.NIC, q flow.Tuple) bool {
			asked++
			return asked < 10
		})
		if asked != 10 {
			t.Errorf("%v: %d questions", bytes, asked)
		}
	}
}
