package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// floor is the least that a client can do: it sends what the collector has sent, and only decodes the answers into flat rows. It
// does so by a decoder of its own, or by the library's.
type floor struct {
	client  *kgo.Client
	library bool
	rows    [][]row // of the last round, kept as a client that made use of them would
}

func newFloor(ctx context.Context, brokers []string, library bool) (*floor, error) {
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.OffsetFetch), 9)
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.MaxVersions(versions), kgo.DisableClientMetrics(), kgo.BrokerMaxReadBytes(1<<30))
	if err != nil {
		return nil, err
	}
	_, err = kmsg.NewPtrMetadataRequest().RequestWith(ctx, client) // from here on, it knows the brokers
	return &floor{client: client, library: library}, err
}

// phases are the steps of a collection, of which each begins when all brokers are done with the one before. Within a phase, the steps
// of one broker follow one another. What stands together is in flight at the same time.
func phases() [][][]kmsg.Key {
	return [][][]kmsg.Key{
		{{kmsg.Metadata}},
		{{kmsg.FindCoordinator}, {kmsg.ListGroups}, {kmsg.DescribeGroups, kmsg.ConsumerGroupDescribe, kmsg.OffsetFetch}},
		{{kmsg.ListOffsets}},
	}
}

// replay sends what was recorded of one collection, and returns how many rows came back.
func (f *floor) replay(ctx context.Context, recorded []fakekafka.Recorded) (int, error) {
	byNode := map[int32][]fakekafka.Recorded{}
	for _, r := range recorded {
		if r.Key != kmsg.ApiVersions {
			byNode[r.Node] = append(byNode[r.Node], r)
		}
	}
	f.rows = f.rows[:0]
	count, answered := 0, 0
	for _, phase := range phases() {
		var mu sync.Mutex
		var errs []error
		var wg sync.WaitGroup
		for _, requests := range byNode {
			wg.Go(func() {
				for _, keys := range phase {
					rows, err := f.together(ctx, requests, keys)
					mu.Lock()
					f.rows = append(f.rows, rows...)
					answered += len(rows)
					errs = append(errs, err)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return 0, err
		}
	}
	for _, rows := range f.rows {
		count += len(rows)
	}
	return count, f.complete(byNode, answered)
}

// complete makes sure that no request was forgotten.
func (f *floor) complete(byNode map[int32][]fakekafka.Recorded, answered int) error {
	sent := 0
	for _, requests := range byNode {
		sent += len(requests)
	}
	if sent != answered {
		return fmt.Errorf("the floor replayed %d of %d requests; floor.go lacks a kind of request", answered, sent)
	}
	return nil
}

// together sends those of the requests that have one of the keys.
func (f *floor) together(ctx context.Context, requests []fakekafka.Recorded, keys []kmsg.Key) ([][]row, error) {
	var wanted []fakekafka.Recorded
	for _, r := range requests {
		if slices.Contains(keys, r.Key) {
			wanted = append(wanted, r)
		}
	}
	rows, errs := make([][]row, len(wanted)), make([]error, len(wanted))
	var wg sync.WaitGroup
	for i, r := range wanted {
		wg.Go(func() {
			resp, err := f.client.Broker(int(r.Node)).Request(ctx, &request{Recorded: r, library: f.library})
			if err != nil {
				errs[i] = err
				return
			}
			if f.library {
				rows[i] = flatten(resp)
			} else {
				rows[i] = resp.(*response).rows
			}
		})
	}
	wg.Wait()
	return rows, errors.Join(errs...)
}

// request is one that is already encoded.
type request struct {
	fakekafka.Recorded
	library bool // decodes the answer
}

var _ kmsg.Request = (*request)(nil)

func (r *request) Key() int16                 { return int16(r.Recorded.Key) }
func (r *request) MaxVersion() int16          { return r.Version }
func (r *request) SetVersion(version int16)   { r.Version = version }
func (r *request) GetVersion() int16          { return r.Version }
func (r *request) IsFlexible() bool           { return true }
func (r *request) AppendTo(dst []byte) []byte { return append(dst, r.Body...) }
func (r *request) ReadFrom([]byte) error      { return errors.ErrUnsupported }
func (r *request) ResponseKind() kmsg.Response {
	if r.library {
		resp := kmsg.ResponseForKey(int16(r.Recorded.Key))
		resp.SetVersion(r.Version)
		return resp
	}
	return &response{key: r.Recorded.Key, version: r.Version}
}

// response is one that is decoded into rows.
type response struct {
	key     kmsg.Key
	version int16
	rows    []row
}

var _ kmsg.Response = (*response)(nil)

func (r *response) Key() int16                 { return int16(r.key) }
func (r *response) MaxVersion() int16          { return r.version }
func (r *response) SetVersion(version int16)   { r.version = version }
func (r *response) GetVersion() int16          { return r.version }
func (r *response) IsFlexible() bool           { return true }
func (r *response) AppendTo(dst []byte) []byte { return dst }
func (r *response) RequestKind() kmsg.Request  { return nil }
func (r *response) ReadFrom(encoded []byte) (err error) {
	r.rows, err = decode(r.key, r.version, encoded)
	return err
}
