package audit

import (
	"bufio"
	"encoding/json"
	"io"
	"reflect"
	"strings"
)

// WriteJSON writes the report, a row a line: it may be large, and none of it is
// held twice. Strings are as the input wrote them, escaped as JSON wants; `<`,
// `>` and `&` too, so that the text is inert inside HTML.
func (r *Report) WriteJSON(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	v := reflect.ValueOf(r).Elem()
	out.WriteString("{")
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\"" + name + "\":")
		if err := writeField(out, enc, v.Field(i)); err != nil {
			return err
		}
	}
	out.WriteString("}\n")
	return out.Flush()
}

// writeField writes a value, and a list element by element.
func writeField(out *bufio.Writer, enc *json.Encoder, v reflect.Value) error {
	if v.Kind() != reflect.Slice {
		return enc.Encode(v.Interface())
	}
	out.WriteString("[\n")
	for i := range v.Len() {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := enc.Encode(v.Index(i).Addr().Interface()); err != nil {
			return err
		}
	}
	_, err := out.WriteString("]\n")
	return err
}
