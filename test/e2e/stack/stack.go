// Package stack ties the parts together: Kafka, its oracle, the control plane,
// and the product between them, as its own manifests deploy it.
package stack

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/brokers"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/controlplane"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// Stack is a running Kafka and control plane and, after Deploy, the adapter.
type Stack struct {
	*brokers.Brokers
	Dir          string // logs and files of this run
	ControlPlane *controlplane.ControlPlane
	Adapter      *Adapter // nil before Deploy

	layout   layout.Layout
	replicas *Replicas // nil before DeployReplicas
}

// Start starts Kafka with its oracle and the control plane. dir takes their
// files; make it by layout.NewRun.
func Start(ctx context.Context, where layout.Layout, dir string) (*Stack, error) {
	return StartWith(ctx, where, dir, kafka.Config{}, nil)
}

// StartWith starts both with brokers of that kind, and with further arguments of components of the control plane.
func StartWith(ctx context.Context, where layout.Layout, dir string, cfg kafka.Config, args map[string][]string) (*Stack, error) {
	s := &Stack{Dir: dir, layout: where}
	g, started := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		s.Brokers, err = brokers.Start(started, where, dir, cfg)
		return err
	})
	g.Go(func() (err error) {
		s.ControlPlane, err = controlplane.Start(started, controlplane.Config{
			Bin: filepath.Dir(where.Tool("kubectl")), KwokConfig: where.KwokConfig(), Dir: filepath.Join(dir, "controlplane"), Args: args,
		})
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends everything. Logs stay in Dir.
func (s *Stack) Close() error {
	var errs []error
	if s.Adapter != nil {
		errs = append(errs, s.Adapter.process.Kill(), s.checkLogs())
	}
	if s.replicas != nil {
		errs = append(errs, s.replicas.close())
	}
	if s.ControlPlane != nil {
		errs = append(errs, s.ControlPlane.Close())
	}
	if s.Brokers != nil {
		errs = append(errs, s.Brokers.Close())
	}
	return errors.Join(errs...)
}

// Identities names all processes of the stack.
func (s *Stack) Identities() ([]proc.Identity, error) {
	all := []*proc.Process{s.Oracle.Process()}
	for _, n := range s.Kafka.Nodes() {
		all = append(all, n.Process())
	}
	for _, p := range s.ControlPlane.Processes() {
		all = append(all, p)
	}
	if s.Adapter != nil {
		all = append(all, s.Adapter.process)
	}
	ids := make([]proc.Identity, 0, len(all))
	for _, p := range all {
		id, err := proc.Identify(p.Name(), p.PID())
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b proc.Identity) int { return strings.Compare(a.Name, b.Name) })
	return ids, nil
}

// Explain says where to look after a failure, with the end of the log that
// most likely tells.
func (s *Stack) Explain() string {
	text := "The logs of this run are in " + s.Dir
	if s.Adapter != nil {
		text += fmt.Sprintf("\n--- the end of %s:\n%s", s.Adapter.process.Log(), proc.Tail(s.Adapter.process.Log(), 30))
	}
	return text
}
