package audit

import (
	"bufio"
	"encoding/json"
	"io"
)

// WriteJSON writes the report. Every string is as the input wrote it, escaped as
// JSON wants; `<`, `>` and `&` too, so that the text is inert inside HTML.
func (r *Report) WriteJSON(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetIndent("", " ")
	if err := enc.Encode(r); err != nil {
		return err
	}
	return out.Flush()
}
