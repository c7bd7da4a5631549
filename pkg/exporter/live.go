package exporter

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// live renders the program's own metrics.
type live struct {
	gatherer prometheus.Gatherer
	taken    map[string]bool // names of families that snapshots have: no family may be twice in a response
	logger   *slog.Logger
	failing  atomic.Bool
}

// render returns the program's own metrics as they are now, and the end of the response. What cannot be gathered is left out: it
// must not cost the series of the snapshots.
func (l *live) render(format format) []byte {
	families, err := l.gatherer.Gather()
	errs := []error{err}
	var out bytes.Buffer
	encoder := expfmt.NewEncoder(&out, format.encoding())
	if format == openMetrics {
		families = withoutClashes(families)
	}
	for _, family := range families {
		if l.taken[family.GetName()] {
			errs = append(errs, fmt.Errorf("%s is a series of snapshots and cannot be the program's own", family.GetName()))
			continue
		}
		good := out.Len()
		if err := encoder.Encode(family); err != nil {
			out.Truncate(good)
			errs = append(errs, fmt.Errorf("encoding %s: %w", family.GetName(), err))
		}
	}
	if closer, ok := encoder.(io.Closer); ok { // OpenMetrics ends with "# EOF"
		errs = append(errs, closer.Close())
	}
	l.report(errors.Join(errs...))
	return out.Bytes()
}

// withoutClashes makes a counter untyped if another family has its name but for "_total": OpenMetrics counts that suffix as part
// of a sample's name only, and may not have a family twice. The Go runtime's go_memstats_alloc_bytes is such a pair.
func withoutClashes(families []*dto.MetricFamily) []*dto.MetricFamily {
	names := make(map[string]bool, len(families))
	for _, f := range families {
		names[f.GetName()] = true
	}
	families = slices.Clone(families)
	for i, f := range families {
		name, total := strings.CutSuffix(f.GetName(), "_total")
		if !total || f.GetType() != dto.MetricType_COUNTER || !names[name] {
			continue
		}
		untyped := &dto.MetricFamily{Name: f.Name, Help: f.Help, Type: dto.MetricType_UNTYPED.Enum()}
		for _, m := range f.Metric {
			untyped.Metric = append(untyped.Metric, &dto.Metric{Label: m.Label, Untyped: &dto.Untyped{Value: new(m.GetCounter().GetValue())}})
		}
		families[i] = untyped
	}
	return families
}

// report logs when own metrics begin to fail and when that is over, not at every scrape.
func (l *live) report(err error) {
	failing := err != nil
	if l.failing.Swap(failing) == failing {
		return
	}
	if failing {
		l.logger.Error("some of the program's own metrics are missing from /metrics; lag series are not affected", "err", err)
		return
	}
	l.logger.Info("all of the program's own metrics are in /metrics again")
}
