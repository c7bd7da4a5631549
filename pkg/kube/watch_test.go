package kube

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// TestMain lets no error wait until a millisecond after the one before: to the clock of a bubble, that is years.
func TestMain(m *testing.M) {
	utilruntime.ErrorHandlers = nil //nolint:reassign // there is no other way
	m.Run()
}

// forgetful is an API server that can be away, and does not keep what changed meanwhile.
type forgetful struct {
	*fake.Clientset
	err     atomic.Pointer[error] // of every request, while it is away
	watches []watch.Interface
}

func newForgetful(objects ...runtime.Object) *forgetful {
	s := &forgetful{Clientset: fake.NewClientset(objects...)}
	s.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		err := s.err.Load()
		if err == nil {
			return false, nil, nil
		}
		return true, nil, *err
	})
	s.PrependWatchReactor("pods", func(clienttesting.Action) (bool, watch.Interface, error) {
		if err := s.err.Load(); err != nil {
			return true, nil, *err
		}
		if len(s.watches) == 1 { // the changes to go on with
			s.watches = append(s.watches, nil)
			return true, nil, apierrors.NewResourceExpired("too old resource version")
		}
		events, err := s.Tracker().Watch(schema.GroupVersionResource{Version: "v1", Resource: "pods"}, "")
		s.watches = append(s.watches, events)
		return true, events, err
	})
	return s
}

// leave ends the watch, and answers each request with the error.
func (s *forgetful) leave(err error) {
	s.err.Store(&err)
	s.watches[0].Stop()
}

// TestPodsAfterAnOutage has the API server away for ten minutes, in which a pod goes and another comes: soon after, both have to be
// known, however it was away. Informers take up to a minute.
func TestPodsAfterAnOutage(t *testing.T) {
	for name, err := range map[string]error{
		"refuses connections":   syscall.ECONNREFUSED,
		"is not ready":          apierrors.NewServiceUnavailable("not ready"),
		"cuts connections":      syscall.ECONNRESET,
		"is overloaded":         apierrors.NewTooManyRequests("later", 0),
		"asks for the password": apierrors.NewUnauthorized("no"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := newForgetful(somePod("a", "one"), somePod("a", "two"))
				var log bytes.Buffer
				p := NewPods(api, slog.New(slog.NewTextHandler(&log, nil)))
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() { done <- p.Run(ctx) }()
				synctest.Wait()
				if got := consumers(t, p, "a"); strings.Join(got, " ") != "one two" || p.Age() != 0 {
					t.Fatalf("a has %q, of age %s", got, p.Age())
				}
				api.leave(err)
				<-time.After(10 * time.Minute)
				if age := p.Age(); age < 9*time.Minute || age > 10*time.Minute {
					t.Errorf("after 10 min of outage, the pods' age is %s", age)
				}
				if got := consumers(t, p, "a"); strings.Join(got, " ") != "one two" {
					t.Errorf("during the outage, a has %q", got)
				}
				pods := api.CoreV1().Pods("a")
				if err := pods.Delete(ctx, "one", metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
				if _, err := pods.Create(ctx, somePod("a", "three"), metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				api.err.Store(nil)
				<-time.After(3 * time.Second)
				synctest.Wait()
				if got := consumers(t, p, "a"); strings.Join(got, " ") != "three two" || p.Age() != 0 {
					t.Errorf("3 s after the outage, a has %q, of age %s", got, p.Age())
				}
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
				lines := strings.Split(strings.TrimSpace(log.String()), "\n")
				if n := len(lines); n < 11 || n > 13 || !strings.Contains(lines[0], err.Error()) || !strings.Contains(lines[n-1], "up to date") {
					t.Errorf("of the outage, %d lines were logged:\n%s", n, log.String())
				}
			})
		})
	}
}

// TestPodsOfAnAPIServerThatCannotListByAWatch is not an outage, nor is the end of what a watch could go on from.
func TestPodsOfAnAPIServerThatCannotListByAWatch(t *testing.T) {
	for _, err := range []error{
		&apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonInvalid, Code: http.StatusUnprocessableEntity}},
		apierrors.NewResourceExpired("too old"),
	} {
		p := NewPods(fake.NewClientset(), slog.New(slog.DiscardHandler))
		if p.asked(t.Context(), err); p.failure.Load() != nil {
			t.Errorf("%v is an outage", err)
		}
	}
	p := NewPods(fake.NewClientset(), slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p.asked(ctx, context.Canceled); p.failure.Load() != nil {
		t.Error("the end is an outage")
	}
	if p.asked(t.Context(), context.DeadlineExceeded); p.failure.Load() == nil {
		t.Error("a timeout is no outage")
	}
}
