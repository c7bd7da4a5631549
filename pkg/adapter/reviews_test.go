package adapter

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// clusterRights decide on access, and take their time.
type clusterRights struct {
	takes    time.Duration
	decision authorizer.Decision
	err      error
	reviews  int
}

func (c *clusterRights) authorizer() authorizer.Authorizer {
	return authorizer.AuthorizerFunc(func(ctx context.Context, _ authorizer.Attributes) (authorizer.Decision, string, error) {
		c.reviews++
		select {
		case <-time.After(c.takes):
			return c.decision, "by a role", c.err
		case <-ctx.Done():
			return authorizer.DecisionNoOpinion, "", ctx.Err()
		}
	})
}

func anAccess() authorizer.AttributesRecord {
	return authorizer.AttributesRecord{
		User: &user.DefaultInfo{Name: "system:serviceaccount:kube-system:horizontal-pod-autoscaler", Groups: []string{"system:authenticated"}},
		Verb: "get", Namespace: "shop", APIGroup: "custom.metrics.k8s.io", APIVersion: "v1beta2", Resource: "pods", Subresource: "kafka_consumergroup_lag",
		Name: "*", ResourceRequest: true,
	}
}

// TestReviewsKeepNoHPAWaiting asks as an HPA does.
func TestReviewsKeepNoHPAWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clusterRights{takes: 2 * time.Second, decision: authorizer.DecisionAllow}
		r := newReviewer(c.authorizer(), allowedFor)
		for i := range 40 {
			begun := time.Now()
			decision, reason, err := r.Authorize(t.Context(), anAccess())
			if took := time.Since(begun); decision != authorizer.DecisionAllow || reason != "by a role" || err != nil || took > 0 && i > 0 {
				t.Fatalf("request %d: %v, %v after %s", i, decision, err, took)
			}
			<-time.After(15 * time.Second)
		}
		if c.reviews != 20 {
			t.Errorf("%d reviews in 10 min", c.reviews)
		}
	})
}

// TestReviewsThatAllowEnd takes the right away, or has the API server not answer: nothing is allowed for longer than twice the time.
func TestReviewsThatAllowEnd(t *testing.T) {
	for name, change := range map[string]func(*clusterRights){
		"no opinion": func(c *clusterRights) { c.decision = authorizer.DecisionNoOpinion },
		"denied":     func(c *clusterRights) { c.decision = authorizer.DecisionDeny },
		"an error":   func(c *clusterRights) { c.decision, c.err = authorizer.DecisionNoOpinion, errors.New("away") },
		"hung":       func(c *clusterRights) { c.takes = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &clusterRights{decision: authorizer.DecisionAllow}
				r := newReviewer(c.authorizer(), allowedFor)
				ask := func() (bool, error) {
					ctx, cancel := context.WithTimeout(t.Context(), requestTimeout)
					defer cancel()
					decision, _, err := r.Authorize(ctx, anAccess())
					synctest.Wait()
					return decision == authorizer.DecisionAllow, err
				}
				if allowed, err := ask(); !allowed {
					t.Fatal("not allowed at first", err)
				}
				change(c)
				<-time.After(allowedFor - 1)
				if allowed, _ := ask(); !allowed || c.reviews != 1 {
					t.Errorf("before the review ends: allowed %t, %d reviews", allowed, c.reviews)
				}
				<-time.After(1)
				if allowed, _ := ask(); !allowed || c.reviews != 2 {
					t.Errorf("while it is made anew: allowed %t, %d reviews", allowed, c.reviews)
				}
				if c.err == nil && c.takes == 0 { // the answer is no
					if allowed, _ := ask(); allowed {
						t.Error("allowed after it was denied")
					}
				}
				<-time.After(allowedFor + 1)
				if allowed, err := ask(); allowed || c.err != nil && !errors.Is(err, c.err) {
					t.Errorf("at the end: allowed %t, %v", allowed, err)
				}
				if allowed, _ := ask(); allowed {
					t.Error("allowed after the end")
				}
				<-time.After(requestTimeout) // for what is under way
			})
		})
	}
}

