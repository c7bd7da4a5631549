package adapter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// The labels of the lag series, which are the keys of a metric selector.
const (
	labelCluster   = "cluster"
	labelGroup     = "consumergroup"
	labelTopic     = "topic"
	labelPartition = "partition"
)

// parseSelection turns a metric selector into the selection of the series that it matches. Every series has all four labels.
// The error has every mistake of the selector.
func parseSelection(selector labels.Selector) (lag.Selection, error) {
	requirements, selectable := selector.Requirements()
	if !selectable {
		return lag.Selection{}, errors.New("it can match nothing")
	}
	sel := lag.Selection{What: selector.String()}
	var mistakes []error
	for _, r := range requirements {
		if err := require(&sel, r); err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", r.String(), err))
		}
	}
	if err := utilerrors.NewAggregate(mistakes); err != nil { // on one line, unlike errors.Join: it ends up in the HPA's condition
		return lag.Selection{}, err
	}
	sel.Groups = groupNames(requirements, sel.Group)
	return sel, nil
}

// require narrows the selection by one requirement.
func require(sel *lag.Selection, r labels.Requirement) (err error) {
	switch r.Key() {
	case labelCluster:
		sel.Cluster, err = both(sel.Cluster, r, textMatch)
	case labelGroup:
		sel.Group, err = both(sel.Group, r, textMatch)
	case labelTopic:
		sel.Topic, err = both(sel.Topic, r, textMatch)
	case labelPartition:
		sel.Partition, err = both(sel.Partition, r, numberMatch)
	default:
		return fmt.Errorf("there is no label %q; use %s, %s, %s or %s", r.Key(), labelCluster, labelGroup, labelTopic, labelPartition)
	}
	return err
}

// both is the predicate that holds where so does and the requirement too. so is nil where it always holds.
func both[T any](so func(T) bool, r labels.Requirement, match func(labels.Requirement) (func(T) bool, error)) (func(T) bool, error) {
	matches, err := match(r)
	if err != nil || so == nil {
		return matches, err
	}
	return func(value T) bool { return so(value) && matches(value) }, nil
}

func textMatch(r labels.Requirement) (func(string) bool, error) {
	switch r.Operator() {
	case selection.GreaterThan, selection.LessThan:
		return nil, fmt.Errorf("only %s can be compared by %s", labelPartition, r.Operator())
	default:
		return match(r.Operator(), r.ValuesUnsorted()), nil
	}
}

func numberMatch(r labels.Requirement) (func(int32) bool, error) {
	var numbers []int32
	for _, value := range r.ValuesUnsorted() {
		number, err := strconv.ParseInt(value, 10, 32)
		if err != nil || number < 0 {
			return nil, fmt.Errorf("%q is no number of a partition", value)
		}
		numbers = append(numbers, int32(number))
	}
	switch r.Operator() {
	case selection.GreaterThan:
		return func(n int32) bool { return n > numbers[0] }, nil
	case selection.LessThan:
		return func(n int32) bool { return n < numbers[0] }, nil
	default:
		return match(r.Operator(), numbers), nil
	}
}

// match is the predicate for the operators that need no order.
func match[T comparable](operator selection.Operator, values []T) func(T) bool {
	set := make(map[T]struct{}, len(values))
	for _, value := range values {
		set[value] = struct{}{}
	}
	in := func(value T) bool { _, ok := set[value]; return ok }
	switch operator {
	case selection.Exists:
		return func(T) bool { return true }
	case selection.NotEquals, selection.NotIn:
		return func(value T) bool { return !in(value) }
	default: // Equals, DoubleEquals and In; DoesNotExist, which has no values, matches nothing
		return in
	}
}

// groupNames returns the names of the groups that the selector gives, of those that matches allows; nil if it gives none. With
// names, the answer does not depend on whether all the groups of the cluster could be listed.
func groupNames(requirements labels.Requirements, matches func(string) bool) []string {
	for _, r := range requirements {
		switch r.Operator() {
		case selection.Equals, selection.DoubleEquals, selection.In:
			if r.Key() == labelGroup {
				return slices.DeleteFunc(r.Values().List(), func(name string) bool { return !matches(name) })
			}
		}
	}
	return nil
}
