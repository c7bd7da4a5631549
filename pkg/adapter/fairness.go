package adapter

import (
	"context"
	"net/http"
	"strings"
	"sync"

	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/util/flowcontrol"
	"k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing"
	flowrequest "k8s.io/apiserver/pkg/util/flowcontrol/request"
)

// How many requests are answered at the same time; one more gets 429 and when to try again. Each takes some milliseconds from memory, so
// that maxRequests is far more than the HPA controller ever has, and far less than the memory limit bears. Tenants cannot use it up, neither
// one of them nor all: what they ask for must not be what the HPAs wait for.
const (
	maxRequests   = 200
	maxTenants    = 100 // of all tenants together
	maxOfOneUser  = 10  // of one tenant
	systemUsers   = "system:"
	controlPlanes = metav1.NamespaceSystem // where the control plane's own service accounts are
)

// fairness is the API server library's flow control without the objects by which that of a cluster is configured, and on which this server
// has no rights. It never lets requests wait: an HPA is better told at once.
type fairness struct {
	mu      sync.Mutex
	all     int
	tenants int
	flows   map[string]int // requests under way, by tenant
}

var _ flowcontrol.Interface = (*fairness)(nil)

func newFairness() *fairness { return &fairness{flows: map[string]int{}} }

// Handle implements flowcontrol.Interface: it calls execute if there is room.
func (f *fairness) Handle(_ context.Context, digest flowcontrol.RequestDigest,
	note func(*flowcontrolv1.FlowSchema, *flowcontrolv1.PriorityLevelConfiguration, string), _ func() flowrequest.WorkEstimate,
	_ fairqueuing.QueueNoteFn, execute func(),
) {
	level, flow := classify(digest.RequestInfo, digest.User)
	note(&flowcontrolv1.FlowSchema{ObjectMeta: metav1.ObjectMeta{Name: level}},
		&flowcontrolv1.PriorityLevelConfiguration{ObjectMeta: metav1.ObjectMeta{Name: level}}, flow)
	if level == levelExempt {
		execute()
		return
	}
	if !f.enter(level, flow) {
		return
	}
	defer f.leave(level, flow)
	execute()
}

// enter takes room for a request, if there is some.
func (f *fairness) enter(level, flow string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all >= maxRequests || level == levelTenants && (f.tenants >= maxTenants || f.flows[flow] >= maxOfOneUser) {
		return false
	}
	f.all++
	if level == levelTenants {
		f.tenants++
		f.flows[flow]++
	}
	return true
}

func (f *fairness) leave(level, flow string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all--
	if level != levelTenants {
		return
	}
	f.tenants--
	if f.flows[flow]--; f.flows[flow] == 0 {
		delete(f.flows, flow) // names may be any number
	}
}

// The levels of priority.
const (
	levelExempt  = "exempt"  // probes, which nobody may keep from the kubelet, and those who may do anything
	levelSystem  = "system"  // the control plane: the HPA controller above all
	levelTenants = "tenants" // everybody else
)

// classify tells who asks. Nobody can choose a name that begins with system: but the cluster. A namespace's service accounts count
// as one, as who may make one may make a thousand.
func classify(info *request.RequestInfo, u user.Info) (level, flow string) {
	if isProbe(info) {
		return levelExempt, ""
	}
	for _, group := range u.GetGroups() {
		if group == user.SystemPrivilegedGroup {
			return levelExempt, ""
		}
	}
	name := u.GetName()
	if namespace, _, err := serviceaccount.SplitUsername(name); err == nil {
		if namespace == controlPlanes {
			return levelSystem, ""
		}
		return levelTenants, serviceaccount.MakeNamespaceGroupName(namespace)
	}
	if strings.HasPrefix(name, systemUsers) && name != user.Anonymous {
		return levelSystem, ""
	}
	return levelTenants, name
}

func isProbe(info *request.RequestInfo) bool {
	switch info.Path {
	case "/livez", "/readyz", "/healthz":
		return !info.IsResourceRequest
	}
	return false
}

// Run implements flowcontrol.Interface: there is nothing to keep up with.
func (f *fairness) Run(stop <-chan struct{}) error {
	<-stop
	return nil
}

// Install implements flowcontrol.Interface: there is nothing to debug.
func (f *fairness) Install(*mux.PathRecorderMux) {}

// RegisterWatch implements flowcontrol.Interface: nothing here can be watched.
func (f *fairness) RegisterWatch(*http.Request) flowcontrol.ForgetWatchFunc { return nil }

// GetInterestedWatchCount implements flowcontrol.Interface.
func (f *fairness) GetInterestedWatchCount(*request.RequestInfo) int { return 0 }

// GetMaxSeats implements flowcontrol.Interface: each request has one.
func (f *fairness) GetMaxSeats(string) uint64 { return 1 }

// SetMaxSeats implements flowcontrol.Interface.
func (f *fairness) SetMaxSeats(string, uint64) {}

// ForgetPriorityLevel implements flowcontrol.Interface.
func (f *fairness) ForgetPriorityLevel(string) {}
