package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
)

// Replicas are several adapters behind one Service.
type Replicas struct {
	All     []*Adapter
	service *service
}

// DeployReplicas is Deploy with several adapters, each with arguments of its own, and with components of the manifests, such as external-metrics. The Service's address
// is a balancer's, which sends each connection to one of those that are ready, as kube-proxy does.
func (s *Stack) DeployReplicas(ctx context.Context, n int, components []string, extra func(replica int) []string) (*Replicas, error) {
	serving, err := s.applyManifests(ctx, components...)
	if err != nil {
		return nil, fmt.Errorf("deploying the adapters: %w", err)
	}
	s.replicas = &Replicas{}
	for i := range n {
		a, err := s.newAdapter(ctx, serving)
		if err != nil {
			return nil, fmt.Errorf("deploying the adapters: %w", err)
		}
		if s.replicas.service == nil {
			if s.replicas.service, err = listen(strings.TrimPrefix(a.URL, "https://")); err != nil {
				return nil, fmt.Errorf("deploying the adapters: %w", err)
			}
		}
		port, err := ports.Free(1)
		if err != nil {
			return nil, err
		}
		a.name = fmt.Sprintf("%s-%d", Name, i)
		a.URL = "https://" + net.JoinHostPort("127.0.0.1", fmt.Sprint(port[0]))
		a.args = override(a.args, append([]string{"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port[0])}, extra(i)...)...)
		if err := a.start(ctx, nil); err != nil {
			return nil, fmt.Errorf("deploying the adapters: %w", err)
		}
		s.replicas.All = append(s.replicas.All, a)
		s.replicas.service.add(a)
	}
	return s.replicas, s.waitAvailable(ctx)
}

// Serves says whether the Service sends connections to an adapter.
func (r *Replicas) Serves(a *Adapter) bool {
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	return r.service.ready[a]
}

func (r *Replicas) close() error {
	var errs []error
	for _, a := range r.All {
		errs = append(errs, a.process.Kill())
	}
	if r.service != nil {
		errs = append(errs, r.service.close())
	}
	return errors.Join(errs...)
}

// addComponents lists components in a kustomization.
func addComponents(kustomization string, components []string) error {
	if len(components) == 0 {
		return nil
	}
	text, err := os.ReadFile(kustomization)
	if err != nil {
		return err
	}
	text = append(text, "components:\n"...)
	for _, c := range components {
		text = append(text, "  - ../../components/"+c+"\n"...)
	}
	return os.WriteFile(kustomization, text, 0o600)
}
