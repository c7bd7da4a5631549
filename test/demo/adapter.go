package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app/metricsapi"
)

// lagAdapter is the lag-adapter as a part of this process: the program itself with its flags, and only the cluster made up.
type lagAdapter struct {
	metricsURL string // of /metrics
	apiURL     string // of the metrics API

	log  *logReader
	stop context.CancelFunc
	done chan struct{}
	code int // once done
}

// startAdapter starts the program and waits until its ports are open.
func startAdapter(ctx context.Context, brokers []string, pollInterval time.Duration, certificates *access, cluster workload) (*lagAdapter, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open a port for the metrics API: %w", err)
	}
	local := metricsapi.Local{
		Pods: cluster, Objects: objects{}, Annotations: cluster, Authorizer: authorizer.AuthorizerFunc(authorize), Listener: listener,
	}
	program := app.Program{Name: "lag-adapter", Extension: func() app.Extension { return metricsapi.NewLocal(local) }}
	args := []string{
		"--brokers=" + strings.Join(brokers, ","),
		"--poll-interval=" + pollInterval.String(),
		"--web.listen-address=127.0.0.1:0",
		"--tls-cert-file=" + certificates.serverCert,
		"--tls-private-key-file=" + certificates.serverKey,
		"--client-ca-file=" + certificates.caFile,
		"--authentication-skip-lookup", // there is no cluster to look up more authorities in
		"--shutdown-delay-duration=0s", // nor a Service whose endpoints must learn of the end
		"--log-format=json",
	}
	// It is stopped in its turn, not when the demo is told to end.
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	a := &lagAdapter{apiURL: "https://" + listener.Addr().String(), log: newLogReader("adapter"), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.code = program.Main(runCtx, args, a.log, a.log)
		_ = listener.Close() // which is still open if the program did not get as far as serving
	}()
	select {
	case a.metricsURL = <-a.log.metrics:
		return a, nil
	case <-a.done:
		return nil, errors.Join(a.Stop(), errors.New("the adapter ended before it served"))
	case <-ctx.Done():
		return nil, errors.Join(a.Stop(), context.Cause(ctx))
	}
}

// Stop ends the adapter and returns why it failed, if it did.
func (a *lagAdapter) Stop() error {
	a.stop()
	<-a.done
	if a.code != 0 {
		return fmt.Errorf("the adapter failed with exit code %d; the end of its log:\n%s", a.code, a.log.end())
	}
	return nil
}
