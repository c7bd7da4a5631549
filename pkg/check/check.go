// Package check holds what a look before the start has found, and shows it to an operator or a program.
package check

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Level says how good or bad a finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn" // it works, but less than it could
	Fail Level = "fail" // something will not work
)

// Finding is one thing that was looked at.
type Finding struct {
	Level Level  `json:"level"`
	Area  string `json:"area"` // what it is about, such as "kafka default"
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"` // what to do about it
}

// Report is a list of findings in the order in which they were made.
type Report struct {
	Findings []Finding
}

// OK adds a finding that all is well.
func (r *Report) OK(area, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Level: OK, Area: area, Text: fmt.Sprintf(format, args...)})
}

// Warn adds something that works less well than it could, and what to do about it.
func (r *Report) Warn(area, do, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Level: Warn, Area: area, Text: fmt.Sprintf(format, args...), Do: do})
}

// Fail adds something that will not work, and what to do about it; empty if the text says it.
func (r *Report) Fail(area, do, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Level: Fail, Area: area, Text: fmt.Sprintf(format, args...), Do: do})
}

// Failed says whether something will not work.
func (r *Report) Failed() bool {
	for _, f := range r.Findings {
		if f.Level == Fail {
			return true
		}
	}
	return false
}

// Print writes the findings for people: one line each, and what to do below it.
func (r *Report) Print(w io.Writer) error {
	var text strings.Builder
	for _, f := range r.Findings {
		level := string(f.Level)
		if f.Level == Fail {
			level = "FAIL"
		}
		fmt.Fprintf(&text, "%-5s %s: %s\n", level, f.Area, f.Text)
		if f.Do != "" {
			fmt.Fprintf(&text, "      → %s\n", f.Do)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// PrintJSON writes the findings for programs: an object with "ok" and "findings".
func (r *Report) PrintJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	findings := r.Findings
	if findings == nil {
		findings = []Finding{}
	}
	return encoder.Encode(struct {
		OK       bool      `json:"ok"`
		Findings []Finding `json:"findings"`
	}{!r.Failed(), findings})
}
