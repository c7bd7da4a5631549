package adapter

import (
	"context"
	"errors"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// namespace narrows the selection to the groups that are bound in the namespace. Each counts with all its topics: what annotations
// say of topics and clusters is about the object that has them.
func (b *ObjectBinder) namespace(ctx context.Context, target Target, selection lag.Selection) (lag.Selection, error) {
	pods, err := b.Pods.List(target.Namespace, labels.Everything())
	if err != nil {
		return lag.Selection{}, notKnown("the pods of "+target.String(), err)
	}
	var named []string
	if len(pods) > 0 {
		annotations, err := b.Annotations.OfPods(ctx, pods)
		if err != nil {
			return lag.Selection{}, notKnown("the annotations of the pods of "+target.String(), err)
		}
		for _, object := range slices.Sorted(maps.Keys(annotations)) {
			one, err := parseAnnotation(object, annotations[object])
			if err != nil {
				return lag.Selection{}, err
			}
			named = append(named, one.groups...)
		}
	}
	if !b.Membership {
		return withGroups(selection, named, target)
	}
	bound, err := b.members(target, selection, pods)
	switch _, absent := errors.AsType[*lag.AbsentError](err); {
	case absent:
		return withGroups(selection, named, target)
	case err != nil:
		return lag.Selection{}, err
	}
	if member := bound.Bound; member != nil {
		bound.Bound = func(cluster, group string) bool { return slices.Contains(named, group) || member(cluster, group) }
	}
	return withGroups(bound, append(bound.Groups, named...), target)
}

// withGroups narrows the selection to the groups.
func withGroups(selection lag.Selection, groups []string, target Target) (lag.Selection, error) {
	if len(groups) == 0 {
		return lag.Selection{}, &lag.AbsentError{What: "no consumer group is bound to " + target.String(), Hint: hint}
	}
	slices.Sort(groups)
	selection.Groups = slices.Compact(groups)
	if selection.What == "" {
		selection.What = "the annotations in " + target.String()
	}
	return selection, nil
}
