package lies

import (
	"encoding/json"
	"strings"
	"time"
)

// object is a JSON object of which only a part is of interest.
type object = map[string]any

// items applies a change to the items of a list of metric values. What is no such list stays.
func items(path string, body []byte, change func([]any) []any) []byte {
	if !strings.Contains(path, ".metrics.k8s.io/") {
		return body
	}
	var list object
	if json.Unmarshal(body, &list) != nil {
		return body
	}
	all, ok := list["items"].([]any)
	if !ok || len(all) == 0 {
		return body
	}
	list["items"] = change(all)
	told, err := json.Marshal(list)
	if err != nil {
		return body
	}
	return told
}

// GhostPod serves each list of pods with one more, which there is not, as a program does that counts pods from the members of a group.
type GhostPod struct{}

// Rewrite implements Lie.
func (GhostPod) Rewrite(path string, _ time.Time, body []byte) []byte {
	return items(path, body, func(all []any) []any {
		first, ok := all[0].(object)
		if !ok {
			return all
		}
		described, ok := first["describedObject"].(object)
		if !ok || described["kind"] != "Pod" {
			return all
		}
		ghost, named := object{}, object{}
		for k, v := range first {
			ghost[k] = v
		}
		for k, v := range described {
			named[k] = v
		}
		named["name"] = "ghost"
		ghost["describedObject"], ghost["value"] = named, "0"
		return append(all, ghost)
	})
}

// OldAnswers serves the answers of the metrics API that were true Gap ago, with the times of today.
type OldAnswers struct {
	Gap     time.Duration
	history map[string][]answer
}

type answer struct {
	at   time.Time
	body []byte
}

// Rewrite implements Lie.
func (l *OldAnswers) Rewrite(path string, at time.Time, body []byte) []byte {
	if l.history == nil {
		l.history = map[string][]answer{}
	}
	h := append(l.history[path], answer{at, body})
	for len(h) > 1 && !h[1].at.After(at.Add(-l.Gap)) {
		h = h[1:]
	}
	l.history[path] = h
	if h[0].at.After(at.Add(-l.Gap)) {
		return body
	}
	return items(path, h[0].body, func(all []any) []any {
		for _, one := range all {
			if item, ok := one.(object); ok {
				item["timestamp"] = at.UTC().Format(time.RFC3339)
			}
		}
		return all
	})
}

// LessThanAll takes a part from the first item of each answer, as a sum does that leaves out what is not known.
type LessThanAll struct{}

// Rewrite implements Lie.
func (LessThanAll) Rewrite(path string, _ time.Time, body []byte) []byte {
	return items(path, body, func(all []any) []any {
		if first, ok := all[0].(object); ok {
			first["value"] = "0"
		}
		return all
	})
}
