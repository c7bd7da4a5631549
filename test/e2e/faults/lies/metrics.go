package lies

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The families that are lied about, or with.
const (
	lagFamily    = "kafka_consumergroup_lag"
	sumFamily    = "kafka_consumergroup_lag_sum"
	commitFamily = "kafka_consumergroup_current_offset"
	endFamily    = "kafka_topic_partition_current_offset"
)

// scrape is an exposition: the lines, of which those of the lag may be changed.
type scrape struct {
	at     time.Time
	values map[series]float64
	order  []series
	others []string // comments and other families
}

type series struct{ family, group, topic, partition string }

func parse(at time.Time, body []byte) *scrape {
	s := &scrape{at: at, values: map[series]float64{}}
	for line := range bytes.Lines(body) {
		text := strings.TrimRight(string(line), "\n")
		family, rest, _ := strings.Cut(text, "{")
		labels, number, ok := strings.Cut(rest, "} ")
		value, err := strconv.ParseFloat(number, 64)
		wanted := family == lagFamily || family == sumFamily || family == commitFamily || family == endFamily
		if !ok || err != nil || !wanted {
			s.others = append(s.others, text)
			continue
		}
		k := series{family: family}
		for pair := range strings.SplitSeq(labels, ",") {
			name, value, _ := strings.Cut(pair, "=")
			switch value = strings.Trim(value, `"`); name {
			case "consumergroup":
				k.group = value
			case "topic":
				k.topic = value
			case "partition":
				k.partition = value
			}
		}
		s.set(k, value)
	}
	return s
}

func (s *scrape) set(k series, value float64) {
	if _, ok := s.values[k]; !ok {
		s.order = append(s.order, k)
	}
	s.values[k] = value
}

// sum makes the sums those of the partitions that are there.
func (s *scrape) sum() {
	sums := map[series]float64{}
	for k, v := range s.values {
		if k.family == lagFamily {
			sums[series{family: sumFamily, group: k.group, topic: k.topic}] += v
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(sums), func(a, b series) int { return strings.Compare(a.group+a.topic, b.group+b.topic) }) {
		s.set(k, sums[k])
	}
}

func (s *scrape) text() []byte {
	var out bytes.Buffer
	for _, line := range s.others {
		out.WriteString(line + "\n")
	}
	for _, k := range s.order {
		out.WriteString(k.family + "{")
		for _, label := range [...][2]string{{"consumergroup", k.group}, {"partition", k.partition}, {"topic", k.topic}} {
			if label[1] != "" {
				out.WriteString(label[0] + `="` + label[1] + `",`)
			}
		}
		out.Truncate(out.Len() - 1)
		out.WriteString("} " + strconv.FormatFloat(s.values[k], 'f', -1, 64) + "\n")
	}
	return out.Bytes()
}

// EndsBeforeCommits counts lag from log ends that are older than the commits by Gap, as a program does that reads them in that order.
type EndsBeforeCommits struct {
	Gap     time.Duration
	history []*scrape
}

// Rewrite implements Lie.
func (l *EndsBeforeCommits) Rewrite(path string, at time.Time, body []byte) []byte {
	if !strings.HasSuffix(path, "/metrics") {
		return body
	}
	now := parse(at, body)
	l.history = append(l.history, now)
	for len(l.history) > 1 && !l.history[1].at.After(at.Add(-l.Gap)) {
		l.history = l.history[1:]
	}
	old := l.history[0]
	if old.at.After(at.Add(-l.Gap)) {
		return body
	}
	ends := maps.Clone(old.values) // text is made of now, which stays as it is in the history
	told := &scrape{values: maps.Clone(now.values), order: slices.Clone(now.order), others: now.others}
	for _, k := range now.order {
		if k.family != lagFamily {
			continue
		}
		commit, committed := now.values[series{commitFamily, k.group, k.topic, k.partition}]
		end, known := ends[series{family: endFamily, topic: k.topic, partition: k.partition}]
		if committed && known {
			told.values[k] = max(end-commit, 0)
		}
	}
	told.sum()
	return told.text()
}

// UnknownAsZero fills in a zero for each partition that was there once and is not there now.
type UnknownAsZero struct{ seen map[series]bool }

// Rewrite implements Lie.
func (l *UnknownAsZero) Rewrite(path string, at time.Time, body []byte) []byte {
	if !strings.HasSuffix(path, "/metrics") {
		return body
	}
	now := parse(at, body)
	if l.seen == nil {
		l.seen = map[series]bool{}
	}
	for _, k := range now.order {
		if k.family == lagFamily {
			l.seen[k] = true
		}
	}
	for k := range l.seen {
		if _, known := now.values[k]; !known {
			now.set(k, 0)
		}
	}
	now.sum()
	return now.text()
}

// OldAsNew serves lags that are older by Gap, with the times of today.
type OldAsNew struct {
	Gap     time.Duration
	history []*scrape
}

// Rewrite implements Lie.
func (l *OldAsNew) Rewrite(path string, at time.Time, body []byte) []byte {
	if !strings.HasSuffix(path, "/metrics") {
		return body
	}
	now := parse(at, body)
	l.history = append(l.history, now)
	for len(l.history) > 1 && !l.history[1].at.After(at.Add(-l.Gap)) {
		l.history = l.history[1:]
	}
	old := l.history[0]
	if old.at.After(at.Add(-l.Gap)) {
		return body
	}
	return (&scrape{values: old.values, order: old.order, others: now.others}).text()
}

// PartialSum leaves the first partition out of each sum.
type PartialSum struct{}

// Rewrite implements Lie.
func (PartialSum) Rewrite(path string, at time.Time, body []byte) []byte {
	if !strings.HasSuffix(path, "/metrics") {
		return body
	}
	now := parse(at, body)
	for _, k := range now.order {
		sum := series{family: sumFamily, group: k.group, topic: k.topic}
		if _, ok := now.values[sum]; ok && k.family == lagFamily && k.partition == "0" {
			now.values[sum] -= now.values[k]
		}
	}
	return now.text()
}
