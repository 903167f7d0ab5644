package expr

import (
	"errors"
	"fmt"
)

// ErrBudget is wrapped by every error that says an evaluation was cut off
// because it grew too large, ran too long or nested too deep.
var ErrBudget = errors.New("evaluation is too large")

// Error is a fault of an expression: of its syntax (from Parse) or of its
// evaluation (from Eval).
type Error struct {
	Span Span   // where, in the text given to Parse
	Func string // the function that failed, as written; "" when none did
	Msg  string // one sentence, near to Azure's, without its place
	Err  error  // the error of a Scope that this one passes on, or nil
}

// Error returns the message; the caller knows the file and adds the place.
func (e *Error) Error() string { return e.Msg }

// Unwrap returns the error passed on, if any.
func (e *Error) Unwrap() error { return e.Err }

func errorf(at Span, format string, args ...any) *Error {
	return &Error{Span: at, Msg: fmt.Sprintf(format, args...)}
}

// clip shortens untrusted text for a message.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xC0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}