// Reviews that count no more take no memory, and without a time for which they count none is remembered.
func TestReviewsAreForgotten(t *testing.T) {
	for _, c := range []struct {
		fresh time.Duration
		kept  uint64
	}{{allowedFor, 1}, {0, 0}} {
		synctest.Test(t, func(t *testing.T) {
			rights := &clusterRights{decision: authorizer.DecisionAllow}
			r := newReviewer(rights.authorizer(), c.fresh)
			const others = 100
			ask := func(name string) {
				access := anAccess()
				access.Name = name
				if decision, _, err := r.Authorize(t.Context(), access); decision != authorizer.DecisionAllow || err != nil {
					t.Fatalf("%s: %v, %v", name, decision, err)
				}
			}
			for i := range others {
				ask(fmt.Sprint("gone-", i))
			}
			<-time.After(2*allowedFor + 1)
			ask("gone-0")
			if rights.reviews != others+1 {
				t.Errorf("%d reviews", rights.reviews)
			}
			if counts := r.allowed.Metrics(); counts.Insertions-counts.Evictions != c.kept {
				t.Errorf("which count for %s: %d were kept, %d forgotten", c.fresh, counts.Insertions, counts.Evictions)
			}
		})
	}
}

func TestReviewsOfNobodyElse(t *testing.T) {
	first, err := reviewKey(anAccess())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := reviewKey(anAccess()); again != first || err != nil {
		t.Errorf("the same access has another key: %v", err)
	}
	byLabel, err := labels.ParseToRequirements("team=a")
	if err != nil {
		t.Fatal(err)
	}
	hpa := anAccess().User
	for name, change := range map[string]func(*authorizer.AttributesRecord){
		"nobody": func(a *authorizer.AttributesRecord) { a.User = nil },
		"user": func(a *authorizer.AttributesRecord) {
			a.User = &user.DefaultInfo{Name: "other", Groups: hpa.GetGroups()}
		},
		"groups": func(a *authorizer.AttributesRecord) { a.User = &user.DefaultInfo{Name: hpa.GetName()} },
		"uid": func(a *authorizer.AttributesRecord) {
			a.User = &user.DefaultInfo{Name: hpa.GetName(), Groups: hpa.GetGroups(), UID: "1"}
		},
		"extra": func(a *authorizer.AttributesRecord) {
			a.User = &user.DefaultInfo{Name: hpa.GetName(), Groups: hpa.GetGroups(), Extra: map[string][]string{"scopes": {"none"}}}
		},
		"verb":        func(a *authorizer.AttributesRecord) { a.Verb = "list" },
		"namespace":   func(a *authorizer.AttributesRecord) { a.Namespace = "bank" },
		"group":       func(a *authorizer.AttributesRecord) { a.APIGroup = "external.metrics.k8s.io" },
		"version":     func(a *authorizer.AttributesRecord) { a.APIVersion = "v1beta1" },
		"resource":    func(a *authorizer.AttributesRecord) { a.Resource = "services" },
		"subresource": func(a *authorizer.AttributesRecord) { a.Subresource = "kafka_consumergroup_members" },
		"name":        func(a *authorizer.AttributesRecord) { a.Name = "one" },
		"path":        func(a *authorizer.AttributesRecord) { a.Path = "/metrics" },
		"no resource": func(a *authorizer.AttributesRecord) { a.ResourceRequest = false },
		"labels":      func(a *authorizer.AttributesRecord) { a.LabelSelectorRequirements = byLabel },
		"fields": func(a *authorizer.AttributesRecord) {
			a.FieldSelectorRequirements = fields.Requirements{{Field: "metadata.name", Value: "a"}}
		},
	} {
		other := anAccess()
		change(&other)
		if key, err := reviewKey(other); key == first || err != nil {
			t.Errorf("%s: another access has the same key: %v", name, err)
		}
	}
}
