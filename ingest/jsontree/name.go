package jsontree

import "math/bits"

// hashName hashes a member name so that names equal but for the case of ASCII
// letters have one hash. It reads at most sixteen bytes, the first and the last
// eight: names of Azure's differ there, and a hash only spares comparisons.
func hashName(name string) uint16 {
	// Setting bit 5 folds the letters, and some other bytes together.
	const fold = 0x2020202020202020
	var first, last uint64
	if n := len(name); n >= 8 {
		first, last = load8(name), load8(name[n-8:])
	} else {
		for i := n - 1; i >= 0; i-- {
			first = first<<8 | uint64(name[i])
		}
	}
	h := (first|fold)*0x9e3779b97f4a7c15 ^ bits.RotateLeft64(last|fold, 29)*0xc2b2ae3d27d4eb4f
	return uint16((h + uint64(len(name))*0x165667b19e3779f9) >> 48)
}

// load8 returns the first eight bytes of s.
func load8(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// Fields is a set of member names, for readers that want many members of each of
// many objects.
type Fields struct {
	names []string
	// table maps the low bits of a hash to a name; names of one place follow
	// each other.
	table []fieldPlace
}

type fieldPlace struct {
	hash uint16
	name uint16 // plus one; 0 where there is none
}

// NewFields returns the set; a name must not be in it twice, in any case.
func NewFields(names ...string) *Fields {
	size := 8
	for size < 4*len(names) {
		size *= 2
	}
	f := &Fields{names: names, table: make([]fieldPlace, size)}
	for i, name := range names {
		hash := hashName(name)
		at := int(hash) & (size - 1)
		for f.table[at].name != 0 {
			if equalFold(names[f.table[at].name-1], name) {
				panic("jsontree: the field " + name + " twice")
			}
			at = (at + 1) & (size - 1)
		}
		f.table[at] = fieldPlace{hash, uint16(i + 1)}
	}
	return f
}

// Of sets values[i] to what n.Get answers for the i-th name, nil where n has no
// such member or is no object. There must be a value for each name.
func (f *Fields) Of(n *Node, values []*Node) {
	clear(values[:len(f.names)])
	if n.Kind() != Object {
		return
	}
	if m := n.src.made; m != nil {
		for _, m := range m.members {
			for i, name := range f.names {
				if equalFold(m.Name, name) {
					values[i] = m.Value
				}
			}
		}
		return
	}
	file := n.src.file
	for i := n.n; i < n.end; {
		c := file.node(i)
		for at := int(c.hash) & (len(f.table) - 1); f.table[at].name != 0; at = (at + 1) & (len(f.table) - 1) {
			if k := f.table[at].name - 1; f.table[at].hash == c.hash && c.named(f.names[k]) {
				values[k] = c
				break
			}
		}
		i = c.end
	}
}
