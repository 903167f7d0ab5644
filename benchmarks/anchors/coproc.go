package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// A coproc is an anchor that runs as a process of its own and answers a line
// with a line: "ok …" or "error …".
type coproc struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

func startCoproc(name string, cmd *exec.Cmd) (*coproc, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &coproc{name: name, cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

// ask sends a line and returns what follows the ok.
func (c *coproc) ask(format string, args ...any) (string, error) {
	if _, err := fmt.Fprintf(c.in, format+"\n", args...); err != nil {
		return "", fmt.Errorf("%s: %w", c.name, err)
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s ended: %w", c.name, err)
	}
	line = strings.TrimSpace(line)
	rest, ok := strings.CutPrefix(line, "ok")
	if !ok {
		return "", fmt.Errorf("%s: %s", c.name, strings.TrimPrefix(line, "error "))
	}
	return strings.TrimSpace(rest), nil
}

// close ends the process by ending its input.
func (c *coproc) close() error {
	c.in.Close()
	return c.cmd.Wait()
}
