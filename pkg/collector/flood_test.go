package collector

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// manyReader is a laneReader of a cluster with these groups.
type manyReader struct {
	*laneReader
	names []string
}

func (r manyReader) Read(context.Context, *lag.Snapshot) *lag.Observation {
	obs := healthy()
	for _, name := range r.names {
		obs.Groups = append(obs.Groups, lag.GroupObservation{Name: name, CommitsReadAt: obs.StartedAt, MembersReadAt: obs.StartedAt})
	}
	return obs
}

// More groups than can be wanted, asked for in turn: each is new whenever its turn comes.
func TestRow24FloodOfNamesLeavesPausesBetweenPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const asks = 5_000 // one each millisecond
		reader := manyReader{laneReader: &laneReader{}}
		for i := range 3 * maxWanted {
			reader.names = append(reader.names, fmt.Sprintf("group-%05d", i))
		}
		f := startLanes(t, reader)
		for i := range asks {
			f.wanted.Ask(reader.names[i%len(reader.names):][:1])
			time.Sleep(time.Millisecond)
		}
		if n, most := len(reader.wantedPolls()), asks*int(time.Millisecond)/int(leastRest)+1; n > most {
			t.Errorf("%d polls of wanted groups in %s, want at most %d", n, asks*time.Millisecond, most)
		}
		// The one asked for in a pause is read at its end.
		last := reader.names[(asks-1)%len(reader.names)]
		time.Sleep(leastRest)
		synctest.Wait()
		if polls := reader.wantedPolls(); !slices.Contains(polls[len(polls)-1], last) {
			t.Errorf("%s was asked for %s ago and is not in the latest of %d polls", last, leastRest, len(polls))
		}
	})
}
