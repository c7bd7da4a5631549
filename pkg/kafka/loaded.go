package kafka

import (
	"context"
	"errors"
	"maps"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// loaded remembers which broker has loaded which partition of __consumer_offsets. A broker that has come to lead one, and has not
// begun to load it, lists the groups of the others without an error: what that list lacks may well be there. So a list counts once the
// broker has shown, for each partition that it leads, that it has loaded it.
type loaded struct {
	// foreign says that the brokers do not keep to Kafka's rule of which partition holds which group. It changes between collections.
	foreign bool

	mu    sync.Mutex
	by    map[int]int32 // mu; by partition
	names []string      // mu; see nameIn, by partition
}

// confirmList returns why a broker that gave this list has not loaded all partitions that it leads, nil if it has. Where a partition holds
// a listed group it was loaded. For the others the broker is asked, once, for a group of each that hardly exists: only a coordinator that
// has loaded the partition has an answer.
func (c *collection) confirmList(ctx context.Context, broker int32, groups []lag.GroupObservation) error {
	l := &c.reader.loaded
	if l.foreign || len(c.obs.Coordinators) == 0 {
		return nil
	}
	doubtful := l.doubtful(broker, c.obs.Coordinators, groups)
	if len(doubtful) == 0 {
		return nil
	}
	if err := c.askLoaded(ctx, broker, l.namesIn(doubtful)); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range doubtful {
		l.by[p] = broker
	}
	return nil
}

// doubtful returns the partitions that the broker leads and of which it has not shown that it has loaded them. That it lists a group of
// another partition than it leads says that it does not keep to the rule, or that the group just moves.
func (l *loaded) doubtful(broker int32, leaders []int32, groups []lag.GroupObservation) (partitions []int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil || len(l.names) != len(leaders) {
		l.by, l.names = make(map[int]int32), make([]string, len(leaders))
	}
	for i := range groups {
		p := lag.CoordinatorPartition(groups[i].Name, len(leaders))
		if leaders[p] != broker {
			return nil
		}
		l.by[p] = broker
	}
	for p, leader := range leaders {
		if by, ok := l.by[p]; leader == broker && (!ok || by != broker) {
			partitions = append(partitions, p)
		}
	}
	return partitions
}

// forget takes back what a broker has shown: it may have been started anew.
func (l *loaded) forget(broker int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.by, func(_ int, by int32) bool { return by == broker })
}

// askLoaded asks a broker for groups by name, and returns why it is not, or not yet, the coordinator of one of them.
func (c *collection) askLoaded(ctx context.Context, broker int32, names []string) error {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = names
	resp, err := ask[*kmsg.DescribeGroupsResponse](ctx, c, broker, req)
	if err != nil {
		return err
	}
	for i := range resp.Groups {
		err := kerr.ErrorForCode(resp.Groups[i].ErrorCode)
		if errors.Is(err, kerr.NotCoordinator) || errors.Is(err, kerr.CoordinatorLoadInProgress) || errors.Is(err, kerr.CoordinatorNotAvailable) {
			return codeError(broker, req, resp.Groups[i].ErrorCode)
		}
	}
	return nil
}

// namesIn returns a name in each of the partitions.
func (l *loaded) namesIn(partitions []int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := make([]string, 0, len(partitions))
	for _, p := range partitions {
		names = append(names, l.nameIn(p))
	}
	return names
}

// nameIn returns the name of a group that Kafka would keep in the partition. l.mu is held.
func (l *loaded) nameIn(partition int) string {
	for i := 0; l.names[partition] == ""; i++ {
		name := clientID + "." + strconv.Itoa(i)
		if p := lag.CoordinatorPartition(name, len(l.names)); l.names[p] == "" {
			l.names[p] = name
		}
	}
	return l.names[partition]
}
