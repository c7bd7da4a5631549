package soak

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
)

// How guests come and go.
const (
	arrivals = 3 * time.Second
	staying  = 10 // guests, at once
	patience = 5 * time.Second
)

// guests are groups that nobody has heard of before, each with a topic and a Deployment of its own, all of its name. They stay for a
// while and are deleted. The metrics API is asked for those that are there and for those that are gone.
type guests struct {
	client *kgo.Client
	admin  *kadm.Client
	kube   kubernetes.Interface
	cancel context.CancelFunc
	done   sync.WaitGroup

	last   atomic.Int64 // number of the last one that came
	living []*guest     // used by one goroutine
	asked  int64        // by another one
}

// guest is one of them.
type guest struct {
	name       string
	partitions int32       // of its topic
	member     *kgo.Client // nil for those that only commit
}

// newGuest is number n. Those that live at the same time have about as many partitions together whenever that is: what the programs hold for
// them must not depend on how many came before.
func newGuest(n int64) *guest { return &guest{name: guestName(n), partitions: int32(1 + n%3)} }

func guestName(n int64) string { return fmt.Sprintf("guest-%d", n) }

func startGuests(bootstrap string, kube kubernetes.Interface) (*guests, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.DisableClientMetrics(),
		kgo.RecordPartitioner(kgo.RoundRobinPartitioner()), kgo.RecordDeliveryTimeout(patience), kgo.UnknownTopicRetries(-1),
		kgo.MetadataMinAge(250*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("receiving guests: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g := &guests{client: client, admin: kadm.NewClient(client), kube: kube, cancel: cancel}
	g.every(ctx, arrivals, g.turn)
	g.every(ctx, 500*time.Millisecond, g.askSome)
	return g, nil
}

func (g *guests) every(ctx context.Context, period time.Duration, do func(context.Context)) {
	g.done.Go(func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				do(ctx)
			}
		}
	})
}

// turn has a guest come and those go that have stayed long enough. One that could not be seen off, as things fail here, goes later.
func (g *guests) turn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	kept := g.living[:0]
	for i, old := range g.living {
		if i >= len(g.living)-staying || g.seeOff(ctx, old) != nil {
			kept = append(kept, old)
		}
	}
	g.living = kept
	if len(g.living) < 2*staying {
		next := newGuest(g.last.Add(1))
		g.living = append(g.living, next)
		_ = g.receive(ctx, next) // as far as it goes
	}
}

// receive makes all that belongs to a guest. Every third one has a member, the others only commit.
func (g *guests) receive(ctx context.Context, next *guest) error {
	if _, err := g.admin.CreateTopic(ctx, next.partitions, brokers, nil, next.name); err != nil {
		return fmt.Errorf("creating a topic: %w", err)
	}
	records := make([]*kgo.Record, 9)
	for i := range records {
		records[i] = &kgo.Record{Topic: next.name, Value: []byte("record")}
	}
	if err := g.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("producing: %w", err)
	}
	deployment := load.Deployment(next.name)
	deployment.Annotations = map[string]string{"kafka-lag-adapter/consumergroup": next.name}
	_, failed := g.kube.AppsV1().Deployments(load.Namespace).Create(ctx, deployment, metav1.CreateOptions{})
	if g.last.Load()%3 == 0 {
		member, err := kgo.NewClient(append(g.client.Opts(), kgo.ConsumerGroup(next.name), kgo.ConsumeTopics(next.name), kgo.ClientID(next.name))...)
		next.member = member
		return errors.Join(failed, err)
	}
	commits := kadm.Offsets{}
	commits.AddOffset(next.name, 0, 1, -1)
	return errors.Join(failed, g.admin.CommitAllOffsets(ctx, next.name, commits))
}

// seeOff deletes all that belongs to a guest; what is not there is no mistake.
func (g *guests) seeOff(ctx context.Context, old *guest) error {
	if old.member != nil {
		old.member.CloseAllowingRebalance()
		old.member = nil
	}
	if _, err := g.admin.DeleteGroup(ctx, old.name); err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return fmt.Errorf("deleting a group: %w", err)
	}
	if _, err := g.admin.DeleteTopic(ctx, old.name); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("deleting a topic: %w", err)
	}
	err := g.kube.AppsV1().Deployments(load.Namespace).Delete(ctx, old.name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("deleting a Deployment: %w", err)
	}
	return nil
}

// question is a request to the metrics API.
type question struct {
	path  string
	query url.Values
}

func external(group string) question {
	return question{
		"/apis/external.metrics.k8s.io/v1beta1/namespaces/" + load.Namespace + "/" + load.Metric,
		url.Values{"labelSelector": {"consumergroup=" + group}},
	}
}

func ofDeployment(name string) question {
	return question{"/apis/custom.metrics.k8s.io/v1beta2/namespaces/" + load.Namespace + "/deployments.apps/" + name + "/" + load.Metric, nil}
}

func ofPods(name string) question {
	return question{
		"/apis/custom.metrics.k8s.io/v1beta2/namespaces/" + load.Namespace + "/pods/*/" + load.Metric,
		url.Values{"labelSelector": {"app=" + name}, "metricLabelSelector": {"consumergroup=" + name}},
	}
}

// ask asks the metrics API through the API server.
func (g *guests) ask(ctx context.Context, q question) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	request := g.kube.Discovery().RESTClient().Get().AbsPath(q.path)
	for name, values := range q.query {
		request.Param(name, values[0])
	}
	if _, err := request.DoRaw(ctx); err != nil {
		return fmt.Errorf("asking for %s: %w", q.path, err)
	}
	return nil
}

// askSome asks for a guest in one of the ways of an HPA. Guests that are not there any more are refused, and so are those that the
// brokers do not tell about now.
func (g *guests) askSome(ctx context.Context) {
	g.asked++
	name := guestName(max(g.last.Load()-g.asked%(2*staying), 1))
	questions := []question{external(name), ofDeployment(name), ofPods(name)}
	_ = g.ask(ctx, questions[g.asked%int64(len(questions))])
}

// close ends it. Topics and groups stay.
func (g *guests) close() {
	g.cancel()
	g.done.Wait()
	for _, old := range g.living {
		if old.member != nil {
			old.member.CloseAllowingRebalance()
		}
	}
	g.client.Close()
}
