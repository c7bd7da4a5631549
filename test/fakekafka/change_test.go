package fakekafka

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAnotherShape(t *testing.T) {
	c, client := start(t, everyType)
	c.Advance()
	before := c.Shape()
	after := before
	after.Groups--
	after.Moved++
	c.Change(after)
	checkLeaders(t, after, nodes(t, client))
	gone := before.Group(after.Groups)
	for node := int32(1); node <= 3; node++ {
		listed := ask[*kmsg.ListGroupsResponse](t, client, node, kmsg.NewPtrListGroupsRequest())
		var names []string
		for _, g := range listed.Groups {
			names = append(names, g.Group)
		}
		slices.Sort(names)
		if want := groupsOf(after, node); !slices.Equal(names, want) || slices.Contains(names, gone) {
			t.Errorf("broker %d lists %v, want %v", node, names, want)
		}
	}
	name := groupsOf(after, 3, Classic)[0]
	for node, code := range map[int32]int16{3: 0, before.Coordinator(name): kerr.NotCoordinator.Code} {
		req := kmsg.NewPtrOffsetFetchRequest()
		req.Groups = []kmsg.OffsetFetchRequestGroup{{Group: name}}
		resp := ask[*kmsg.OffsetFetchResponse](t, client, node, req)
		if resp.Groups[0].ErrorCode != code {
			t.Errorf("broker %d, of which it was and is not: %+v", node, resp.Groups[0])
		} else if code == 0 {
			checkCommits(t, after, name, resp.Groups[0], 1)
		}
	}
	checkOffsets(t, after, client, latest, 0, -1, func(topic, partition int) int64 { return after.End(topic, partition, 1) })
}

func checkLeaders(t *testing.T, s Shape, got *kmsg.MetadataResponse) {
	t.Helper()
	for _, topic := range got.Topics {
		if *topic.Topic != s.Topic(0) {
			continue
		}
		for _, p := range topic.Partitions {
			if want := s.Leader(0, int(p.Partition)); p.Leader != want || p.LeaderEpoch != firstEpoch+1 {
				t.Errorf("partition %d: leader %d of epoch %d, want leader %d of the next", p.Partition, p.Leader, p.LeaderEpoch, want)
			}
		}
		return
	}
	t.Errorf("no topic %s", s.Topic(0))
}

func TestABrokerStopsAndStarts(t *testing.T) {
	c, _ := start(t, everyType)
	dial := func(address string) net.Conn {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		return conn
	}
	versions := append([]byte{0, 0, 0, 10}, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff) // ApiVersions v0
	answers := func(conn net.Conn) bool {
		if _, err := conn.Write(versions); err != nil {
			return false
		}
		answer := make([]byte, 8)
		_, err := conn.Read(answer)
		return err == nil && bytes.Equal(answer[4:], []byte{0, 0, 0, 1})
	}
	old := c.Addresses()
	conn := dial(old[1])
	if !answers(conn) || c.Connections() != 1 {
		t.Fatalf("no answer, or %d connections and not 1", c.Connections())
	}
	if err := errors.Join(c.Stop(2), c.Stop(2)); err != nil {
		t.Fatal(err)
	}
	if answers(conn) || c.Connections() != 0 {
		t.Errorf("stopped, it answers or has %d connections", c.Connections())
	}
	if _, err := new(net.Dialer).DialContext(t.Context(), "tcp", old[1]); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("stopped, it can be reached: %v", err)
	}
	for _, address := range []string{old[1], ""} {
		if err := errors.Join(c.Stop(2), c.Start(2, address)); err != nil {
			t.Fatal(err)
		}
		if now := c.Addresses()[1]; !answers(dial(now)) || address != "" && now != address {
			t.Errorf("started at %q, it does not answer at %s", address, now)
		}
	}
	client := newClient(t, c)
	if at := nodes(t, client).Brokers[1]; c.Addresses()[1] != net.JoinHostPort(at.Host, strconv.Itoa(int(at.Port))) {
		t.Errorf("Metadata tells of %+v, not of %s", at, c.Addresses()[1])
	}
	c.Fault(2, kmsg.ListGroups, Fault{Reset: true})
	if _, err := tryAsk(t, client, 2, kmsg.NewPtrListGroupsRequest()); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("cut off: %v", err)
	}
}
