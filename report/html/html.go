package html

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"

	"ipflow/verify/audit"
)

//go:embed page.html.tmpl report.css print.css script/*.js
var assets embed.FS

// styleFiles and scriptFiles are concatenated in this order.
var (
	styleFiles  = []string{"report.css", "print.css"}
	scriptFiles = []string{
		"script/data.js", "script/services.js", "script/dom.js", "script/pieces.js", "script/listing.js", "script/dialog.js",
		"script/overview.js", "script/findings.js", "script/matrix.js", "script/rules.js",
		"script/nics.js", "script/picture.js", "script/evidence.js", "script/print.js", "script/app.js",
	}
)

// asset returns files of the page as one text, with the line ends that HTML
// parsers see: the hashes of the policy are over those.
func asset(names []string) string {
	var b bytes.Buffer
	for _, name := range names {
		text, err := assets.ReadFile(name)
		if err != nil {
			panic("html: " + err.Error())
		}
		b.Write(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	}
	return b.String()
}

// policy allows one style, one script and nothing else. With Trusted Types a
// browser refuses to parse text as markup even if the script asked for it.
func policy(style, script string) string {
	return "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) +
		"; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Write writes the page of a report.
func Write(w io.Writer, r *audit.Report) error {
	page, err := template.ParseFS(assets, "page.html.tmpl")
	if err != nil {
		panic("html: " + err.Error())
	}
	// The names of the script are its own, not the window's.
	style, script := asset(styleFiles), "\"use strict\";\n(() => {\n"+asset(scriptFiles)+"})();\n"
	data := struct {
		Policy  string
		Style   template.CSS
		Script  template.JS
		Summary *summary
	}{policy(style, script), template.CSS(style), template.JS(script), summaryOf(r)}

	out := bufio.NewWriterSize(w, 1<<16)
	if err := page.ExecuteTemplate(out, "head", data); err != nil {
		return err
	}
	// The encoder escapes <, >, & and U+2028 and U+2029, so that no text of the
	// data ends its element.
	out.WriteString("<script type=\"application/json\" id=\"data\">")
	if err := json.NewEncoder(out).Encode(payloadOf(r)); err != nil {
		return err
	}
	out.WriteString("</script>\n")
	if err := page.ExecuteTemplate(out, "tail", data); err != nil {
		return err
	}
	return out.Flush()
}
