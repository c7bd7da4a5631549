package check

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What is looked at in an exposition. It is read by hand, as ten a second of some thousand series are too many for a parser of all
// there may be; a line that cannot be read is an error.
const (
	lagFamily  = "kafka_consumergroup_lag{"
	sumFamily  = "kafka_consumergroup_lag_sum{"
	errsFamily = "kafka_lag_collector_read_errors_total{"
	readFamily = "kafka_consumergroup_read_timestamp_seconds{"
	anyFamily  = "kafka_consumergroup_"
)

type topicKey struct{ group, topic string }

// Exposition adds a scrape of /metrics.
func (l *Log) Exposition(source string, at time.Time, body []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sampled(source, at)
	times, err1 := readTimes(body)
	reads, err2 := l.readsOf(source, at, body)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	parts, sums := map[topicKey]int64{}, map[topicKey]int64{}
	err := eachLine(body, anyFamily, func(line []byte) error {
		kind := Partition
		switch {
		case bytes.HasPrefix(line, []byte(sumFamily)):
			kind = Sum
		case !bytes.HasPrefix(line, []byte(lagFamily)):
			return nil
		}
		i, value, err := l.lagLine(source, kind, line)
		if err != nil {
			return err
		}
		s := l.Series[i]
		l.claim(i, at, value, times[s.Group])
		if kind == Sum {
			sums[topicKey{s.Group, s.Topic}] = value
		} else {
			parts[topicKey{s.Group, s.Topic}] += value
		}
		return nil
	})
	if err != nil {
		return err
	}
	for k, sum := range sums {
		// What could not be read may be a sum of an earlier reading next to partitions of a later one.
		if times[k.group].After(reads.failedAt) && sum != parts[k] {
			reads.doubts = append(reads.doubts, Event{at, Adding, source, fmt.Sprintf("%s on %s: the sum is %d, the partitions' lags add up to %d",
				k.group, k.topic, sum, parts[k])})
		}
	}
	return nil
}

// reads is what a source says of its reading.
type reads struct {
	failures float64   // that it has counted
	failedAt time.Time // it counted none after that
	// doubts are what is wrong in its last exposition, unless the next one has counted a failure: one shows values and counters
	// that are not of the very same moment.
	doubts []Event
}

// readsOf brings what is known of a source's reading up to date. It is called with mu held.
func (l *Log) readsOf(source string, at time.Time, body []byte) (*reads, error) {
	r := l.reads[source]
	if r == nil {
		r = &reads{failedAt: at}
		l.reads[source] = r
	}
	var failures float64
	err := eachLine(body, errsFamily, func(line []byte) error {
		_, text, err := split(line)
		if err != nil {
			return err
		}
		n, err := strconv.ParseFloat(text, 64)
		failures += n
		return err
	})
	if failures != r.failures {
		r.failures, r.failedAt, r.doubts = failures, at, nil
	}
	l.Events = append(l.Events, r.doubts...)
	r.doubts = nil
	return r, err
}

// readTimes are the times at which groups were read, by an exposition.
func readTimes(body []byte) (map[string]time.Time, error) {
	times := map[string]time.Time{}
	err := eachLine(body, readFamily, func(line []byte) error {
		name, text, err := split(line)
		if err != nil {
			return err
		}
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		times[label(name, "consumergroup")] = time.UnixMilli(int64(seconds * 1000))
		return nil
	})
	return times, err
}

// lagLine finds the series of a line and its value. It is called with mu held.
func (l *Log) lagLine(source string, kind Kind, line []byte) (series int, value int64, err error) {
	name, text, err := split(line)
	if err != nil {
		return 0, 0, err
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != float64(int64(f)) {
		return 0, 0, fmt.Errorf("%s: a lag of %s, which is no whole number", line, text)
	}
	i, ok := l.lines[source+"\x00"+name]
	if !ok {
		s := Series{Source: source, Kind: kind, Group: label(name, "consumergroup"), Topic: label(name, "topic")}
		if kind == Partition {
			p, err := strconv.ParseInt(label(name, "partition"), 10, 32)
			if err != nil {
				return 0, 0, fmt.Errorf("%s: %w", line, err)
			}
			s.Partition = int32(p)
		}
		i = l.series(s)
		l.lines[source+"\x00"+name] = i
	}
	return i, int64(f), nil
}

func eachLine(body []byte, prefix string, each func([]byte) error) error {
	for line := range bytes.Lines(body) {
		if !bytes.HasPrefix(line, []byte(prefix)) {
			continue
		}
		if err := each(bytes.TrimRight(line, "\n")); err != nil {
			return err
		}
	}
	return nil
}

// split divides a line into the series and the text of its value.
func split(line []byte) (name, value string, err error) {
	i := bytes.LastIndexByte(line, '}')
	if i < 0 || i+2 > len(line) {
		return "", "", fmt.Errorf("%q is no series with a value", line)
	}
	return string(line[:i+1]), string(line[i+2:]), nil
}

// label is a label's value; the names in the tests have nothing in them that an exposition escapes.
func label(name, of string) string {
	for _, before := range []string{"{", ","} {
		if _, rest, ok := strings.Cut(name, before+of+`="`); ok {
			value, _, _ := strings.Cut(rest, `"`)
			return value
		}
	}
	return ""
}
