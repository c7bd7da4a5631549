package check

import (
	"slices"
	"sync"
	"time"
)

// Kind is what a claim's value is of.
type Kind int

// Kinds of claims.
const (
	Partition Kind = iota // a series of one partition
	Sum                   // a series of a group's sum over a topic
	Answer                // an answer of the metrics API, its items added up
)

// Series is what a source says again and again.
type Series struct {
	Source       string // such as replica-0, or the subject of an API request
	Kind         Kind
	Group, Topic string
	Partition    int32
}

// Claim is a value as it was served, from the first sample in which it was seen to the last of those in a row that had the same.
type Claim struct {
	Series      int // in the Log
	Value       int64
	ReadAt      time.Time // the time that was served with it; zero if there was none
	First, Last time.Time
	Samples     int
}

// Event is something seen that can be judged without the truth, such as a probe that failed.
type Event struct {
	At     time.Time
	Rule   Rule
	Source string
	Text   string
}

// Change is a change of the number of replicas that an HPA wants.
type Change struct {
	HPA      string
	At       time.Time // the sample in which it was seen
	From, To int32
}

// Log collects what was seen. It may be used from several goroutines; read it when they are done.
type Log struct {
	Series  []Series
	Claims  []Claim
	Events  []Event
	Changes []Change
	// Samples counts them by source. Refusals counts answers of the metrics API that were errors.
	Samples, Refusals map[string]int
	Begin, End        time.Time

	mu       sync.Mutex
	index    map[Series]int
	open     map[int]int // the claim that a series made in the last sample of its source
	replicas map[string]int32
	lines    map[string]int    // series by their text in an exposition, and their source
	reads    map[string]*reads // by source
}

// NewLog makes an empty log.
func NewLog() *Log {
	return &Log{
		Samples: map[string]int{}, Refusals: map[string]int{}, index: map[Series]int{}, open: map[int]int{}, replicas: map[string]int32{},
		lines: map[string]int{}, reads: map[string]*reads{},
	}
}

// sampled counts a sample. It is called with mu held.
func (l *Log) sampled(source string, at time.Time) {
	l.Samples[source]++
	if l.Begin.IsZero() || at.Before(l.Begin) {
		l.Begin = at
	}
	if at.After(l.End) {
		l.End = at
	}
}

// series finds or makes a series. It is called with mu held.
func (l *Log) series(s Series) int {
	i, ok := l.index[s]
	if !ok {
		i = len(l.Series)
		l.index[s] = i
		l.Series = append(l.Series, s)
	}
	return i
}

// claim adds what a series says in a sample. It is called with mu held.
func (l *Log) claim(series int, at time.Time, value int64, readAt time.Time) {
	if i, ok := l.open[series]; ok {
		if c := &l.Claims[i]; c.Value == value && c.ReadAt.Equal(readAt) && at.Sub(c.Last) < sameClaim {
			c.Last = at
			c.Samples++
			return
		}
	}
	l.open[series] = len(l.Claims)
	l.Claims = append(l.Claims, Claim{Series: series, Value: value, ReadAt: readAt, First: at, Last: at, Samples: 1})
}

// sameClaim is how far apart two samples of one claim may be: each object of the metrics API is asked for twice a second, and the
// machine is a busy one.
const sameClaim = 1500 * time.Millisecond

// Item is one object's value in an answer of the metrics API.
type Item struct {
	Object    string
	Value     int64
	Timestamp time.Time
}

// Answered adds an answer of the metrics API about a group's lag. Its time is its oldest item's.
func (l *Log) Answered(subject, group, topic string, at time.Time, items []Item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sampled(subject, at)
	var sum int64
	var oldest time.Time
	for i, item := range items {
		sum += item.Value
		if i == 0 || item.Timestamp.Before(oldest) {
			oldest = item.Timestamp
		}
	}
	if len(items) > 0 {
		l.claim(l.series(Series{Source: subject, Kind: Answer, Group: group, Topic: topic}), at, sum, oldest)
	}
}

// Refused adds an answer of the metrics API that was an error, as it should be for what is not known.
func (l *Log) Refused(subject string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sampled(subject, at)
	l.Refusals[subject]++
}

// Denied adds an answer of the metrics API that there is no such group, which is wrong of the groups that are watched.
func (l *Log) Denied(subject string, at time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sampled(subject, at)
	l.Events = append(l.Events, Event{at, Absent, subject, err.Error()})
}

// Probed adds the outcome of something that has to work whatever becomes of Kafka.
func (l *Log) Probed(source string, at time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sampled(source, at)
	if err != nil {
		l.Events = append(l.Events, Event{at, Health, source, err.Error()})
	}
}

// Wants adds how many replicas an HPA wants.
func (l *Log) Wants(hpa string, at time.Time, replicas int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sampled("hpa", at)
	if before, ok := l.replicas[hpa]; ok && before != replicas {
		l.Changes = append(l.Changes, Change{hpa, at, before, replicas})
	}
	l.replicas[hpa] = replicas
}

// Pods adds which pods of an answer are none of those that there are.
func (l *Log) Pods(subject string, at time.Time, items []Item, known []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, item := range items {
		if !slices.Contains(known, item.Object) {
			l.Events = append(l.Events, Event{at, Ghost, subject, "there is no pod " + item.Object})
		}
	}
}
