// Package view shows the demo's progress: as a table that is redrawn in place on a terminal, as lines elsewhere.
package view

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Row is one look of the autoscaler at the metrics API.
type Row struct {
	Elapsed            time.Duration
	Produced, Consumed float64 // records per second since the row before
	Lag                int64   // the true one, when the API was asked
	Sum                int64   // over the pods, by the API's answer; of no meaning if Err is set
	Pods               int     // in the API's answer
	Err                error   // why the API gave no answer
	Before, After      int     // replicas
}

// rowFormat is such that a table with bars of twelve replicas fits into 80 columns.
const rowFormat = "%5s %8s %8s %6s%s  %-18s  %s"

func heading(gap int) string {
	return fmt.Sprintf(rowFormat, "time", "produced", "consumed", "lag", strings.Repeat(" ", gap), "metrics API says", "replicas")
}

// line formats the row, with something put behind the lag and the replicas.
func (r Row) line(afterLag, afterReplicas string) string {
	return strings.TrimRight(fmt.Sprintf(rowFormat, clock(r.Elapsed), perSecond(r.Produced), perSecond(r.Consumed), fmt.Sprint(r.Lag), afterLag,
		r.answer(), r.replicas()+afterReplicas), " ")
}

func (r Row) answer() string {
	if r.Err != nil {
		return "error, so held"
	}
	if r.Pods == 1 {
		return fmt.Sprintf("%d on 1 pod", r.Sum)
	}
	return fmt.Sprintf("%d over %d pods", r.Sum, r.Pods)
}

// replicas is eight characters wide.
func (r Row) replicas() string {
	if r.Before == r.After {
		return fmt.Sprintf("%2d      ", r.After)
	}
	return fmt.Sprintf("%2d -> %-2d", r.Before, r.After)
}

func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

func perSecond(rate float64) string { return fmt.Sprintf("%.0f/s", rate) }

func noteLine(level slog.Level, text string) string { return fmt.Sprintf("%s %s", level, text) }
