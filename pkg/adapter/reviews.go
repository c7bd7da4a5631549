package adapter

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jellydator/ttlcache/v3"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// maxReviews is how many reviews of access are remembered. Each takes some hundred bytes.
const maxReviews = 8192

// reviewer remembers which access was allowed, and has it reviewed anew while the last review still counts, so that a
// HorizontalPodAutoscaler, which asks for the same every 15 s, does not wait for it. What is not allowed is not remembered here.
type reviewer struct {
	next    authorizer.Authorizer
	fresh   time.Duration // for so long a review is not made anew, and for twice as long it counts; 0 for reviewing each access
	flight  singleflight.Group
	allowed *ttlcache.Cache[string, allowance] // by reviewKey
}

// allowance is when access was allowed, and why, which is for the audit log.
type allowance struct {
	at     time.Time
	reason string
}

func newReviewer(next authorizer.Authorizer, fresh time.Duration) *reviewer {
	return &reviewer{next: next, fresh: fresh, allowed: ttlcache.New(
		ttlcache.WithCapacity[string, allowance](maxReviews), ttlcache.WithDisableTouchOnHit[string, allowance]())}
}

// Authorize decides as an authorizer.AuthorizerFunc.
func (r *reviewer) Authorize(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	key, err := reviewKey(a)
	if err != nil {
		return authorizer.DecisionDeny, "", err
	}
	found := r.allowed.Get(key)
	if found == nil {
		return r.review(ctx, key, a)
	}
	last := found.Value()
	if time.Since(last.at) >= r.fresh {
		ctx := context.WithoutCancel(ctx)
		r.flight.DoChan(key, func() (any, error) {
			ctx, cancel := context.WithTimeout(ctx, requestTimeout)
			defer cancel()
			_, _, err := r.review(ctx, key, a) // an error is logged by the library, and leaves the review before to its end
			return nil, err
		})
	}
	return authorizer.DecisionAllow, last.reason, nil
}

// review asks, and remembers or forgets.
func (r *reviewer) review(ctx context.Context, key string, a authorizer.Attributes) (authorizer.Decision, string, error) {
	decision, reason, err := r.next.Authorize(ctx, a)
	switch {
	case decision == authorizer.DecisionAllow && r.fresh > 0: // 0 would be for ever, to this cache
		r.allowed.Set(key, allowance{time.Now(), reason}, 2*r.fresh)
		r.allowed.DeleteExpired() // of those who never ask again
	case err == nil:
		r.allowed.Delete(key)
	}
	return decision, reason, err
}

// reviewKey is the same for the same access of the same user. It is short however long the request is.
func reviewKey(a authorizer.Attributes) (string, error) {
	request := struct {
		User, UID, Verb, Namespace, Group, Version, Resource, Subresource, Name, Path, Labels, Fields string
		Groups                                                                                        []string
		Extra                                                                                         map[string][]string
		OfResource                                                                                    bool
	}{
		Verb: a.GetVerb(), Namespace: a.GetNamespace(), Group: a.GetAPIGroup(), Version: a.GetAPIVersion(), Resource: a.GetResource(),
		Subresource: a.GetSubresource(), Name: a.GetName(), Path: a.GetPath(), OfResource: a.IsResourceRequest(),
	}
	if u := a.GetUser(); u != nil {
		request.User, request.UID, request.Groups, request.Extra = u.GetName(), u.GetUID(), u.GetGroups(), u.GetExtra()
	}
	byLabels, _ := a.GetLabelSelector() // as in the review, which has what could be parsed
	byFields, _ := a.GetFieldSelector()
	request.Labels, request.Fields = labels.NewSelector().Add(byLabels...).String(), fmt.Sprint(byFields)
	text, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("review of access: %w", err)
	}
	sum := sha256.Sum256(text)
	return string(sum[:]), nil
}
