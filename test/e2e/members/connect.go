package members

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Worker is a member of a classic group of protocol type "connect", as the
// workers of a Connect cluster are: its subscription and assignment are in
// Connect's own format, and it commits nothing.
type Worker struct {
	client    *kgo.Client
	group, id string
	cancel    context.CancelFunc
	done      chan struct{}
}

// JoinConnect makes the only worker of a Connect cluster of that name.
func JoinConnect(ctx context.Context, bootstrap []string, group string) (*Worker, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap...), kgo.DisableClientMetrics())
	if err != nil {
		return nil, fmt.Errorf("joining connect group %s: %w", group, err)
	}
	joined, err := join(ctx, client, group)
	if err != nil {
		client.Close()
		return nil, fmt.Errorf("joining connect group %s: %w", group, err)
	}
	beating, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &Worker{client: client, group: group, id: joined.MemberID, cancel: cancel, done: make(chan struct{})}
	go w.heartbeat(beating, group, joined)
	return w, nil
}

// join goes through JoinGroup, twice as the first answer gives the member its id, and SyncGroup.
func join(ctx context.Context, client *kgo.Client, group string) (*kmsg.JoinGroupResponse, error) {
	opaque := []byte{0, 1, 0, 4, 'c', 'o', 'd', 'e'} // nothing that a consumer's decoder could make sense of
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.ProtocolType = group, "connect"
	request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = 10_000, 10_000
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "sessioned", opaque
	request.Protocols = append(request.Protocols, protocol)
	joined, err := request.RequestWith(ctx, client)
	if err == nil && errors.Is(kerr.ErrorForCode(joined.ErrorCode), kerr.MemberIDRequired) {
		request.MemberID = joined.MemberID
		joined, err = request.RequestWith(ctx, client)
	}
	if err == nil {
		err = kerr.ErrorForCode(joined.ErrorCode)
	}
	if err != nil {
		return nil, err
	}
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.Generation, sync.MemberID = group, joined.Generation, joined.MemberID
	sync.ProtocolType, sync.Protocol = kmsg.StringPtr("connect"), kmsg.StringPtr(protocol.Name)
	assignment := kmsg.NewSyncGroupRequestGroupAssignment()
	assignment.MemberID, assignment.MemberAssignment = joined.MemberID, opaque
	sync.GroupAssignment = append(sync.GroupAssignment, assignment)
	synced, err := sync.RequestWith(ctx, client)
	if err == nil {
		err = kerr.ErrorForCode(synced.ErrorCode)
	}
	return joined, err
}

// heartbeat keeps the worker in its group until Close.
func (w *Worker) heartbeat(ctx context.Context, group string, joined *kmsg.JoinGroupResponse) {
	defer close(w.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			beat := kmsg.NewPtrHeartbeatRequest()
			beat.Group, beat.Generation, beat.MemberID = group, joined.Generation, joined.MemberID
			_, _ = beat.RequestWith(ctx, w.client) // where it fails, the group loses its member, which the tests then see
		}
	}
}

// Leave lets the worker leave the group, and ends it.
func (w *Worker) Leave(ctx context.Context) error {
	defer w.Close()
	req := kmsg.NewPtrLeaveGroupRequest()
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID = w.id
	req.Group, req.MemberID, req.Members = w.group, w.id, append(req.Members, member)
	left, err := req.RequestWith(ctx, w.client)
	if err == nil {
		err = kerr.ErrorForCode(left.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("leaving connect group %s: %w", w.group, err)
	}
	return nil
}

// Close ends the worker without leaving the group.
func (w *Worker) Close() {
	w.cancel()
	<-w.done
	w.client.Close()
}
