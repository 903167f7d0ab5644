package main

import (
	"os"
	"strconv"
	"strings"
)

// stolen is how much of the processors' time others on the same machine have had:
// a wall clock counts it.
type stolen struct{ stolen, all float64 }

// readStolen reads /proc/stat; zero where there is none.
func readStolen() stolen {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return stolen{}
	}
	return parseStolen(string(b))
}

func parseStolen(text string) (s stolen) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	const steal = 8 // user, nice, system, idle, iowait, irq and softirq come before
	if len(fields) <= steal || fields[0] != "cpu" {
		return stolen{}
	}
	for i, f := range fields[1 : steal+1] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return stolen{}
		}
		s.all += n
		if i+1 == steal {
			s.stolen = n
		}
	}
	return s
}

// share is what was stolen since, of the time of all processors, idle or not.
func (s stolen) share() (share float64, ok bool) {
	now := readStolen()
	if now.all <= s.all || s.all == 0 {
		return 0, false
	}
	return (now.stolen - s.stolen) / (now.all - s.all), true
}
