package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"slices"
	"unicode/utf16"
	"unicode/utf8"

	"ipflow/report/sarif"
	"ipflow/verify/audit"
)

// writeSARIF writes the findings with locations relative to the working
// directory.
func writeSARIF(w io.Writer, r *audit.Report) error {
	base, err := os.Getwd()
	if err != nil {
		return err
	}
	return sarif.Write(w, r, sarif.Options{Base: base, Column: columnsOf(r)})
}

// columnsOf turns columns in bytes into columns in UTF-16 units, as SARIF counts.
// A file that is compressed, of another encoding, or no longer what was audited
// has none.
func columnsOf(r *audit.Report) func(file string, line, column int) int {
	wanted, hashes := map[string][]int{}, map[string]string{}
	add := func(p *audit.Place) {
		if p.Line > 0 {
			wanted[p.File] = append(wanted[p.File], p.Line)
			hashes[p.File] = p.SHA256
		}
	}
	for i := range r.Findings {
		add(&r.Findings[i].Place)
	}
	for i := range r.Rules {
		add(&r.Rules[i].Place)
	}
	lines := map[string]map[int][]byte{}
	return func(file string, line, column int) int {
		if _, read := lines[file]; !read {
			slices.Sort(wanted[file])
			lines[file] = readLines(file, hashes[file], slices.Compact(wanted[file]))
		}
		text, ok := lines[file][line]
		if !ok || column-1 > len(text) || !utf8.Valid(text) {
			return 0
		}
		return len(utf16.Encode([]rune(string(text[:column-1])))) + 1
	}
}

// readLines returns some lines, by number, of a file with the hash; nil when it
// has another.
func readLines(path, hash string, numbers []int) map[int][]byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	sum := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(f, sum), 1<<16)
	switch head, _ := in.Peek(3); {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil
	case bytes.Equal(head, []byte("\xef\xbb\xbf")):
		in.Discard(len(head))
	}
	out := map[int][]byte{}
	for at := 1; ; at++ {
		line, err := in.ReadBytes('\n')
		if len(numbers) > 0 && numbers[0] == at {
			out[at] = line
			numbers = numbers[1:]
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != hash {
		return nil
	}
	return out
}
