package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/canary"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/faults/load"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/pki"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/stack"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/volume"
)

// guarded is the listener by TLS with client certificates and SCRAM, through proxies of its own, for the guest. Whoever comes by
// another listener may do everything.
const guarded = "GUARDED"

// guest is a third adapter, with an identity of its own: it authenticates by a certificate and a password, and has the rights that
// the README lists. No Service leads to it; its metrics API is asked by itself.
type guest struct {
	world   *world
	adapter *stack.Adapter
	api     kubernetes.Interface
	files   *volume.Volume
	shown   map[string]string // the files as they were last written
}

// The guest's name as a source, and its user.
const (
	guestName = "guest"
	guestUser = "guest"
)

// The files that the guest's identity is in.
const (
	passwordFile = "password"
	certFile     = "tls.crt"
	keyFile      = "tls.key"
)

// guardedListener is the listener's configuration.
func guardedListener(ca *pki.CA, advertised []string) (kafka.Listener, error) {
	server, err := ca.Server("127.0.0.1")
	if err != nil {
		return kafka.Listener{}, err
	}
	key, err := server.PKCS8()
	return kafka.Listener{Name: guarded, Protocol: "SASL_SSL", Advertised: advertised, Properties: map[string]string{
		"ssl.client.auth": "required", "sasl.enabled.mechanisms": "SCRAM-SHA-512",
		"scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security.scram.ScramLoginModule required;",
		"ssl.keystore.type":              "PEM", "ssl.keystore.certificate.chain": string(server.Cert), "ssl.keystore.key": key,
		"ssl.truststore.type": "PEM", "ssl.truststore.certificates": string(ca.Cert),
	}}, err
}

// invite starts the guest, to be watched with the others from now on.
func (w *world) invite(ctx context.Context) (err error) {
	password := canary.Text()
	g := &guest{world: w, shown: map[string]string{"ca.crt": string(w.ca.Cert)}}
	w.guests++ // each has files of its own: the next one may be invited by another row
	if g.files, err = volume.New(filepath.Join(w.Dir, fmt.Sprintf("%s-%d", guestName, w.guests))); err != nil {
		return err
	}
	own, err := w.ca.Client(guestUser)
	if err != nil {
		return err
	}
	err = errors.Join(
		g.setPassword(ctx, password), g.permit(ctx),
		g.write(map[string]string{passwordFile: password, certFile: string(own.Cert), keyFile: string(own.Key)}),
	)
	if err != nil {
		return fmt.Errorf("inviting the guest: %w", err)
	}
	path := func(name string) string { return filepath.Join(g.files.Dir(), name) }
	g.adapter, err = w.replicas.All[0].Replica(ctx, guestName,
		"--brokers="+w.guarded.Bootstrap(), "--kafka.tls.enabled=true", "--kafka.tls.ca-file="+path("ca.crt"),
		"--kafka.tls.cert-file="+path(certFile), "--kafka.tls.key-file="+path(keyFile),
		"--kafka.sasl.mechanism=SCRAM-SHA-512", "--kafka.sasl.username="+guestUser, "--kafka.sasl.password-file="+path(passwordFile))
	if err != nil {
		return err
	}
	w.guest = g
	g.api, err = directly(w.ControlPlane.REST, g.adapter)
	return err
}

// dismiss ends the guest.
func (w *world) dismiss() error {
	if w.guest == nil {
		return nil
	}
	g := w.guest
	w.guest = nil
	return g.adapter.Process().Kill()
}

// directly is a client with all rights of an adapter's metrics API.
func directly(config *rest.Config, a *stack.Adapter) (kubernetes.Interface, error) {
	config = rest.CopyConfig(config)
	config.Host = a.URL
	config.CAFile, config.CAData = a.CA, nil
	config.ServerName = stack.Name + "." + stack.Namespace + ".svc"
	return kubernetes.NewForConfig(config)
}

// setPassword changes the password in Kafka. Nothing may show it.
func (g *guest) setPassword(ctx context.Context, password string) error {
	if err := canary.Note(g.world.Dir, canary.Password, password); err != nil {
		return err
	}
	return g.world.Workload().Admin(func(admin *kadm.Client) error {
		altered, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: guestUser, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password}})
		return errors.Join(err, altered.Error())
	})
}

// write changes some of the guest's files, as the rotation of a Secret does.
func (g *guest) write(files map[string]string) error {
	maps.Copy(g.shown, files)
	return g.files.Swap(g.shown)
}

// permit gives the guest the rights that the README lists.
func (g *guest) permit(ctx context.Context) error {
	configs := g.acls().Operations(kadm.OpDescribe, kadm.OpDescribeConfigs).Groups("*")
	return g.world.Workload().Admin(func(admin *kadm.Client) error {
		return errors.Join(create(ctx, admin, configs), create(ctx, admin, g.acls().Operations(kadm.OpDescribe).Topics("*")))
	})
}

func (g *guest) acls() *kadm.ACLBuilder {
	return kadm.NewACLs().Allow("User:" + guestUser).AllowHosts().ResourcePatternType(kadm.ACLPatternLiteral)
}

// refusal denies the guest one thing that its rights are for.
func (g *guest) refusal() *kadm.ACLBuilder {
	return kadm.NewACLs().Deny("User:" + guestUser).DenyHosts().ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpDescribe)
}

func create(ctx context.Context, admin *kadm.Client, acls *kadm.ACLBuilder) error {
	created, err := admin.CreateACLs(ctx, acls)
	for _, c := range created {
		err = errors.Join(err, c.Err)
	}
	return err
}

// remove takes ACLs back; there must be some.
func remove(ctx context.Context, admin *kadm.Client, acls *kadm.ACLBuilder) error {
	deleted, err := admin.DeleteACLs(ctx, acls)
	n := 0
	for _, d := range deleted {
		err = errors.Join(err, d.Err)
		n += len(d.Deleted)
	}
	if n == 0 {
		err = errors.Join(err, errors.New("no ACL was removed"))
	}
	return err
}

// external asks the guest's metrics API for a group's lag in all its topics.
func (g *guest) external(ctx context.Context, group string) ([]byte, error) {
	path := fmt.Sprintf("/apis/external.metrics.k8s.io/v1beta1/namespaces/%s/%s", load.Namespace, load.Metric)
	result := g.api.Discovery().RESTClient().Get().AbsPath(path).Param("labelSelector", "consumergroup="+url.QueryEscape(group)).Do(ctx)
	body, _ := result.Raw() // its error has not looked into the body
	return body, result.Error()
}

// connections are those that the guest has to the brokers.
func (g *guest) connections() (map[string]bool, error) {
	var ports []int
	for _, address := range g.world.guarded.Addresses {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return nil, err
		}
		ports = append(ports, number)
	}
	return proc.Connections(g.adapter.Process().PID(), ports...)
}

// ofGuest says whether a source is the guest.
func ofGuest(source string) bool { return strings.HasPrefix(source, guestName) }

// guardedPorts are where the brokers themselves listen for the guest's proxies, by broker.
func (w *world) guardedPorts() ([]string, error) {
	addresses, err := w.Kafka.BootstrapOf(guarded)
	return slices.Collect(func(yield func(string) bool) {
		for address := range strings.SplitSeq(addresses, ",") {
			if !yield(address[strings.LastIndexByte(address, ':')+1:]) {
				return
			}
		}
	}), err
}
