package check

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestReport(t *testing.T) {
	var r Report
	r.OK("kafka default", "%d groups", 3)
	r.Warn("kafka default", "upgrade it", "broker 1 is old")
	if r.Failed() {
		t.Error("a warning is no failure")
	}
	r.Fail("kubernetes", "", "no <server>")
	if !r.Failed() {
		t.Error("it did not fail")
	}
	var text, object bytes.Buffer
	if err := r.Print(&text); err != nil {
		t.Fatal(err)
	}
	want := "ok    kafka default: 3 groups\nwarn  kafka default: broker 1 is old\n      → upgrade it\nFAIL  kubernetes: no <server>\n"
	if text.String() != want {
		t.Errorf("%q, want %q", text.String(), want)
	}
	if err := r.PrintJSON(&object); err != nil {
		t.Fatal(err)
	}
	var got struct {
		OK       bool
		Findings []Finding
	}
	if err := json.Unmarshal(object.Bytes(), &got); err != nil || got.OK || len(got.Findings) != 3 || got.Findings[1] != r.Findings[1] {
		t.Errorf("%v: %s", err, object.String())
	}
}
