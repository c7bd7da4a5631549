package adapter

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// The annotations that bind an object. Each has one name, several with commas between them, or a JSON list of names.
const (
	AnnotationGroup   = "kafka-lag-adapter/consumergroup"
	AnnotationTopics  = "kafka-lag-adapter/topics"
	AnnotationCluster = "kafka-lag-adapter/cluster"
)

// parseAnnotation reads the annotations of one object. The error is an API status that has every mistake.
func parseAnnotation(object string, values map[string]string) (bound, error) {
	b := bound{what: object}
	var mistakes []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		names, err := parseNames(values[key])
		switch key {
		case AnnotationGroup:
			b.groups = names
		case AnnotationTopics:
			b.topics = names
			err = errors.Join(err, topicsError(names))
		case AnnotationCluster:
			b.clusters = names
		default:
			err = fmt.Errorf("there is no such annotation; use %s, %s or %s", AnnotationGroup, AnnotationTopics, AnnotationCluster)
		}
		if err != nil {
			mistakes = append(mistakes, fmt.Sprintf("annotation %s: %q: %v", key, shortened(values[key]), err))
		}
	}
	if len(mistakes) > 0 {
		return bound{}, apierrors.NewBadRequest(object + ": " + strings.Join(mistakes, "; "))
	}
	return b, nil
}

// maxNames is how many names an annotation may have.
const maxNames = 1000

// parseNames reads the names of an annotation, in order and each once. Names that have commas, or spaces at an end, or begin with
// a bracket need the JSON list.
func parseNames(value string) ([]string, error) {
	var names []string
	if strings.HasPrefix(strings.TrimSpace(value), "[") {
		if err := json.Unmarshal([]byte(value), &names); err != nil {
			return nil, fmt.Errorf(`it begins like a JSON list and is none of names, such as ["a","b,c"]: %w`, err)
		}
	} else {
		for name := range strings.SplitSeq(value, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	if len(names) == 0 || slices.Contains(names, "") {
		return nil, errors.New(`a name is empty; give names with commas between them, or as a JSON list, such as ["a","b,c"]`)
	}
	if len(names) > maxNames {
		return nil, fmt.Errorf("it has %d names, more than %d", len(names), maxNames)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// topicsError says which of the names no topic can have.
func topicsError(names []string) error {
	legal := regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)
	for _, name := range names {
		if !legal.MatchString(name) || name == "." || name == ".." {
			return fmt.Errorf("no topic can have the name %q; Kafka allows 1 to 249 letters, digits, dots, underscores and dashes", shortened(name))
		}
	}
	return nil
}

// disagree says that the annotations of two objects cannot be put together.
func disagree(a, b string) error {
	return apierrors.NewBadRequest(fmt.Sprintf("the annotations %s and %s of %s and %s have to be the same, and %s must be on both or neither",
		AnnotationTopics, AnnotationCluster, a, b, AnnotationGroup))
}

// shortened is what of a value errors repeat.
func shortened(value string) string {
	const most = 100
	if len(value) <= most {
		return value
	}
	return strings.ToValidUTF8(value[:most], "") + "…"
}

// quoted lists the first few names.
func quoted(names []string) string {
	const most = 3
	var list []string
	for _, name := range names[:min(most, len(names))] {
		list = append(list, fmt.Sprintf("%q", shortened(name)))
	}
	if len(names) > most {
		list = append(list, fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(list, ", ")
}
