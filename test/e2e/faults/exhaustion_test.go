package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/names"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
)

// alone is an exporter to which one thing is done that concerns no other process.
type alone struct {
	*exporter.Exporter
	w          *world
	goroutines float64            // when all was well
	failures   map[string]float64 // by class, counted until then
}

// The classes of what cannot be read for want of a connection: one that is refused, and one that does not come about.
const (
	notConnected = "connection"
	notInTime    = "timeout"
)

// failuresIn are what an exporter has counted, by class.
func failuresIn(now series.Set) map[string]float64 {
	counted := map[string]float64{}
	for _, class := range []string{notConnected, notInTime} {
		counted[class] = now[series.Name("kafka_lag_collector_read_errors_total", "cluster", "default", "class", class)]
	}
	return counted
}

// startAlone starts an exporter by a command that takes something from it.
func (w *world) startAlone(ctx context.Context, name string, by []string, brokers string) (*alone, error) {
	e, err := exporter.StartBy(ctx, w.where, w.Dir, name, by, append(w.args(), "--brokers="+brokers)...)
	return &alone{Exporter: e, w: w}, err
}

// well waits until the exporter knows the lag of a group that always has some, and has no more goroutines than when it first did.
func (a *alone) well(ctx context.Context) error {
	return await.Until(ctx, "the exporter to know the lag", func(ctx context.Context) error {
		now, err := a.Scrape(ctx)
		if err != nil {
			return err
		}
		if !shownIn(now) {
			return errors.New("it is not shown")
		}
		goroutines := now[series.Name("go_goroutines")]
		if a.goroutines == 0 {
			a.goroutines = goroutines
		}
		const underWay = 10
		if goroutines > a.goroutines+underWay {
			return fmt.Errorf("%v goroutines, %v at first", goroutines, a.goroutines)
		}
		a.failures = failuresIn(now)
		return nil
	})
}

// unknown waits until the exporter says that it does not know that lag, and counts failures of that class.
func (a *alone) unknown(ctx context.Context, class string, again func() error) error {
	const every = 100 // looks, 10 s
	looks := 0
	return await.Until(ctx, "the exporter to say that it does not know the lag", func(ctx context.Context) error {
		if looks++; looks%every == 1 {
			if err := again(); err != nil {
				return err
			}
		}
		now, err := a.Scrape(ctx)
		if err != nil {
			return err
		}
		if up := now[series.Name("kafka_lag_collector_cluster_up", "cluster", "default")]; shownIn(now) || up != 0 {
			return fmt.Errorf("it is shown: %v; cluster up: %v", shownIn(now), up)
		}
		if failuresIn(now)[class] <= a.failures[class] {
			return fmt.Errorf("no failure of class %s is counted", class)
		}
		return nil
	})
}

func shownIn(now series.Set) bool {
	for name := range now {
		if strings.HasPrefix(name, "kafka_consumergroup_lag_sum ") && strings.Contains(name, "consumergroup="+load.Steady) {
			return true
		}
	}
	return false
}

// reset ends the connections that lead through proxies, and others that are opened in that time, each when something is sent on it.
func reset(ctx context.Context, p interface {
	Poison(toxic string, brokers ...int) error
	Heal(ctx context.Context)
}, lasts time.Duration,
) error {
	if err := p.Poison(`{"name":"reset","type":"reset_peer","attributes":{"timeout":0}}`, 0, 1, 2); err != nil {
		return err
	}
	defer p.Heal(context.WithoutCancel(ctx))
	return elapse(ctx, lasts)
}

// descriptors are what an exporter gets, of which it needs a dozen.
const descriptors = 40

// exhausted lets clients that say nothing take all file descriptors of an exporter, and then ends its connections to brokers.
func exhausted(ctx context.Context, w *world) error {
	const idle = 2 * descriptors
	limit := fmt.Sprintf("--nofile=%d:%d", descriptors, descriptors)
	a, err := w.startAlone(ctx, "limited", []string{"prlimit", limit}, w.proxies.Bootstrap())
	if err != nil {
		return err
	}
	err = a.well(ctx)
	if err == nil {
		err = a.starve(ctx, idle)
	}
	if err == nil {
		err = a.well(ctx)
	}
	return errors.Join(err, a.Stop())
}

