package main

import (
	"os"
	"strconv"
	"time"
)

// dayOf is the day that expiries are held against: --now, else SOURCE_DATE_EPOCH,
// else today.
func dayOf(now string) (time.Time, error) {
	if now != "" {
		t, err := time.Parse(time.DateOnly, now)
		if err != nil {
			return t, usagef("--now takes a day as 2026-12-31, not %q", now)
		}
		return t, nil
	}
	if text := os.Getenv("SOURCE_DATE_EPOCH"); text != "" {
		epoch, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return time.Time{}, usagef("SOURCE_DATE_EPOCH is %q, not a number of seconds", text)
		}
		return time.Unix(epoch, 0).UTC(), nil
	}
	return time.Now().UTC(), nil
}
