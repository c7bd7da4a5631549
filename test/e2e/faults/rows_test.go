package faults

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/watch"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// row is a row of the catalogue.
type row struct {
	number int
	name   string
	ci     bool // it is run for each change of the code
	// short and long are for how long the fault lasts then, and in `make faults`.
	short, long time.Duration
	// guest says that a third adapter runs along, with an identity of its own.
	guest bool
	// fault makes the fault, and has undone it when it returns.
	fault func(ctx context.Context, w *world, lasts time.Duration) error
	// excused says of a violation that it is what the row is about, such as a probe of a process that was killed.
	excused func(check.Violation) bool
	// targets are what is watched, where it is not all of the world.
	targets func(w *world) watch.Targets
	// without says of a source that its darkness does not count.
	without func(source string) bool
	// further is what else has to be so.
	further func(t *testing.T, w *world, seen watched, r check.Report)
	// goals measures what the row was to reach.
	goals func(t *testing.T, w *world, seen watched, r check.Report) []goal
}

// TestFaults runs the rows of the catalogue: those for CI, or all (FAULTS=full), or some (ROW=7,8).
func TestFaults(t *testing.T) {
	for _, r := range chosen() {
		t.Run(fmt.Sprintf("%d-%s", r.number, r.name), func(t *testing.T) { r.run(t) })
	}
}

func chosen() []row {
	var only []string
	if some := os.Getenv("ROW"); some != "" {
		only = strings.Split(some, ",")
	}
	full := sizeOf().full
	return slices.DeleteFunc(rows(), func(r row) bool {
		return only == nil && !r.ci && !full || only != nil && !slices.Contains(only, strconv.Itoa(r.number))
	})
}

// complain reports what is wrong: of each rule and source, the first few. All are in a file beside the record.
func complain(t *testing.T, wrong []check.Violation) {
	t.Helper()
	if len(wrong) == 0 {
		return
	}
	var all strings.Builder
	for _, v := range wrong {
		all.WriteString(v.String() + "\n")
	}
	file := filepath.Join(shared.Dir, t.Name(), "violations.txt")
	suite.Try(t, os.WriteFile(file, []byte(all.String()), 0o600))
	t.Logf("all %d violations are in %s", len(wrong), file)
	const most = 3
	type kind struct {
		rule   check.Rule
		source string
	}
	count := map[kind]int{}
	for _, v := range wrong {
		k := kind{v.Rule, v.Source}
		if count[k]++; count[k] <= most {
			t.Error(v)
		}
	}
	for k, n := range count {
		if n > most {
			t.Errorf("in all %d times: %s: %s", n, k.rule, k.source)
		}
	}
}

func (r row) run(t *testing.T) {
	lasts := r.short
	if shared.full {
		lasts = r.long
	}
	const around = 10 * time.Minute // for all to be known before and after, which the full size takes a while for
	ctx := suite.Within(t, lasts+around)
	if r.guest {
		defer func() { suite.Try(t, shared.dismiss()) }()
		suite.Try(t, shared.invite(ctx))
	}
	_, err := shared.balance(ctx)
	suite.Try(t, err)
	targets := shared.targets()
	if r.targets != nil {
		targets = r.targets(shared)
	}
	seen := shared.watching(ctx, t, targets, func(ctx context.Context) error { return r.fault(ctx, shared, lasts) })
	report := check.Summarize(seen.log, seen.truth, shared.rules(), seen.over, goneGroups)
	if r.without != nil {
		report.Darkest = report.DarkestBut(r.without)
	}
	wrong := report.Wrong[:0:0]
	for _, v := range report.Wrong {
		if r.excused == nil || !r.excused(v) {
			wrong = append(wrong, v)
		}
	}
	report.Wrong = wrong
	complain(t, wrong)
	t.Logf("%d samples, %d different claims (%d of which the record cannot judge), %d wrong; longest darkness %s (%s), oldest %s (%s), recovery %s (%s); %d changes of replicas",
		report.Samples, report.Claims, report.Unjudged, len(wrong), report.Darkest.Round(time.Millisecond), report.Darkest.Of,
		report.Oldest.Round(time.Millisecond), report.Oldest.Of, report.Recovery.Round(time.Millisecond), report.Recovery.Of, report.Replicas)
	for _, by := range report.RecoveryBy {
		t.Logf("recovery after %s: %s", by.Round(time.Millisecond), by.Of)
	}
	for _, c := range seen.log.Changes {
		if held(c.HPA) {
			t.Errorf("%s: %s wants %d replicas after %d, and its lag never changed", c.At.Format(time.StampMilli), c.HPA, c.To, c.From)
		}
	}
	if report.Claims == 0 || report.Unjudged*10 > report.Claims { // some, where the record was slow to begin
		t.Errorf("of %d claims, %d could not be judged, too many to say anything: %v", report.Claims, report.Unjudged, report.UnjudgedBy)
	}
	if r.further != nil {
		r.further(t, shared, seen, report)
	}
	r.measure(t, shared, lasts, seen, report)
	r.report(t, shared, lasts, report)
}
