package expr

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dateLayouts are the forms of a date that Azure's pages use, each with the .NET
// format that writes it back.
var dateLayouts = []struct{ layout, net string }{
	{"2006-01-02T15:04:05Z07:00", "yyyy-MM-ddTHH:mm:ssK"},
	{"2006-01-02 15:04:05Z07:00", "yyyy-MM-dd HH:mm:ssK"},
	{"20060102T150405Z07:00", "yyyyMMddTHHmmssK"},
	{"2006-01-02T15:04:05", "yyyy-MM-ddTHH:mm:ss"},
	{"2006-01-02 15:04:05", "yyyy-MM-dd HH:mm:ss"},
	{"2006-01-02", "yyyy-MM-dd"},
}

func parseDate(s string) (t time.Time, net string, ok bool) {
	for _, l := range dateLayouts {
		// Go accepts a fraction after the seconds of any layout.
		if t, err := time.Parse(l.layout, s); err == nil && !strings.Contains(s, ".") {
			return t.UTC(), l.net, true
		} else if err == nil {
			return t.UTC(), "", true
		}
	}
	return time.Time{}, "", false
}

// dateTimeAdd adds an ISO 8601 duration. The result has the given format or the
// form of the base.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-date#datetimeadd
func dateTimeAdd(c *call) (Value, error) {
	d, ok := parseDuration(c.text(1))
	if !ok {
		return nil, c.errorf("the template function 'dateTimeAdd' has an invalid parameter. The second parameter '%s' is not a valid ISO8601 Duration string", clip(c.text(1)))
	}
	base, net, ok := parseDate(c.text(0))
	if len(c.args) == 3 && c.text(2) != "" {
		net = c.text(2)
	}
	if !ok || net == "" {
		return c.unsettled(), nil // .NET reads more forms than are listed here
	}
	// A year may be one of the calendar or 365 days, a month one of the calendar
	// or 30 days: the pages do not say.
	calendar := base.AddDate(d.sign*d.years, d.sign*d.months, d.sign*d.days).Add(time.Duration(d.sign) * d.clock)
	fixed := base.AddDate(0, 0, d.sign*(d.years*365+d.months*30+d.days)).Add(time.Duration(d.sign) * d.clock)
	if !calendar.Equal(fixed) || calendar.Year() < 1 || calendar.Year() > 9999 {
		return c.unsettled(), nil
	}
	return c.dated(calendar, net)
}

func (c *call) dated(t time.Time, net string) (Value, error) {
	s, ok := formatDate(t, net)
	if !ok {
		return c.unsettled(), nil
	}
	return c.string(s)
}

type isoDuration struct {
	sign, years, months, days int
	clock                     time.Duration
}

var isoPattern = regexp.MustCompile(`^(-?)P(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,8})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,9})M)?(?:(\d{1,9})(?:\.(\d{1,9}))?S)?)?$`)

func parseDuration(s string) (isoDuration, bool) {
	m := isoPattern.FindStringSubmatch(s)
	if m == nil || strings.HasSuffix(s, "P") || strings.HasSuffix(s, "T") {
		return isoDuration{}, false
	}
	n := func(i int) int {
		v, _ := strconv.Atoi(m[i]) // "" is 0; the pattern bounds the digits
		return v
	}
	d := isoDuration{sign: 1, years: n(2), months: n(3), days: n(4)}
	if m[1] == "-" {
		d.sign = -1
	}
	// Whole days go to the calendar: a Duration holds 292 years only.
	hours := n(5)
	d.days += hours / 24
	d.clock = time.Duration(hours%24)*time.Hour + time.Duration(n(6))*time.Minute + time.Duration(n(7))*time.Second
	if m[8] != "" {
		f, _ := strconv.Atoi((m[8] + "000000000")[:9])
		d.clock += time.Duration(f)
	}
	return d, true
}

func dateTimeToEpoch(c *call) (Value, error) {
	t, _, ok := parseDate(c.text(0))
	if !ok {
		return c.unsettled(), nil
	}
	return Int(t.Unix()), nil
}

func dateTimeFromEpoch(c *call) (Value, error) {
	const first, last = -62135596800, 253402300799 // years 1 and 9999
	if c.int(0) < first || c.int(0) > last {
		return nil, c.errorf("the template function 'dateTimeFromEpoch' has an invalid parameter. The value '%d' is out of range", c.int(0))
	}
	return c.dated(time.Unix(c.int(0), 0).UTC(), "yyyy-MM-ddTHH:mm:ssK")
}

