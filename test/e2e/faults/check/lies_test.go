package check_test

import (
	"testing"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/lies"
)

// TestHonest: of an honest product, nothing is wrong, and it is told how dark it got and how old values were.
func TestHonest(t *testing.T) {
	l := watched(t, nil)
	r := check.Summarize(l, truth(t), rules(), epoch.Add(resumes), func(string) bool { return false })
	for _, v := range r.Wrong {
		t.Error(v)
	}
	if r.Unjudged > 0 || r.Claims < 500 || r.Samples != 1200 {
		t.Errorf("%d claims of which %d were not judged, in %d samples", r.Claims, r.Unjudged, r.Samples)
	}
	// Shown until max-age, then absent until it was read again.
	if got, want := r.Darkest.Duration, resumes-hangs-maxAge; got < want-time.Second/2 || got > want+time.Second || r.Darkest.Of != "replica hung" {
		t.Errorf("the longest darkness is %v, want %s of hung", r.Darkest, want)
	}
	if got := r.DarkestBut(func(source string) bool { return source == "replica" }); got.Duration >= r.Darkest.Duration {
		t.Errorf("without the replica, the longest darkness is %v", got)
	}
	if got := r.Oldest; got.Duration != maxAge || got.Of != "replica hung" {
		t.Errorf("the oldest age is %v, want %s of hung", got, maxAge)
	}
	if got := r.Recovery; got.Duration > 2*time.Second {
		t.Errorf("the recovery took %v", got)
	}
}

// TestLies: each lie is noticed, by the rule that it breaks.
func TestLies(t *testing.T) {
	for name, c := range map[string]struct {
		lie  lies.Lie
		want check.Rule
	}{
		"ends before commits":     {&lies.EndsBeforeCommits{Gap: poll}, check.Value},
		"unknown as zero":         {&lies.UnknownAsZero{}, check.Value},
		"old as new":              {&lies.OldAsNew{Gap: 5 * time.Second}, check.Value},
		"a partial sum":           {lies.PartialSum{}, check.Adding},
		"a ghost pod":             {lies.GhostPod{}, check.Ghost},
		"an old answer as new":    {&lies.OldAnswers{Gap: 5 * time.Second}, check.Value},
		"an answer of a part":     {lies.LessThanAll{}, check.Value},
		"a value beyond its time": {&frozen{after: 20 * time.Second}, check.Age},
	} {
		t.Run(name, func(t *testing.T) {
			wrong, _, _ := check.Judge(watched(t, c.lie), truth(t), rules())
			found := map[check.Rule]int{}
			for _, v := range wrong {
				found[v.Rule]++
			}
			if t.Logf("%v", found); found[c.want] == 0 {
				t.Errorf("it was not noticed by the rule %q, only by %v", c.want, found)
			}
		})
	}
}

// frozen goes on serving what it had at a time.
type frozen struct {
	after time.Duration
	body  map[string][]byte
}

func (f *frozen) Rewrite(path string, at time.Time, body []byte) []byte {
	if f.body == nil {
		f.body = map[string][]byte{}
	}
	if at.Before(epoch.Add(f.after)) || f.body[path] == nil {
		f.body[path] = body
	}
	return f.body[path]
}
