package steady

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Header is the first line of a file of samples.
func Header() []string {
	header := []string{"at", "cycle", "step", "program", "known"}
	for _, m := range Measures() {
		header = append(header, strings.ReplaceAll(string(m), " ", "_"))
	}
	return header
}

// Write writes a sample as a line of CSV.
func (s Sample) Write(out io.Writer) error {
	fields := []string{s.At.UTC().Format("2006-01-02T15:04:05.000Z"), strconv.Itoa(s.Cycle), s.Step, s.Program, strconv.FormatBool(s.Known)}
	for _, m := range Measures() {
		fields = append(fields, strconv.FormatFloat(s.Held[m], 'f', -1, 64))
	}
	return write(out, fields)
}

// WriteHeader writes the Header.
func WriteHeader(out io.Writer) error { return write(out, Header()) }

func write(out io.Writer, fields []string) error {
	w := csv.NewWriter(out)
	if err := w.Write(fields); err != nil {
		return fmt.Errorf("writing a sample: %w", err)
	}
	w.Flush()
	return w.Error()
}

// What a run found stands in a page between these lines.
const (
	Begins = "<!-- what `make soak` found -->"
	Ends   = "<!-- end of what it found -->"
)

// Replace puts text into a page in the place of what a run found before.
func Replace(page, text string) (string, error) {
	before, rest, begins := strings.Cut(page, Begins+"\n")
	_, after, ends := strings.Cut(rest, Ends)
	if !begins || !ends {
		return "", fmt.Errorf("the page has no lines %q and %q", Begins, Ends)
	}
	return before + Begins + "\n" + text + Ends + after, nil
}
