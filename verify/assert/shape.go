package assert

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"

	"ipflow/verify/space"
)

// Report is results in the JSON shape that scripts rely on. Arrays are never
// null.
type Report struct {
	Results  []ReportResult  `json:"results"`
	Summary  Summary         `json:"summary"`
	Coverage *CoverageReport `json:"coverage,omitempty"`
}

// Summary counts results by state.
type Summary struct {
	Assertions int `json:"assertions"`
	Pass       int `json:"pass"`
	Fail       int `json:"fail"`
	Unknown    int `json:"unknown"`
	Error      int `json:"error"`
	XFail      int `json:"xfail"`
	XPass      int `json:"xpass"`
	Expired    int `json:"expired"`
}

// ReportResult is one Result.
type ReportResult struct {
	Name     string         `json:"name"`
	State    State          `json:"state"`
	File     string         `json:"file"`
	Line     int            `json:"line"`
	Column   int            `json:"column"`
	Expected string         `json:"expected"`
	Message  string         `json:"message,omitempty"`
	Remedy   string         `json:"remedy,omitempty"`
	Owner    string         `json:"owner,omitempty"`
	Expires  string         `json:"expires,omitempty"`
	XFail    string         `json:"xfail,omitempty"` // the reason
	NICs     int            `json:"nics"`
	Witness  *ReportWitness `json:"witness"`
	Flows    []string       `json:"flows"`
	Facts    []string       `json:"facts"`
	Notes    []string       `json:"notes"`
}

// ReportWitness is a flow and what decides it; rule and layer are null where no
// rule does.
type ReportWitness struct {
	space.Flow
	Access   string  `json:"access"`
	Rule     *string `json:"rule"`
	Layer    *string `json:"layer"`
	RuleFile string  `json:"rule_file,omitempty"`
	RuleLine int     `json:"rule_line,omitempty"`
	Pointer  string  `json:"rule_pointer,omitempty"`
	Reason   string  `json:"reason,omitempty"`
}

// Summarize counts results.
func Summarize(list []Result) Summary {
	s := Summary{Assertions: len(list)}
	for i := range list {
		switch list[i].State {
		case Pass:
			s.Pass++
		case Fail:
			s.Fail++
		case Unknown:
			s.Unknown++
		case Error:
			s.Error++
		case XFail:
			s.XFail++
		case XPass:
			s.XPass++
		case Expired:
			s.Expired++
		default:
			panic("assert: state " + string(list[i].State))
		}
	}
	return s
}

// of returns the count of a state.
func (s *Summary) of(state State) int {
	return map[State]int{
		Pass: s.Pass, Fail: s.Fail, Unknown: s.Unknown, Error: s.Error, XFail: s.XFail, XPass: s.XPass, Expired: s.Expired,
	}[state]
}

// OK reports whether every result is well.
func (s Summary) OK() bool { return s.Pass+s.XFail == s.Assertions }

// ReportOf writes results in words.
func ReportOf(list []Result) Report {
	out := Report{Results: []ReportResult{}, Summary: Summarize(list)}
	for i := range list {
		r := &list[i]
		j := ReportResult{
			Name: r.Name.Text, State: r.State, File: r.At.File, Line: r.At.Line, Column: r.At.Column,
			Expected: r.Expected, Message: r.Message, Remedy: r.Remedy, Owner: r.Owner, NICs: r.NICs, XFail: r.Reason,
			Flows: notNil(r.Flows), Facts: notNil(r.Facts), Notes: notNil(r.Notes),
		}
		if !r.Expires.IsZero() {
			j.Expires = r.Expires.Format(time.DateOnly)
		}
		if w := r.Witness; w != nil {
			j.Witness = &ReportWitness{Flow: space.FlowOf(w.NIC.ID, w.Tuple), Access: w.Access.String(), Reason: w.Reason}
			if w.By != nil {
				layer := w.Layer.String()
				j.Witness.Rule, j.Witness.Layer = &w.By.ID, &layer
				j.Witness.RuleFile, j.Witness.RuleLine, j.Witness.Pointer = w.By.Origin.File, w.By.Origin.Line, w.By.Origin.Pointer
			}
		}
		out.Results = append(out.Results, j)
	}
	return out
}

func notNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// WriteJSON writes the report. What could drive a terminal or, as ##, command a
// pipeline is written as an escape: it reads back the same.
func (r *Report) WriteJSON(w io.Writer) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	last := rune(0)
	for _, c := range b.String() {
		switch {
		case c == '#' && last == '#', c > '~' && !unicode.IsPrint(c):
			if high, low := utf16.EncodeRune(c); high != unicode.ReplacementChar {
				fmt.Fprintf(out, `\u%04x\u%04x`, high, low)
			} else {
				fmt.Fprintf(out, `\u%04x`, c)
			}
		default:
			out.WriteRune(c)
		}
		last = c
	}
	return out.Flush()
}
