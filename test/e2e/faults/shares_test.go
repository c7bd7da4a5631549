package faults

import (
	"errors"
	"slices"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/cgroup"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/controlplane"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

// The share of the CPU that a process has where all want more than there is: the same for each, next to none for what is to leave the others
// alone. The three brokers and Prometheus together have that of two: elsewhere they are on machines of their own, and with much less the
// record cannot be read. So is the HPA controller, in whose place requests are timed: that takes a hundredth of a CPU, and is to wait for
// the answers, not for a CPU to read them by.
const (
	shareOfOne     = 100
	shareOfBrokers = 200
	shareOfTimed   = 1000
	shareOfLeast   = 1
)

// shares are control groups, by what is in them. What is in none, which is the test itself and the rest of what it started, has the share of
// one where the kernel has autogroup on, as it is one session, and that of as many as it has threads where not.
type shares map[string]*cgroup.Group

// shareOut gives each what it is to have, as the kubelet does for containers: by group, and not by how many threads want to run.
func (w *world) shareOut() (shares, error) {
	brokers := slices.Clone(w.others)
	for _, node := range w.Kafka.Nodes() {
		brokers = append(brokers, node.Process())
	}
	api := []*proc.Process{w.ControlPlane.Process(controlplane.APIServer), w.ControlPlane.Process(controlplane.Etcd)}
	made := shares{}
	errs := []error{
		made.add("brokers", shareOfBrokers, brokers...), made.add("control-plane", shareOfOne, api...),
		made.add(partTimed, shareOfTimed), made.add(partFlood, shareOfLeast),
	}
	for i, a := range w.replicas.All {
		errs = append(errs, made.add(replica(i), shareOfOne, a.Process()))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, made.Close())
	}
	return made, nil
}

func (s shares) add(name string, percent int, processes ...*proc.Process) error {
	group, err := cgroup.NewShare(name, percent)
	if err != nil {
		return err
	}
	s[name] = group
	var errs []error
	for _, p := range processes {
		errs = append(errs, group.Add(p.PID()))
	}
	return errors.Join(errs...)
}

// Close ends the groups, not what is in them.
func (s shares) Close() error {
	var errs []error
	for _, group := range s {
		errs = append(errs, group.Close())
	}
	return errors.Join(errs...)
}
