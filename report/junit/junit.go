package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"ipflow/verify/assert"
)

// The elements, with the attributes that the schemas of Jenkins and Ant share.
type (
	testsuites struct {
		XMLName  xml.Name    `xml:"testsuites"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Suites   []testsuite `xml:"testsuite"`
	}
	testsuite struct {
		Name       string      `xml:"name,attr"`
		Tests      int         `xml:"tests,attr"`
		Failures   int         `xml:"failures,attr"`
		Errors     int         `xml:"errors,attr"`
		Skipped    int         `xml:"skipped,attr"`
		Properties *[]property `xml:"properties>property"`
		Cases      []testcase  `xml:"testcase"`
	}
	property struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	testcase struct {
		Name      string   `xml:"name,attr"`
		Classname string   `xml:"classname,attr"`
		Skipped   *outcome `xml:"skipped"`
		Error     *outcome `xml:"error"`
		Failure   *outcome `xml:"failure"`
	}
	outcome struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// Write writes results; properties, name and value, say where they come from.
// Results of one file stand together.
func Write(w io.Writer, results []assert.Result, properties ...[2]string) error {
	out := testsuites{Name: "ipflow test"}
	var props *[]property
	if len(properties) > 0 {
		props = &[]property{}
	}
	for _, p := range properties {
		*props = append(*props, property{assert.Inert(p[0]), assert.Inert(p[1])})
	}
	at := map[string]int{}
	for i := range results {
		r := &results[i]
		file := r.Name.At.File
		n, known := at[file]
		if !known {
			n = len(out.Suites)
			at[file] = n
			out.Suites = append(out.Suites, testsuite{Name: assert.Inert(file), Properties: props})
		}
		out.Suites[n].add(r)
	}
	for _, s := range out.Suites {
		out.Tests, out.Failures, out.Errors = out.Tests+s.Tests, out.Failures+s.Failures, out.Errors+s.Errors
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+string(text)+"\n")
	return err
}

func (s *testsuite) add(r *assert.Result) {
	c := testcase{Name: assert.Inert(r.Name.Text), Classname: s.Name}
	o := &outcome{Message: assert.Inert(r.Message), Type: string(r.State), Text: details(r)}
	s.Tests++
	switch r.State {
	case assert.Pass:
	case assert.XFail:
		why := "expected to fail"
		if r.Reason != "" {
			why += ": " + r.Reason
		}
		o.Message, o.Type = assert.Inert(why), ""
		c.Skipped = o
		s.Skipped++
	case assert.Fail, assert.XPass, assert.Expired:
		c.Failure = o
		s.Failures++
	case assert.Unknown, assert.Error:
		c.Error = o
		s.Errors++
	default:
		panic("junit: state " + string(r.State))
	}
	s.Cases = append(s.Cases, c)
}

// details is all that helps to mend an assertion, a line each.
func details(r *assert.Result) string {
	var b strings.Builder
	put := func(key, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s: %s\n", key, assert.Inert(text))
		}
	}
	put("at", r.At.String())
	put("expected", r.Expected)
	put("found", r.Message)
	for _, f := range r.Flows {
		put("flows", f)
	}
	put("facts", strings.Join(r.Facts, ", "))
	for _, n := range r.Notes {
		put("note", n)
	}
	put("remedy", r.Remedy)
	put("owner", r.Owner)
	return b.String()
}