func (a *alone) starve(ctx context.Context, idle int) error {
	eating, enough := context.WithCancel(ctx)
	var eaters sync.WaitGroup
	defer eaters.Wait()
	defer enough()
	for range idle {
		eaters.Go(func() { eat(eating, strings.TrimPrefix(a.URL(), "http://")) })
	}
	// The server waits for a second at most before it tries again to take a client's connection; the descriptor of one to a broker that
	// has ended goes to whoever comes first.
	const givesUp = 3 * time.Second
	if err := a.unknown(ctx, notConnected, func() error { return reset(ctx, a.w.proxies, max(givesUp, a.w.poll)) }); err != nil {
		return err
	}
	// What the log told first was the end of the connections; that no other one can be had shows here alone.
	return await.Until(ctx, "all descriptors to be taken", func(context.Context) error {
		open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", a.PID()))
		if err == nil && len(open) < descriptors {
			err = fmt.Errorf("%d of %d are open", len(open), descriptors)
		}
		return err
	})
}

// eat holds a connection by which it has asked for something once, and another one when it is ended. Those that never ask for anything are
// ended after 5 s.
func eat(ctx context.Context, address string) {
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			_ = elapse(ctx, 100*time.Millisecond)
			continue
		}
		ended := context.AfterFunc(ctx, func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: exporter\r\n\r\n"); err == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
		ended()
		_ = conn.Close()
	}
}

// nameless lets the names of brokers lead nowhere: from the start, and later while connections break; as DNS says that they do not exist,
// and as it says nothing.
func nameless(ctx context.Context, w *world, lasts time.Duration) error {
	dns, err := names.Start()
	if err != nil {
		return err
	}
	defer dns.Close()
	resolver, err := dns.Configuration(w.Dir)
	if err != nil {
		return err
	}
	dns.Answer(names.Missing)
	a, err := w.startAlone(ctx, "nameless", []string{
		"unshare", "--mount", "sh", "-c", `mount --bind "$0" /etc/resolv.conf && exec "$@"`, resolver,
	}, strings.Join(w.bootstrapNames(), ","))
	if err != nil {
		return err
	}
	return errors.Join(a.forget(ctx, dns, lasts), a.Stop())
}

func (a *alone) forget(ctx context.Context, dns *names.Server, lasts time.Duration) error {
	nothing := func() error { return nil }
	if err := errors.Join(a.unknown(ctx, notConnected, nothing), a.restrained(ctx, dns, lasts)); err != nil {
		return err
	}
	dns.Answer(names.Truth)
	if err := a.well(ctx); err != nil {
		return err
	}
	for _, c := range []struct {
		how   names.How
		class string
	}{{names.Missing, notConnected}, {names.Nothing, notInTime}} {
		dns.Answer(c.how)
		if err := a.unknown(ctx, c.class, func() error { return reset(ctx, a.w.named, a.w.poll) }); err != nil {
			return err
		}
		if err := a.restrained(ctx, dns, lasts); err != nil {
			return err
		}
		dns.Answer(names.Truth)
		if err := a.well(ctx); err != nil {
			return err
		}
	}
	return nil
}

// restrained wants names to be asked for at a bounded rate, and not in step: a thousand pods shall not ask all at once.
func (a *alone) restrained(ctx context.Context, dns *names.Server, lasts time.Duration) error {
	from := time.Now()
	if err := elapse(ctx, lasts); err != nil {
		return err
	}
	var rounds []time.Time // a round asks for all that it asks for at once
	queries := 0
	for _, at := range dns.Asked() {
		if at.Before(from) {
			continue
		}
		queries++
		if len(rounds) == 0 || at.Sub(rounds[len(rounds)-1]) > 100*time.Millisecond {
			rounds = append(rounds, at)
		}
	}
	rate := float64(queries) / lasts.Seconds()
	fmt.Fprintf(os.Stderr, "DNS is asked %.1f times a second, in %d rounds within %s\n", rate, len(rounds), lasts)
	const once = 3 * 2                         // 3 brokers, 2 kinds of addresses
	most := once/1.0 + once/a.w.poll.Seconds() // by the search for each, which tries it every 1 to 2 s, and by each poll
	if queries == 0 || rate > most {
		return fmt.Errorf("DNS is asked %.1f times a second, which should be %.1f at most", rate, most)
	}
	return nil
}
