package kinds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
)

// How the exporter polls, and which groups it is told are special: those whose
// names end so.
const (
	pollInterval = time.Second
	maxAge       = 10 * time.Second

	earliestGroup      = "-earliest"
	readCommittedGroup = "-committed"
	ignoringGroup      = "-ignoring"
)

// exporter is a running lag-exporter.
type exporter struct {
	url     string
	process *proc.Process
	client  *http.Client
}

func startExporter(ctx context.Context, s *stack, name, bootstrap string) (*exporter, error) {
	port, err := ports.Free(1)
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port[0])
	p, err := proc.Start(proc.Spec{
		Name: name, Path: s.where.Product("lag-exporter"), LogDir: s.dir,
		Args: []string{
			"--brokers=" + bootstrap, "--web.listen-address=" + address,
			"--poll-interval=" + pollInterval.String(), "--max-age=" + maxAge.String(),
			"--earliest-groups=.*" + earliestGroup, "--read-committed-groups=.*" + readCommittedGroup,
			"--ignore-unsubscribed-groups=.*" + ignoringGroup,
		},
	})
	if err != nil {
		return nil, err
	}
	e := &exporter{url: "http://" + address, process: p, client: &http.Client{Timeout: 2 * time.Second}} // of one look
	err = p.Ready(ctx, func(ctx context.Context) error {
		_, err := e.get(ctx, "/readyz")
		return err
	})
	if err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	return e, nil
}

// scrape reads /metrics.
func (e *exporter) scrape(ctx context.Context) (series.Set, error) {
	body, err := e.get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	return series.Parse(body)
}

func (e *exporter) get(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+path, nil)
	if err != nil {
		return "", err
	}
	response, err := e.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", path, response.Status, body)
	}
	return string(body), err
}

// stop ends the exporter, which has to end in good order.
func (e *exporter) stop() error {
	const grace = 15 * time.Second // above what it allows itself
	if err := e.process.Stop(grace); err != nil {
		return err
	}
	if code, err := e.process.ExitCode(context.Background()); err != nil || code != 0 {
		return errors.Join(fmt.Errorf("%s: exit code %d", e.process.Name(), code), err)
	}
	return nil
}