// utcNow is the time of the deployment.
func utcNow(c *call) (Value, error) {
	now := c.ev.scope.Context().Now
	if now.IsZero() {
		return c.unknown(Reason{RuntimeFunction, "utcNow"}), nil
	}
	net := "yyyyMMddTHHmmssZ"
	if len(c.args) == 1 && c.text(0) != "" {
		net = c.text(0)
	}
	return c.dated(now.UTC(), net)
}

// standardDates are .NET's one-letter formats in the invariant culture.
// https://learn.microsoft.com/dotnet/standard/base-types/standard-date-and-time-format-strings
var standardDates = map[string]string{
	"d": "MM/dd/yyyy",
	"D": "dddd, dd MMMM yyyy",
	"f": "dddd, dd MMMM yyyy HH:mm",
	"F": "dddd, dd MMMM yyyy HH:mm:ss",
	"g": "MM/dd/yyyy HH:mm",
	"G": "MM/dd/yyyy HH:mm:ss",
	"m": "MMMM dd", "M": "MMMM dd",
	"o": "yyyy-MM-ddTHH:mm:ss.fffffffK", "O": "yyyy-MM-ddTHH:mm:ss.fffffffK",
	"r": "ddd, dd MMM yyyy HH:mm:ss GMT", "R": "ddd, dd MMM yyyy HH:mm:ss GMT",
	"s": "yyyy-MM-ddTHH:mm:ss",
	"t": "HH:mm",
	"T": "HH:mm:ss",
	"u": "yyyy-MM-dd HH:mm:ssZ",
	"U": "dddd, dd MMMM yyyy HH:mm:ss",
	"y": "yyyy MMMM", "Y": "yyyy MMMM",
}

// formatDate writes a UTC time by a .NET format; false if it is none.
func formatDate(t time.Time, net string) (string, bool) {
	if len(net) == 1 {
		long, ok := standardDates[net]
		if !ok {
			return "", false
		}
		if strings.EqualFold(net, "r") {
			return strings.ReplaceAll(t.Format(time.RFC1123), "UTC", "GMT"), true
		}
		net = long
	}
	net = strings.TrimPrefix(net, "%")
	var b strings.Builder
	for i := 0; i < len(net); {
		ch := net[i]
		n := 1
		for i+n < len(net) && net[i+n] == ch {
			n++
		}
		switch {
		case ch == '\'' || ch == '"':
			end := strings.IndexByte(net[i+1:], ch)
			if end < 0 {
				return "", false
			}
			b.WriteString(net[i+1 : i+1+end])
			i += end + 2
			continue
		case ch == '\\':
			if i+1 == len(net) {
				return "", false
			}
			b.WriteByte(net[i+1])
			i += 2
			continue
		case strings.IndexByte("yMdHhmsfFtKzg", ch) < 0:
			b.WriteString(net[i : i+n])
		default:
			s, ok := dateField(t, ch, n)
			if !ok {
				return "", false
			}
			b.WriteString(s)
		}
		i += n
	}
	return b.String(), true
}

func dateField(t time.Time, ch byte, n int) (string, bool) {
	digits := func(v int) string { return fmt.Sprintf("%0*d", min(n, 2), v) }
	switch ch {
	case 'y':
		if n <= 2 {
			return digits(t.Year() % 100), true
		}
		return fmt.Sprintf("%0*d", min(n, 9), t.Year()), true
	case 'M':
		switch {
		case n <= 2:
			return digits(int(t.Month())), true
		case n == 3:
			return t.Month().String()[:3], true
		}
		return t.Month().String(), true
	case 'd':
		switch {
		case n <= 2:
			return digits(t.Day()), true
		case n == 3:
			return t.Weekday().String()[:3], true
		}
		return t.Weekday().String(), true
	case 'H':
		return digits(t.Hour()), true
	case 'h':
		return digits((t.Hour()+11)%12 + 1), true
	case 'm':
		return digits(t.Minute()), true
	case 's':
		return digits(t.Second()), true
	case 'f', 'F':
		if n > 7 {
			return "", false
		}
		s := fmt.Sprintf("%09d", t.Nanosecond())[:n]
		if ch == 'F' {
			s = strings.TrimRight(s, "0")
		}
		return s, true
	case 't':
		return t.Format("PM")[:min(n, 2)], true
	case 'K':
		return strings.Repeat("Z", n), true
	case 'z':
		return [...]string{"+0", "+00", "+00:00"}[min(n, 3)-1], true
	}
	return "", false // g, the era
}
