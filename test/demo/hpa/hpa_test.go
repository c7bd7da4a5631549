package hpa

import (
	"fmt"
	"testing"
	"time"
)

func pods(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("consumer-%d", i)
	}
	return names
}

// spread gives each of the pods the same value.
func spread(names []string, value int64) map[string]int64 {
	values := make(map[string]int64, len(names))
	for _, name := range names {
		values[name] = value
	}
	return values
}

func TestRecommend(t *testing.T) {
	tests := []struct {
		name   string
		pods   int
		values map[string]int64
		target int64
		want   int
	}{
		{"at the target", 3, spread(pods(3), 40), 40, 3},
		{"within the tolerance above", 10, spread(pods(10), 44), 40, 10},
		{"within the tolerance below", 10, spread(pods(10), 36), 40, 10},
		{"just above the tolerance", 10, spread(pods(10), 45), 40, 12},
		{"just below the tolerance", 10, spread(pods(10), 35), 40, 9},
		{"rounded up", 1, spread(pods(1), 42), 5, 9},
		{"nothing to do", 4, spread(pods(4), 0), 40, 0},
		{"a ghost pod enters the average", 1, map[string]int64{"consumer-0": 10, "ghost": 1000}, 5, 101},
		{"a pod without a value counts as 0 on the way up", 2, spread(pods(1), 200), 40, 5},
		{"a pod without a value counts as at target on the way down", 4, spread(pods(2), 0), 40, 2},
		{"a pod without a value changes the direction: hold", 4, spread(pods(1), 60), 40, 4},
		{"a pod without a value brings it into the tolerance: hold", 10, spread(pods(9), 36), 40, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := recommend(pods(tt.pods), tt.values, tt.target)
			if err != nil || got != tt.want {
				t.Errorf("got %d, %v, want %d", got, err, tt.want)
			}
		})
	}
}

func TestNoValuesHoldTheReplicas(t *testing.T) {
	a := New(Spec{TargetAverage: 40, Min: 1, Max: 12})
	if got, err := a.Replicas(time.Now(), pods(7), nil); err == nil || got != 7 {
		t.Errorf("no values: got %d, %v", got, err)
	}
	if _, err := a.Replicas(time.Now(), nil, spread(pods(1), 40)); err == nil {
		t.Error("no pods: no error")
	}
}

func TestScaleUpIsLimited(t *testing.T) {
	tests := []struct{ pods, want int }{{1, 4}, {2, 4}, {3, 6}, {5, 10}, {7, 12}, {12, 12}}
	for _, tt := range tests {
		a := New(Spec{TargetAverage: 1, Min: 1, Max: 12})
		got, err := a.Replicas(time.Now(), pods(tt.pods), spread(pods(tt.pods), 1_000_000))
		if err != nil || got != tt.want {
			t.Errorf("from %d: got %d, %v, want %d", tt.pods, got, err, tt.want)
		}
	}
}

func TestScaleDownWaitsForTheWindowAndEndsAtMin(t *testing.T) {
	const window = 10 * time.Second
	a := New(Spec{TargetAverage: 40, Min: 2, Max: 12, ScaleDownWindow: window})
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	steps := []struct {
		after time.Duration
		pods  int
		value int64
		want  int
	}{
		{0, 6, 20, 6},                         // wants 3; at its start it holds what it found
		{2 * time.Second, 6, 60, 9},           // up at once
		{4 * time.Second, 9, 0, 9},            // wants 0, but 9 was wanted within the window
		{12 * time.Second, 9, 30, 9},          // 9 is as old as the window now, and still counts
		{12*time.Second + 1, 9, 20, 7},        // now the 7 of the last step does
		{22*time.Second + 1, 7, 0, 5},         // and then the 5 of the step before this one
		{22*time.Second + 2, 5, 0, 2},         // and then nothing: min
		{time.Hour, 2, 0, 2},                  // min
		{time.Hour + time.Second, 2, 1000, 4}, // up again, as fast as allowed
	}
	for i, step := range steps {
		got, err := a.Replicas(start.Add(step.after), pods(step.pods), spread(pods(step.pods), step.value))
		if err != nil || got != step.want {
			t.Errorf("step %d: got %d, %v, want %d", i, got, err, step.want)
		}
	}
}

func TestErrorLeavesTheRecommendationsAlone(t *testing.T) {
	a := New(Spec{TargetAverage: 40, Min: 1, Max: 12, ScaleDownWindow: time.Second})
	now := time.Now()
	if _, err := a.Replicas(now, pods(3), spread(pods(3), 40)); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Replicas(now.Add(time.Minute), pods(3), nil); err == nil || got != 3 {
		t.Errorf("got %d, %v", got, err)
	}
}
