package kafka_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// A connection on which the log ends were asked for and never answered must not be waited for any longer than others: the client adds
// the time that the request gives the broker, by default 30 s, in which nothing else on the connection is answered.
func TestRow20LogEndsAreWaitedForNoLongerThanTheRest(t *testing.T) {
	cluster := newFakeKafka(t, fakekafka.Shape{Groups: 3, PartitionsPerGroup: 2})
	cluster.Record()
	newReader(t, cluster.Addresses(), func(*kafka.Config) {}).Read(t.Context(), nil)
	asked := 0
	for _, r := range cluster.Recorded() {
		if r.Key != kmsg.ListOffsets {
			continue
		}
		req := kmsg.NewPtrListOffsetsRequest()
		req.Version = r.Version
		if err := req.ReadFrom(r.Body); err != nil {
			t.Fatal(err)
		}
		if asked++; req.TimeoutMillis != 0 || req.Version < 10 { // the first version that has it
			t.Errorf("v%d gives the broker %d ms", req.Version, req.TimeoutMillis)
		}
	}
	if asked == 0 {
		t.Error("nobody asked for log ends")
	}
}
