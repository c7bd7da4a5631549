package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/oracle"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// member is a consumer in the place of a pod.
type member interface {
	Drain() error // reads and commits all that there is, from now on
	Close() error // leaves the group
}

// fleet has a member for each running pod of an app: it joins when the pod runs and leaves when the pod goes, as a container would.
type fleet struct {
	app   string // the value of the pods' label app
	start func(pod *corev1.Pod) (member, error)

	mu       sync.Mutex
	members  map[string]member // by the pod's name
	draining bool
}

// runFleet runs a fleet until the test ends.
func runFleet(t *testing.T, app string, start func(pod *corev1.Pod) (member, error)) *fleet {
	t.Helper()
	f := &fleet{app: app, start: start, members: map[string]member{}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			if err := f.follow(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if err := f.keep(nil); err != nil {
			t.Error(err)
		}
	})
	return f
}

// follow brings the members in line with the pods.
func (f *fleet) follow(ctx context.Context) error {
	pods, err := runningPods(ctx, f.app)
	if err != nil {
		return err
	}
	if err := f.keep(pods); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, pod := range pods {
		if f.members[name] != nil {
			continue
		}
		m, err := f.start(pod)
		if err != nil {
			return err
		}
		f.members[name] = m
		if f.draining {
			if err := m.Drain(); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep lets all members leave but those of the pods.
func (f *fleet) keep(pods map[string]*corev1.Pod) error {
	f.mu.Lock()
	gone := maps.Clone(f.members)
	maps.DeleteFunc(gone, func(name string, _ member) bool { return pods[name] != nil })
	maps.DeleteFunc(f.members, func(name string, _ member) bool { return pods[name] == nil })
	f.mu.Unlock()
	var leaving sync.WaitGroup
	errs := make(chan error, len(gone))
	for _, m := range gone {
		leaving.Go(func() { errs <- m.Close() })
	}
	leaving.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// drain lets the members, also those to come, read all that there is.
func (f *fleet) drain() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.draining = true
	var errs []error
	for _, m := range f.members {
		errs = append(errs, m.Drain())
	}
	return errors.Join(errs...)
}

// runningPods returns the pods of an app that run and are to stay, by name.
func runningPods(ctx context.Context, app string) (map[string]*corev1.Pod, error) {
	list, err := shared.ControlPlane.Client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + app})
	if err != nil {
		return nil, err
	}
	pods := map[string]*corev1.Pod{}
	for i, pod := range list.Items {
		if pod.Status.Phase == corev1.PodRunning && pod.Status.PodIP != "" && pod.DeletionTimestamp == nil {
			pods[pod.Name] = &list.Items[i]
		}
	}
	return pods, nil
}

// applyAs applies the example of the consumer and others of its examples with another name than the consumer's, each changed as
// the edits say (old and new in turn), and deletes it all when the test ends.
func applyAs(ctx context.Context, t *testing.T, name string, files []string, edits ...string) {
	t.Helper()
	for _, file := range append([]string{"consumer.yaml"}, files...) {
		text, err := os.ReadFile(example(file))
		suite.Try(t, err)
		renamed := strings.NewReplacer(append([]string{": consumer\n", ": " + name + "\n"}, edits...)...).Replace(string(text))
		path := filepath.Join(shared.Dir, name+"-"+file)
		suite.Try(t, os.WriteFile(path, []byte(renamed), 0o600))
		applyFile(ctx, t, path)
	}
}

// applyFile applies a file and deletes what is in it when the test ends.
func applyFile(ctx context.Context, t *testing.T, path string) {
	t.Helper()
	kubectl(ctx, t, "apply", "-f", path)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := shared.ControlPlane.Kubectl(ctx, "delete", "-f", path, "--wait"); err != nil {
			t.Error(err)
		}
	})
}

// owned returns the lag of the partitions that each pod of an app owns, by the AdminClient. It is an error unless the group's
// members are on these pods, one each, and own all there is. whose tells the pod's name from a member and the pods' names by IP.
func owned(ctx context.Context, app, group string, whose func(m oracle.Member, byIP map[string]string) string) (map[string]int64, error) {
	pods, err := runningPods(ctx, app)
	if err != nil {
		return nil, err
	}
	byIP := map[string]string{}
	for name, pod := range pods {
		byIP[pod.Status.PodIP] = name
	}
	members, err := membersOf(ctx, group)
	if err != nil {
		return nil, err
	}
	offsets, err := shared.Oracle.Offsets(ctx)
	if err != nil {
		return nil, err
	}
	total, err := offsets.Lag(group, group)
	if err != nil {
		return nil, err
	}
	lags := map[string]int64{}
	for _, m := range members {
		pod := whose(m, byIP)
		if pods[pod] == nil {
			return nil, fmt.Errorf("member %+v is on no pod", m)
		}
		lag, err := lagOf(offsets, group, m.Assignment)
		if err != nil {
			return nil, err
		}
		lags[pod] += lag
		total -= lag
	}
	if len(lags) != len(pods) || len(members) != len(pods) || total != 0 {
		return nil, fmt.Errorf("%d pods have %d members that own all of the lag but %d", len(pods), len(members), total)
	}
	return lags, nil
}

// byHost tells a member's pod by the address that its connection comes from.
func byHost(m oracle.Member, byIP map[string]string) string {
	return byIP[strings.TrimPrefix(m.Host, "/")]
}

func membersOf(ctx context.Context, group string) ([]oracle.Member, error) {
	groups, err := shared.Oracle.Groups(ctx)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		if g.Group != group {
			continue
		}
		if g.Error != "" || g.State != "Stable" {
			return nil, fmt.Errorf("group %s is %s %s", group, g.State, g.Error)
		}
		return g.Members, nil
	}
	return nil, fmt.Errorf("no group %s", group)
}

// lagOf is the lag of a group in some partitions.
func lagOf(offsets *oracle.Offsets, group string, partitions []oracle.Partition) (int64, error) {
	g, err := offsets.Group(group)
	if err != nil {
		return 0, err
	}
	commits := map[oracle.Partition]int64{}
	for _, c := range g.Commits {
		commits[c.Partition] = c.Offset
	}
	var lag int64
	for _, p := range partitions {
		commit, ok := commits[p]
		if !ok {
			return 0, fmt.Errorf("%s has no commit in %+v", group, p)
		}
		log, err := offsets.Log(p)
		if err != nil {
			return 0, err
		}
		lag += log.HighWatermark - max(commit, log.Start)
	}
	return lag, nil
}

// awaitValues waits until the pods of an app have the values of want, which is asked anew at each look. query is appended to the
// request's.
func awaitValues(ctx context.Context, t *testing.T, app, query string, want func(context.Context) (map[string]int64, error)) {
	t.Helper()
	suite.Try(t, await.Until(ctx, "the values of the pods of "+app, func(ctx context.Context) error {
		lags, err := want(ctx)
		if err != nil {
			return err
		}
		answer, err := rawMetric(ctx, "v1beta2/namespaces/default/pods/*/kafka_consumergroup_lag?labelSelector=app%3D"+app+query)
		if err != nil {
			return err
		}
		values, err := answer.byName()
		if err == nil && !maps.Equal(values, lags) {
			err = fmt.Errorf("the pods have %v, by the AdminClient it is %v", values, lags)
		}
		return err
	}))
}

func sortedKeys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
