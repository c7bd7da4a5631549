package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
)

// rows are the catalogue.
func rows() []row {
	return []row{
		{number: 1, name: "a-broker-hangs", ci: true, short: 25 * time.Second, long: 10 * time.Minute, fault: hang, goals: sparedStayFresh},
		{number: 2, name: "brokers-are-killed", short: 30 * time.Second, long: 3 * time.Minute, fault: kill},
		{number: 3, name: "brokers-are-restarted", short: 30 * time.Second, long: 2 * time.Minute, fault: restart},
		{number: 4, name: "the-whole-cluster-is-down", ci: true, short: 30 * time.Second, long: 10 * time.Minute, fault: down, excused: ofRestart, goals: nothingMoves},
		{number: 5, name: "no-commit", ci: true, short: 3 * time.Second, long: 30 * time.Second, fault: withoutCommits},
		{number: 6, name: "a-group-is-deleted", ci: true, short: 3 * time.Second, long: 30 * time.Second, fault: groupDeleted},
		{number: 7, name: "a-topic-is-made-anew", ci: true, short: 3 * time.Second, long: 20 * time.Second, fault: topicAnew},
		{number: 8, name: "topics-change", ci: true, short: 3 * time.Second, long: 20 * time.Second, fault: topicChanges},
		{number: 9, name: "an-open-transaction", short: 10 * time.Second, long: time.Minute, fault: transactions, further: pendingCountsNot},
		{number: 10, name: "groups-of-every-kind-come-and-go", short: 3 * time.Second, long: 30 * time.Second, fault: kinds, further: eachKindKnown},
		{number: 11, name: "rights-are-revoked", short: 4 * time.Second, long: 2 * time.Minute, guest: true, fault: revoked, further: othersFresh},
		{number: 13, name: "slow-brokers", short: 15 * time.Second, long: 2 * time.Minute, fault: slow},
		leavingRow(),
		{number: 15, name: "the-API-server-is-down", short: 20 * time.Second, long: 2 * time.Minute, fault: apiServerDown, excused: ofAPIServer},
		rotated(),
		{number: 17, name: "another-install", short: 5 * time.Second, long: time.Minute, fault: anotherInstall},
		starvedRow(),
		{number: 20, name: "the-network-fails", short: 54 * time.Second, long: 6 * time.Minute, fault: network, further: resourcesKept},
		{number: 21, name: "an-identity-is-refused", short: 12 * time.Second, long: 3 * time.Minute, guest: true, fault: refused, further: fewLogins},
		{number: 24, name: "a-flood-of-requests", short: floodShort, long: floodLong, fault: overrun, targets: sparse, further: hpasKept, goals: fewWait},
		{number: 26, name: "members-come-and-go", short: 15 * time.Second, long: 3 * time.Minute, fault: flapping},
		reloadsRow(),
	}
}

// hang stops a broker without closing its connections.
func hang(ctx context.Context, w *world, lasts time.Duration) (err error) {
	if w.scene.spared, err = w.sparedBy(ctx, load.Spared); err != nil {
		return err
	}
	if err := elapse(ctx, 2*w.poll); err != nil { // for what has moved to be read
		return err
	}
	broker := w.Kafka.Nodes()[load.Spared-1].Process()
	pace, err := w.pace(ctx, load.Spared)
	if err != nil {
		return err
	}
	w.scene.began = time.Now()
	err = broker.Pause()
	if err == nil {
		err = errors.Join(elapse(ctx, lasts), broker.Resume())
	}
	w.scene.stalls = pace.end()
	return err
}

// kill kills one broker after the other as a crash would, and starts it again once others have taken over.
func kill(ctx context.Context, w *world, lasts time.Duration) error {
	const takesOver = 12 * time.Second // a broker counts as gone after 9 s
	for began, i := time.Now(), 0; time.Since(began) < lasts; i++ {
		node := w.Kafka.Nodes()[i%3]
		if err := node.Kill(); err != nil {
			return err
		}
		if err := elapse(ctx, takesOver); err != nil {
			return err
		}
		if err := node.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// restart restarts one broker after the other in good order: groups and partitions move before it goes.
func restart(ctx context.Context, w *world, lasts time.Duration) error {
	for began, i := time.Now(), 0; time.Since(began) < lasts || i < 3; i++ {
		node := w.Kafka.Nodes()[i%3]
		if err := node.Stop(); err != nil {
			return err
		}
		if err := node.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// down stops all brokers. Half of the time is for the adapters as they are; then they are started anew, as by a rollout, and know nothing.
func down(ctx context.Context, w *world, lasts time.Duration) error {
	if err := w.Kafka.Stop(); err != nil {
		return err
	}
	stopped := time.Now()
	if err := errors.Join(elapse(ctx, max(lasts/2, w.settled())), w.rollout(ctx)); err != nil {
		return err
	}
	w.scene.silent.From = time.Now()
	if err := elapse(ctx, max(lasts-time.Since(stopped), 5*w.poll, 2*w.sync)); err != nil {
		return err
	}
	w.scene.silent.To = time.Now()
	w.scene.unknown = check.Span{From: stopped.Add(w.settled()), To: w.scene.silent.To}
	return w.Kafka.Start(ctx)
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, response.Status)
	}
	return body, err
}
