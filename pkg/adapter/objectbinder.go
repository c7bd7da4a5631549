package adapter

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// Annotations finds the annotations of this project. An error means that it cannot tell now.
type Annotations interface {
	// Of returns those of an object, nil if it has none.
	Of(ctx context.Context, resource schema.GroupResource, object types.NamespacedName) (map[string]string, error)
	// OfPods returns those of the pods, or of the workload that a pod belongs to if it has none of its own, by what has them.
	OfPods(ctx context.Context, pods []lag.Pod) (map[string]map[string]string, error)
}

// AllSnapshots has the latest snapshots, with the groups of all namespaces.
type AllSnapshots interface {
	Snapshots() []*lag.Snapshot
}

// ObjectBinder finds the consumer groups of an object by the first of these that tells:
//
//  1. the metric selector, if it names consumergroup;
//  2. annotations of the object, or else of its pods or their workload;
//  3. membership: the groups that have a member on one of its pods.
//
// What a metric selector says of cluster, topic and partition narrows any of them. A topic that nothing tells the groups of has
// those of all. A namespace has the groups that annotations of its pods and their workloads name, and besides those that its pods
// are members of.
type ObjectBinder struct {
	Annotations Annotations
	Pods        Pods
	All         AllSnapshots     // where groups are looked for; what is found counts if the target's snapshots have it
	Membership  bool             // whether to use it
	MaxAge      time.Duration    // lists of groups that are older do not tell what there is not
	Now         func() time.Time // time.Now if nil

	index lag.MemberIndex
}

var _ Binder = (*ObjectBinder)(nil)

// Bind implements Binder.
func (b *ObjectBinder) Bind(ctx context.Context, target Target) (lag.Selection, error) {
	selection, err := selected(target)
	if err != nil || namesGroups(target.MetricSelector) {
		return selection, err
	}
	if target.Resource == namespaceResource() {
		return b.namespace(ctx, target, selection)
	}
	annotations, pods, err := b.annotations(ctx, target)
	if err != nil {
		return lag.Selection{}, err
	}
	bound, err := parseAnnotations(annotations)
	if err != nil {
		return lag.Selection{}, err
	}
	bound.apply(&selection)
	switch {
	case len(bound.groups) > 0 || target.Topic != "":
		return selection, nil
	case b.Membership && (target.Pods != nil || target.PodSelector != nil):
		return b.members(target, selection, pods)
	default:
		return lag.Selection{}, &lag.AbsentError{What: fmt.Sprintf("no consumer group is bound to %s", target), Hint: hint}
	}
}

const hint = "set the annotation " + AnnotationGroup + " on it (a kind that the adapter has the right to get), or " + hintSelector

// namesGroups says whether the selector has a requirement on the group.
func namesGroups(selector labels.Selector) bool {
	requirements, _ := selector.Requirements()
	return slices.ContainsFunc(requirements, func(r labels.Requirement) bool { return r.Key() == labelGroup })
}

// annotations returns the annotations that count for the target, by what has them, and the target's pods.
func (b *ObjectBinder) annotations(ctx context.Context, target Target) (found map[string]map[string]string, pods []lag.Pod, err error) {
	if target.Name != "" {
		own, err := b.Annotations.Of(ctx, target.Resource, types.NamespacedName{Namespace: target.Namespace, Name: target.Name})
		switch {
		case apierrors.IsNotFound(err): // it was deleted since it was looked up
			return nil, nil, err
		case err != nil:
			return nil, nil, notKnown("the annotations of "+target.String(), err)
		}
		if len(own) > 0 {
			return map[string]map[string]string{target.String(): own}, nil, nil
		}
	}
	pods = target.Pods
	if target.PodSelector != nil {
		if pods, err = b.Pods.List(target.Namespace, target.PodSelector); err != nil {
			return nil, nil, notKnown(target.itsPods(), err)
		}
	}
	if len(pods) == 0 {
		return nil, nil, nil
	}
	if found, err = b.Annotations.OfPods(ctx, pods); err != nil {
		return nil, nil, notKnown("the annotations of "+target.itsPods(), err)
	}
	return found, pods, nil
}

func notKnown(what string, err error) error { return &lag.UnknownError{What: what, Reason: err} }

// members narrows the selection to the groups of the pods' members.
func (b *ObjectBinder) members(target Target, selection lag.Selection, pods []lag.Pod) (lag.Selection, error) {
	now := b.Now
	if now == nil {
		now = time.Now
	}
	describe(&selection, "the members on "+target.itsPods())
	b.index.Update(b.All.Snapshots())
	bound, ok, err := lag.GroupsOn(target.Snapshots, selection, pods, b.Pods, &b.index, now(), b.MaxAge)
	switch {
	case err != nil:
		return lag.Selection{}, err
	case ok:
		return bound, nil
	case len(pods) == 0:
		return lag.Selection{}, &lag.AbsentError{
			What: fmt.Sprintf("no consumer group is known of %s, as no pod of it runs that could be a member", target),
			Hint: "to scale from zero, " + hint,
		}
	}
	return lag.Selection{}, &lag.AbsentError{
		What: fmt.Sprintf("no consumer group has a member on %s (%s)", target.itsPods(), someNames(pods)),
		Hint: "a member is found by its host, which must be a pod's IP, or by a group.instance.id or client.id that has the pod's name; " + hint,
	}
}

// someNames lists the first few pods.
func someNames(pods []lag.Pod) string {
	const most = 3
	var names []string
	for _, pod := range pods[:min(most, len(pods))] {
		names = append(names, pod.Name)
	}
	if len(pods) > most {
		names = append(names, fmt.Sprintf("and %d more", len(pods)-most))
	}
	return strings.Join(names, ", ")
}

// bound is what annotations say.
type bound struct {
	groups, topics, clusters []string // nil if they say nothing of them
	what                     string
}

// apply narrows the selection.
func (b *bound) apply(selection *lag.Selection) {
	if b.topics != nil {
		narrow(&selection.Topic, b.topics)
	}
	if b.clusters != nil {
		narrow(&selection.Cluster, b.clusters)
	}
	if b.groups != nil {
		selection.Groups = b.groups
	}
	if b.what != "" {
		describe(selection, b.what)
	}
}

// parseAnnotations returns what the annotations of several objects say together: groups of any of them. Topics and clusters have
// to be the same for all, as they are those of all groups.
func parseAnnotations(annotations map[string]map[string]string) (bound, error) {
	var all bound
	first := ""
	for _, object := range slices.Sorted(maps.Keys(annotations)) {
		one, err := parseAnnotation(object, annotations[object])
		if err != nil {
			return bound{}, err
		}
		if first == "" {
			all, first = one, object
			continue
		}
		if !slices.Equal(all.topics, one.topics) || !slices.Equal(all.clusters, one.clusters) || (all.groups == nil) != (one.groups == nil) {
			return bound{}, disagree(first, object)
		}
		for _, name := range one.groups {
			if !slices.Contains(all.groups, name) {
				all.groups = append(all.groups, name)
			}
		}
		all.what = first + " and others"
	}
	if first != "" {
		all.what = "the annotations of " + all.what
		if all.groups != nil {
			slices.Sort(all.groups)
			all.what += fmt.Sprintf(" (consumer group %s)", quoted(all.groups))
		}
	}
	return all, nil
}
