package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine says where, when and with what the figures were taken.
func (r *race) machine() string {
	parts := []string{processor(), runtime.Version(), "commit " + r.commit(), time.Now().UTC().Format("2006-01-02")}
	parts = append(parts, r.tools...)
	how := fmt.Sprintf("median of %d interleaved rounds", r.rounds)
	if share, ok := r.stolen.share(); ok {
		how += fmt.Sprintf("; %.0f %% of the processors' time went to other guests of the machine meanwhile (as /proc/stat counts it)", 100*share)
	}
	if r.quick {
		how += ", **quick sizes: for trying, no figures to quote**"
	}
	return strings.Join(parts, "; ") + ". `" + r.command + "`, " + how + "."
}

// processor is the model as lscpu prints it, the cores and whether AVX-512 is
// there: rte_acl's fastest algorithms need it.
func processor() string {
	model, flags := runtime.GOARCH, ""
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		s := bufio.NewScanner(f)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			name, value, _ := strings.Cut(s.Text(), ":")
			switch strings.TrimSpace(name) {
			case "model name":
				model = strings.TrimSpace(value)
			case "flags":
				flags = value
			}
		}
	}
	avx := "no AVX-512"
	if strings.Contains(flags, " avx512bw") {
		avx = "AVX-512"
	}
	return fmt.Sprintf("%s, %d cores, %s", model, runtime.NumCPU(), avx)
}

func (r *race) commit() string {
	git := func(args ...string) (string, error) {
		out, err := exec.Command("git", append([]string{"-C", r.root}, args...)...).Output()
		return strings.TrimSpace(string(out)), err
	}
	head, err := git("rev-parse", "--short", "HEAD")
	if err != nil {
		return "unknown"
	}
	if changed, err := git("status", "--porcelain"); err == nil && changed != "" {
		head += " with changes"
	}
	return head
}
