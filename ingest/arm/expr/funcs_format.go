package expr

import (
	"errors"
	"strconv"
	"strings"
)

// format is .NET's String.Format. Objects and arrays are written as compact JSON
// with ' for ".
// https://learn.microsoft.com/dotnet/standard/base-types/composite-formatting
func format(c *call) (Value, error) {
	args := make([]string, len(c.args)-1)
	for i, v := range c.args[1:] {
		args[i] = display(v)
		if k := v.Kind(); k == KindArray || k == KindObject {
			s, err := compactJSON(v, c.ev.budget)
			if err != nil {
				return nil, err
			}
			args[i] = strings.ReplaceAll(s, `"`, "'")
		}
	}
	f := formatter{call: c, text: c.text(0), args: args}
	settled, err := f.run()
	switch {
	case errors.Is(err, ErrBudget):
		return nil, err
	case err != nil:
		return nil, c.errorf("unable to evaluate language function 'format': the format is invalid: '%v'", err)
	case !settled:
		return c.unsettled(), nil
	}
	return String(f.out.String()), nil
}

var (
	errFormat      = errors.New("input string was not in a correct format")
	errFormatIndex = errors.New("index (zero based) must be greater than or equal to zero and less than the size of the argument list")
)

type formatter struct {
	call *call
	text string
	args []string
	out  strings.Builder
}

func (f *formatter) run() (settled bool, err error) {
	settled = true
	for f.text != "" {
		i := strings.IndexAny(f.text, "{}")
		if i < 0 {
			i = len(f.text)
		}
		if err := f.write(f.text[:i]); err != nil {
			return false, err
		}
		f.text = f.text[i:]
		if f.text == "" {
			break
		}
		if len(f.text) > 1 && f.text[1] == f.text[0] {
			if err := f.write(f.text[:1]); err != nil {
				return false, err
			}
			f.text = f.text[2:]
			continue
		}
		end := strings.IndexByte(f.text, '}')
		if f.text[0] == '}' || end < 0 {
			return false, errFormat
		}
		item := f.text[1:end]
		f.text = f.text[end+1:]
		ok, err := f.item(item)
		if err != nil {
			return false, err
		}
		settled = settled && ok
	}
	return settled, nil
}

func (f *formatter) write(s string) error {
	f.out.WriteString(s)
	return f.call.spend(1, len(s))
}

// maxAlignment is .NET's limit on the width of an item.
const maxAlignment = 1_000_000

// item writes index[,alignment][:spec].
func (f *formatter) item(item string) (settled bool, err error) {
	head, spec, _ := strings.Cut(item, ":")
	index, alignment, aligned := strings.Cut(head, ",")
	i, err := strconv.Atoi(strings.TrimRight(index, " "))
	if err != nil || strings.HasPrefix(index, "+") || strings.HasPrefix(index, "-") || strings.ContainsRune(spec, '{') {
		return false, errFormat
	}
	if i >= len(f.args) {
		return false, errFormatIndex
	}
	width := 0
	if aligned {
		if width, err = strconv.Atoi(strings.TrimSpace(alignment)); err != nil || width <= -maxAlignment || width >= maxAlignment {
			return false, errFormat
		}
	}
	s := f.args[i]
	settled = true
	if spec != "" {
		s, settled = formatNumber(f.call.args[i+1], s, spec)
	}
	pad := strings.Repeat(" ", max(0, max(width, -width)-unitCount(s)))
	if width < 0 {
		return settled, f.write(s + pad)
	}
	return settled, f.write(pad + s)
}

// formatNumber applies a format to a whole number, in the invariant culture.
// Text and bools have no formats: theirs is ignored. It reports false for
// formats whose result hangs on the culture of Azure's servers or that no
// template is known to use.
func formatNumber(v Value, plain, spec string) (string, bool) {
	n, ok := v.(Int)
	if !ok {
		return plain, v.Kind() != KindFloat
	}
	if strings.Trim(spec, "0") == "" {
		return padDigits(plain, len(spec)), true
	}
	if spec == "#,##0" || spec == "#,0" {
		return groupDigits(plain), true
	}
	digits := -1
	if len(spec) > 1 {
		d, err := strconv.ParseUint(spec[1:], 10, 16)
		if err != nil || d > 1000 {
			return "", false
		}
		digits = int(d)
	}
	switch spec[0] {
	case 'D', 'd':
		return padDigits(plain, digits), true
	case 'X', 'x':
		s := strconv.FormatUint(uint64(n), 16)
		if spec[0] == 'X' {
			s = strings.ToUpper(s)
		}
		return padDigits(s, digits), true
	case 'N', 'n', 'F', 'f':
		if digits < 0 {
			return "", false // 2 or 3 decimals, by the culture
		}
		s := plain
		if spec[0] == 'N' || spec[0] == 'n' {
			s = groupDigits(plain)
		}
		if digits > 0 {
			s += "." + strings.Repeat("0", digits)
		}
		return s, true
	case 'G', 'g':
		return plain, digits <= 0
	}
	return "", false
}

func padDigits(s string, digits int) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	return sign + strings.Repeat("0", max(0, digits-len(s))) + s
}

func groupDigits(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
