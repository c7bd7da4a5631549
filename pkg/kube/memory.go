package kube

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jellydator/ttlcache/v3"
	"golang.org/x/sync/singleflight"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// lookupTimeout bounds one request to the API server. A HorizontalPodAutoscaler waits for it, and with it a worker of the
	// controller.
	lookupTimeout = 3 * time.Second
	// foundTTL is for how long what was read is taken for the same, absentTTL for how long there is none. A
	// HorizontalPodAutoscaler asks every 15 s.
	foundTTL, absentTTL = 20 * time.Second, 5 * time.Second
	// servedTTL is for how long it serves at most while it is read anew. One who asks every 15 s never waits for the API server.
	servedTTL = 40 * time.Second
	// staleTTL is for how long it serves at most while the API server is away.
	staleTTL = 5 * time.Minute
)

// memory remembers what the API server answered lately: a value, or that there is none, or that the right to read it is missing.
// For each key, one request at a time is under way, for which nobody waits who has asked shortly before. While
// the API server does not answer, the last answer serves.
type memory[V any] struct {
	now    func() time.Time
	flight *singleflight.Group
	recent *ttlcache.Cache[string, answer[V]]
}

type answer[V any] struct {
	value  V
	err    error     // nil, or definite
	readAt time.Time // when the API server gave it
	until  time.Time // when to ask again
}

// newMemory returns a memory for so many answers; what they are of comes from requests.
func newMemory[V any](size uint64, now func() time.Time) memory[V] {
	return memory[V]{now: now, flight: &singleflight.Group{}, recent: ttlcache.New(
		ttlcache.WithCapacity[string, answer[V]](size), ttlcache.WithDisableTouchOnHit[string, answer[V]]())}
}

// get returns what is remembered for the key, or else what read returns.
func (m *memory[V]) get(ctx context.Context, key string, read func(context.Context) (V, error)) (V, error) {
	var last answer[V]
	if found := m.recent.Get(key); found != nil {
		last = found.Value()
	}
	now := m.now()
	if now.Before(last.until) {
		return last.value, last.err
	}
	// Whoever asked first may give up; the others still wait.
	ctxOfAll := context.WithoutCancel(ctx)
	result := m.flight.DoChan(key, func() (any, error) { return m.renew(ctxOfAll, key, last, read) })
	if last.err == nil && now.Sub(last.readAt) < servedTTL {
		return last.value, nil
	}
	select {
	case done := <-result:
		got, _ := done.Val.(answer[V]) // none if there is an error
		return got.value, cmp.Or(done.Err, got.err)
	case <-ctx.Done():
		var none V
		return none, fmt.Errorf("wait for the API server: %w", context.Cause(ctx))
	}
}

// renew reads and remembers the answer, or the last one for longer where there is none.
func (m *memory[V]) renew(ctx context.Context, key string, last answer[V], read func(context.Context) (V, error)) (answer[V], error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	value, err := read(ctx)
	now := m.now()
	switch {
	case err == nil:
		last = answer[V]{value, nil, now, now.Add(foundTTL)}
	case definite(err):
		last = answer[V]{value, err, now, now.Add(absentTTL)}
	case last.readAt.IsZero() || now.Sub(last.readAt) > staleTTL:
		return answer[V]{}, err
	default:
		last.until = now.Add(absentTTL)
	}
	m.recent.Set(key, last, staleTTL+foundTTL)
	m.recent.DeleteExpired() // of what nobody asks for any more
	return last, nil
}

// definite says whether an error is an answer: what is asked for does not exist, or must not be read.
func definite(err error) bool { return apierrors.IsNotFound(err) || apierrors.IsForbidden(err) }
