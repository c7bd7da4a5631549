// Package proxies puts a toxiproxy in front of each broker, to make the network
// between it and its clients fail.
package proxies

import (
	"context"
	"errors"
	"fmt"
	"strings"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
)

// Proxies are one for each broker.
type Proxies struct {
	Addresses []string // where clients connect, by broker
	all       []*toxiproxy.Proxy
}

// Pick picks addresses for n proxies, for brokers to advertise.
func Pick(n int) (*Proxies, error) {
	free, err := ports.Free(n)
	if err != nil {
		return nil, err
	}
	p := &Proxies{}
	for _, port := range free {
		p.Addresses = append(p.Addresses, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return p, nil
}

// Start begins to forward to the brokers.
func (p *Proxies) Start(brokers []string) error {
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxics do not ask the server for its logger
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	for i, address := range p.Addresses {
		proxy := toxiproxy.NewProxy(server, fmt.Sprintf("broker-%d", i+1), address, brokers[i])
		if err := proxy.Start(); err != nil {
			return fmt.Errorf("starting the proxy of broker %d: %w", i+1, err)
		}
		p.all = append(p.all, proxy)
	}
	return nil
}

// Bootstrap is the list of the proxies' addresses.
func (p *Proxies) Bootstrap() string { return strings.Join(p.Addresses, ",") }

// Poison applies a toxic, in the JSON of toxiproxy's API, to what brokers send through some of the proxies.
func (p *Proxies) Poison(toxic string, brokers ...int) error {
	var errs []error
	for _, i := range brokers {
		_, err := p.all[i].Toxics.AddToxicJson(strings.NewReader(toxic))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Heal takes all toxics away.
func (p *Proxies) Heal(ctx context.Context) {
	for _, proxy := range p.all {
		proxy.Toxics.ResetToxics(ctx)
	}
}

// Cut ends all connections. New ones are taken at once.
func (p *Proxies) Cut() error {
	for _, proxy := range p.all {
		proxy.Stop()
		if err := proxy.Start(); err != nil {
			return fmt.Errorf("starting %s again: %w", proxy.Name, err)
		}
	}
	return nil
}

// Close ends all connections.
func (p *Proxies) Close() {
	for _, proxy := range p.all {
		proxy.Stop()
	}
}
