package corpus

import (
	"bufio"
	"io"
	"strconv"
)

// jsonWriter writes indented JSON value by value; nothing is kept. Its strings
// are written as they are: names, prefixes and words of an Estate need no
// escaping. The first error of the writer below ends the output.
type jsonWriter struct {
	w     *bufio.Writer
	depth int
	some  bool // the open object or array has a value
}

func newJSONWriter(w io.Writer) *jsonWriter { return &jsonWriter{w: bufio.NewWriterSize(w, 1<<18)} }

const spaces = "                                                                "

func (j *jsonWriter) line() {
	j.w.WriteByte('\n')
	j.w.WriteString(spaces[:2*j.depth])
}

// key begins a member; "" begins an element of an array.
func (j *jsonWriter) key(name string) {
	if j.some {
		j.w.WriteByte(',')
	}
	j.some = true
	if j.depth > 0 {
		j.line()
	}
	if name != "" {
		j.text(name)
		j.w.WriteString(": ")
	}
}

func (j *jsonWriter) text(s string) {
	j.w.WriteByte('"')
	j.w.WriteString(s)
	j.w.WriteByte('"')
}

func (j *jsonWriter) open(name string, bracket byte) {
	j.key(name)
	j.w.WriteByte(bracket)
	j.depth++
	j.some = false
}

func (j *jsonWriter) close(bracket byte) {
	j.depth--
	if j.some {
		j.line()
	}
	j.some = true
	j.w.WriteByte(bracket)
}

func (j *jsonWriter) object(name string, body func()) {
	j.open(name, '{')
	body()
	j.close('}')
}

func (j *jsonWriter) array(name string, body func()) {
	j.open(name, '[')
	body()
	j.close(']')
}

func (j *jsonWriter) string(name, value string) {
	j.key(name)
	j.text(value)
}

func (j *jsonWriter) bool(name string, value bool) {
	j.key(name)
	j.w.WriteString(strconv.FormatBool(value))
}

func (j *jsonWriter) int(name string, value int) {
	j.key(name)
	j.w.WriteString(strconv.Itoa(value))
}

func (j *jsonWriter) strings(name string, values []string) {
	j.array(name, func() {
		for _, v := range values {
			j.string("", v)
		}
	})
}

// reference writes {"id": …}.
func (j *jsonWriter) reference(name, id string) {
	j.object(name, func() { j.string("id", id) })
}

func (j *jsonWriter) references(name string, ids []string) {
	j.array(name, func() {
		for _, id := range ids {
			j.reference("", id)
		}
	})
}

// broken reports whether the writer below has failed: the rest would be drawn
// for nothing.
func (j *jsonWriter) broken() bool {
	_, err := j.w.Write(nil)
	return err != nil
}

// finish ends the text and reports the first error.
func (j *jsonWriter) finish() error {
	j.w.WriteByte('\n')
	return j.w.Flush()
}
