// Package series reads a Prometheus exposition and compares it with what it
// should have been.
package series

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Set is an exposition: the value of each series by its Name.
type Set map[string]float64

// Name is how a Set calls a series: "family label=value,label=value", the
// labels sorted. labels are names and values in turn.
func Name(family string, labels ...string) string {
	var pairs []string
	for i := 0; i+1 < len(labels); i += 2 {
		pairs = append(pairs, labels[i]+"="+labels[i+1])
	}
	slices.Sort(pairs)
	return family + " " + strings.Join(pairs, ",")
}

// Parse reads an exposition in Prometheus' text format.
func Parse(text string) (Set, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("parsing /metrics: %w", err)
	}
	all := Set{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName(), l.GetValue())
			}
			if h := m.GetHistogram(); h != nil {
				all[Name(name+"_count", labels...)] = float64(h.GetSampleCount())
				for _, b := range h.GetBucket() {
					all[Bucket(name, b.GetUpperBound(), labels...)] = float64(b.GetCumulativeCount())
				}
				continue
			}
			all[Name(name, labels...)] = value(m)
		}
	}
	return all, nil
}

// Bucket is how a Set calls the observations of a histogram up to a bound.
func Bucket(family string, bound float64, labels ...string) string {
	return Name(family+"_bucket", append(slices.Clip(labels), "le", strconv.FormatFloat(bound, 'g', -1, 64))...)
}

func value(m *dto.Metric) float64 {
	switch {
	case m.GetUntyped() != nil:
		return m.GetUntyped().GetValue()
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	}
	return m.GetGauge().GetValue()
}

// Families are the names of the families in the set.
func (s Set) Families() map[string]bool {
	families := map[string]bool{}
	for series := range s {
		families[strings.Fields(series)[0]] = true
	}
	return families
}

// Differences says which of the series that are wanted are wrong or missing,
// and which are there that should not be: of those, concern says whether they
// are the comparison's.
func Differences(want, got Set, concern func(series string) bool) error {
	var wrong []string
	for _, series := range slices.Sorted(maps.Keys(want)) {
		if v, ok := got[series]; !ok || v != want[series] {
			wrong = append(wrong, fmt.Sprintf("%s: %v (present: %v), want %v", series, v, ok, want[series]))
		}
	}
	for _, series := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[series]; !ok && concern(series) {
			wrong = append(wrong, fmt.Sprintf("%s: %v, which the AdminClient knows nothing of", series, got[series]))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d series differ, such as\n%s", len(wrong), len(want), strings.Join(wrong[:min(len(wrong), 15)], "\n"))
}
