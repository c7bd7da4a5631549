package soak

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/exporter"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/proxies"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
)

// What runs is small, so that it leaves room on two cores: the schedule makes the difference, not the load.
const (
	brokers      = 3
	groups       = 10
	scaled       = 2 // Deployments with an HPA, of each kind of metric
	pollInterval = "250ms"
	maxAge       = "3s"
)

// The programs that are watched.
const (
	adapterName  = "lag-adapter"
	exporterName = "lag-exporter"
)

// listener is the brokers' way in for the products: by TLS both ways and SCRAM, and through the proxies.
const listener = "PROXIED"

// world is all that runs.
type world struct {
	*stack.Stack
	where   layout.Layout
	proxies *proxies.Proxies
	load    *load.Load
	adapter *stack.Adapter
	sidecar *exporter.Exporter
	ca      *pki.CA
	access  *access
	guests  *guests
	visitor *visitor
}

func startWorld(ctx context.Context, where layout.Layout, dir string) (*world, error) {
	w := &world{where: where}
	for _, start := range []func(context.Context, string) error{w.startKafka, w.startProducts, w.startTraffic} {
		if err := start(ctx, dir); err != nil {
			return nil, errors.Join(err, w.Close())
		}
	}
	return w, nil
}

func (w *world) startKafka(ctx context.Context, dir string) (err error) {
	if w.proxies, err = proxies.Pick(brokers); err != nil {
		return err
	}
	if w.ca, err = pki.NewCA("the brokers' CA"); err != nil {
		return err
	}
	security, err := w.security()
	if err != nil {
		return err
	}
	w.Stack, err = stack.StartWith(ctx, w.where, dir, kafka.Config{
		Nodes: brokers, Memory: "192m",
		Listeners: []kafka.Listener{{Name: listener, Protocol: "SASL_SSL", Properties: security, Advertised: w.proxies.Addresses}},
		Properties: map[string]string{ // to go on without one of them within seconds
			"replica.lag.time.max.ms": "3000", "controller.socket.timeout.ms": "3000", "broker.session.timeout.ms": "6000",
			"offsets.topic.segment.bytes": "1048576", // what is left of groups that are gone is small
		},
	}, nil)
	if err != nil {
		return err
	}
	behind, err := w.Kafka.BootstrapOf(listener)
	if err != nil {
		return err
	}
	return w.proxies.Start(strings.Split(behind, ","))
}

// security are the properties of the listener.
func (w *world) security() (map[string]string, error) {
	server, err := w.ca.Server("127.0.0.1")
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(server.Key)
	private, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private) // the only form that Kafka reads
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"sasl.enabled.mechanisms":        mechanism,
		"scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
		"ssl.client.auth":                "required",
		"ssl.keystore.type":              "PEM", "ssl.keystore.certificate.chain": string(server.Cert),
		"ssl.keystore.key":    string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"ssl.truststore.type": "PEM", "ssl.truststore.certificates": string(w.ca.Cert),
	}, nil
}

func (w *world) startProducts(ctx context.Context, dir string) (err error) {
	if w.access, err = newAccess(filepath.Join(dir, "access"), w.ca, w.proxies.Addresses, w.admin); err != nil {
		return err
	}
	if err := w.access.start(ctx); err != nil {
		return err
	}
	replicas, err := w.DeployReplicas(ctx, 1, []string{"external-metrics"}, func(int) []string {
		return []string{"--config=" + w.access.config, "--brokers=" + w.proxies.Bootstrap(), "--hot-interval=" + pollInterval}
	})
	if err != nil {
		return err
	}
	w.adapter = replicas.All[0]
	w.sidecar, err = exporter.Start(ctx, w.where, dir, exporterName, "--config="+w.access.config)
	return err
}

// admin does something by the admin API of the brokers themselves.
func (w *world) admin(do func(*kadm.Client) error) error { return w.Workload().Admin(do) }

func (w *world) startTraffic(ctx context.Context, _ string) (err error) {
	if w.load, err = load.Start(ctx, load.Config{Bootstrap: w.Kafka.Bootstrap(), Groups: groups, Scaled: scaled}); err != nil {
		return err
	}
	if err := load.Scale(ctx, w.ControlPlane.Client, scaled); err != nil {
		return err
	}
	if w.guests, err = startGuests(w.Kafka.Bootstrap(), w.ControlPlane.Client); err != nil {
		return err
	}
	w.visitor = newVisitor(w)
	return nil
}

// urls are those of /metrics, by program.
func (w *world) urls() map[string]string {
	return map[string]string{adapterName: w.adapter.WebURL, exporterName: w.sidecar.URL()}
}

// pids are the process ids, by program.
func (w *world) pids() map[string]int {
	return map[string]int{adapterName: w.adapter.Process().PID(), exporterName: w.sidecar.PID()}
}

// Close ends everything. Logs stay.
func (w *world) Close() error {
	var errs []error
	if w.guests != nil {
		w.guests.close()
	}
	if w.sidecar != nil {
		errs = append(errs, w.sidecar.Stop())
	}
	if w.load != nil {
		errs = append(errs, w.load.Close())
	}
	if w.Stack != nil {
		errs = append(errs, w.Stack.Close())
	}
	if w.proxies != nil {
		w.proxies.Close()
	}
	return errors.Join(errs...)
}

// known says whether both programs show the lag of every group of the load, and the metrics API has that of one. As what is shown is
// no older than maxAge, all was then read lately.
func (w *world) known(ctx context.Context) error {
	var errs []error
	for program, url := range w.urls() {
		shown, err := w.visitor.metrics(ctx, url)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", program, err))
			continue
		}
		if err := w.unknown(shown); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", program, err))
		}
	}
	return errors.Join(append(errs, w.guests.ask(ctx, external(load.Steady)))...)
}

// unknown says which group's lag is not among what a program shows, or that it lacks a broker; nil if it knows everything.
func (w *world) unknown(shown string) error {
	if n := len(brokerUp.FindAllString(shown, -1)); n != brokers {
		return fmt.Errorf("%d of %d brokers are up", n, brokers)
	}
	for _, group := range w.load.Groups() {
		if !shows(shown, group) {
			return fmt.Errorf("the lag of %s is not known", group)
		}
	}
	return nil
}

// brokerUp is the line of a broker that is up.
var brokerUp = regexp.MustCompile(`(?m)^kafka_lag_collector_broker_up\{.*\} 1$`)

// shows says whether the lag of a group is among what a program shows.
func shows(shown, group string) bool {
	return strings.Contains(shown, `kafka_consumergroup_lag_sum{consumergroup="`+group+`"`)
}
