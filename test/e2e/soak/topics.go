package soak

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
)

// What happens to topics and groups happens to those of a name that there was never before, and of which nothing is left afterwards.

// begun makes a topic and a group of that name on it, and waits until its lag is shown.
func (w *world) begun(ctx context.Context, name string) error {
	work := w.Workload()
	if err := work.CreateTopic(ctx, name, 3); err != nil {
		return err
	}
	if err := work.Produce(ctx, name, 90); err != nil {
		return err
	}
	if err := work.Commit(ctx, name, name, map[int32]int64{0: 25, 1: 25, 2: 25}); err != nil {
		return err
	}
	return w.shows(ctx, name, true)
}

// shows waits until both programs show the lag of a group, or do not.
func (w *world) shows(ctx context.Context, group string, shown bool) error {
	for program, url := range w.urls() {
		err := await.Until(ctx, fmt.Sprintf("%s to show the lag of %s: %v", program, group, shown), func(ctx context.Context) error {
			text, err := w.visitor.metrics(ctx, url)
			if err == nil && shows(text, group) != shown {
				err = errors.New("it does not yet")
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ended deletes a topic and the group of its name.
func (w *world) ended(ctx context.Context, name string) error {
	return w.admin(func(admin *kadm.Client) error {
		_, group := admin.DeleteGroup(ctx, name)
		if errors.Is(group, kerr.GroupIDNotFound) {
			group = nil
		}
		_, topic := admin.DeleteTopic(ctx, name)
		if errors.Is(topic, kerr.UnknownTopicOrPartition) {
			topic = nil
		}
		return errors.Join(group, topic)
	})
}

// topicAnew creates a topic again with fewer records than its group had committed.
func topicAnew(ctx context.Context, w *world, cycle int) (err error) {
	name := fmt.Sprintf("anew-%d", cycle)
	defer func() { err = errors.Join(err, w.ended(ctx, name)) }()
	if err := w.begun(ctx, name); err != nil {
		return err
	}
	err = w.admin(func(admin *kadm.Client) error {
		_, err := admin.DeleteTopic(ctx, name)
		return err
	})
	if err != nil {
		return err
	}
	work := w.Workload()
	if err := errors.Join(work.CreateTopic(ctx, name, 3), work.Produce(ctx, name, 9), work.Commit(ctx, name, name, map[int32]int64{0: 25, 1: 25, 2: 25})); err != nil {
		return err
	}
	elapse(ctx, beat)
	return w.shows(ctx, name, false)
}

// partitionsAdded gives a topic more partitions.
func partitionsAdded(ctx context.Context, w *world, cycle int) (err error) {
	name := fmt.Sprintf("grows-%d", cycle)
	defer func() { err = errors.Join(err, w.ended(ctx, name)) }()
	if err := w.begun(ctx, name); err != nil {
		return err
	}
	err = w.admin(func(admin *kadm.Client) error {
		_, err := admin.UpdatePartitions(ctx, 12, name)
		return err
	})
	elapse(ctx, beat)
	return err
}

// groupDeleted deletes a group that the metrics API is asked for, which then says that there is no such.
func groupDeleted(ctx context.Context, w *world, cycle int) (err error) {
	name := fmt.Sprintf("leaves-%d", cycle)
	defer func() { err = errors.Join(err, w.ended(ctx, name)) }()
	if err := w.begun(ctx, name); err != nil {
		return err
	}
	if err := await.Until(ctx, "the metrics API to know "+name, func(ctx context.Context) error { return w.guests.ask(ctx, external(name)) }); err != nil {
		return err
	}
	err = w.admin(func(admin *kadm.Client) error {
		_, err := admin.DeleteGroup(ctx, name)
		return err
	})
	if err != nil {
		return err
	}
	return await.Until(ctx, "the metrics API to know that there is no "+name, func(ctx context.Context) error {
		if err := w.guests.ask(ctx, external(name)); !apierrors.IsNotFound(err) {
			return fmt.Errorf("it answers: %w", err)
		}
		return nil
	})
}
