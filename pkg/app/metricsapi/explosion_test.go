package metricsapi

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/app"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/fakekafka"
)

// exploded says to the test's binary that it is to be the program.
const exploded = "LAG_TEST_EXPLOSION"

// adapterProcess is lag-adapter in a process of its own, which has the listener of its metrics API from its parent.
type adapterProcess struct {
	t        *testing.T
	cmd      *exec.Cmd
	api, web string
	client   *http.Client
}

// Of 100,000 groups the program reads as many as it may by default, within the memory that its manifest gives it; it says how many there
// are besides; an HPA that asks for one of those gets its lag, then and later; and it always answers.
func TestRow19ExplosionOfGroups(t *testing.T) {
	if args := os.Getenv(exploded); args != "" {
		runExploded(t, strings.Split(args, " "))
		return
	}
	const groups, limit, partitions = 100_000, 20_000, 3
	memory := limitOfManifest(t)
	cluster, err := fakekafka.New(fakekafka.Shape{Groups: groups, PartitionsPerGroup: partitions, GroupsPerTopic: 100, MembersPerGroup: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	p := startExploded(t, memory, cluster.Addresses())
	last := groups - 1
	want := int64(0)
	for partition := range partitions {
		want += cluster.Shape().Lag(last, partition, 0)
	}
	p.await("groups beyond the limit to be counted", func() error {
		left := p.series("kafka_lag_collector_uncollected_groups")
		if left != groups-limit {
			return fmt.Errorf("%v", left)
		}
		return nil
	})
	path := "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/kafka_consumergroup_lag?labelSelector=consumergroup%3D" + cluster.Shape().Group(last)
	lag := func() error {
		var list struct{ Items []struct{ Value string } }
		code, body := p.get(p.api + path)
		if err := json.Unmarshal(body, &list); code != http.StatusOK || err != nil || len(list.Items) != 1 || list.Items[0].Value != fmt.Sprint(want) {
			return fmt.Errorf("%d %.300s, want %d", code, body, want)
		}
		return nil
	}
	p.await("the lag of the last group", lag)
	for polls := p.polls(); p.polls() < polls+3; { // which all want other groups
		if err := lag(); err != nil {
			t.Fatalf("a group in use is not kept: %v", err)
		}
		for _, path := range []string{"/apis", "/apis/custom.metrics.k8s.io/v1beta2", "/apis/external.metrics.k8s.io/v1beta1", "/readyz", "/livez"} {
			if code, body := p.get(p.api + path); code != http.StatusOK {
				t.Fatalf("%s: %d %.300s", path, code, body)
			}
		}
	}
	if left := p.series("kafka_lag_collector_uncollected_groups"); left != groups-limit {
		t.Errorf("%v groups are left out, want %d", left, groups-limit)
	}
	peak := p.peak()
	t.Logf("at most %d MiB of %d", peak>>20, memory>>20)
	if peak > memory && !raceDetector {
		t.Errorf("at most %d MiB were resident, the manifest allows %d", peak>>20, memory>>20)
	}
	p.stop()
}

// limitOfManifest is the memory that the pod has.
func limitOfManifest(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("../../../manifests/base/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`limits:\s+memory: (\d+)Mi`).FindSubmatch(text)
	if found == nil {
		t.Fatal("the manifest has no limit")
	}
	mebibytes, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return mebibytes << 20
}

// runExploded is the program, until it is told to stop. File 3 is its listener.
func runExploded(t *testing.T, args []string) {
	t.Helper()
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		t.Fatal(err)
	}
	allow := authorizer.AuthorizerFunc(func(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
		return authorizer.DecisionAllow, "", nil
	})
	program := app.Program{Name: "lag-adapter", Extension: func() app.Extension { return NewLocal(Local{Listener: listener, Authorizer: allow}) }}
	if code := program.Main(t.Context(), args, io.Discard, os.Stderr); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

func startExploded(t *testing.T, memory int64, brokers []string) *adapterProcess {
	t.Helper()
	ca, cert := clientCertificate(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--brokers=" + strings.Join(brokers, ","), "--web.listen-address=127.0.0.1:0", "--authentication-skip-lookup", "--client-ca-file=" + ca,
		"--shutdown-delay-duration=0s", "--external-metrics", "--bind=selector", "--log-format=json"}
	p := &adapterProcess{t: t, api: "https://" + listener.Addr().String()}
	p.cmd = exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRow19ExplosionOfGroups$")
	p.cmd.Env = append(os.Environ(), exploded+"="+strings.Join(args, " "), fmt.Sprintf("GOMEMLIMIT=%d", app.MemoryGoal(memory))) // as the container's own would have it
	p.cmd.ExtraFiles, p.cmd.SysProcAttr = []*os.File{file}, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	_, _ = file.Close(), listener.Close()
	p.web = metricsURL(t, stderr)
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	p.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{cert}}, // the server's is made at the start
	}}
	t.Cleanup(p.client.CloseIdleConnections)
	return p
}

// metricsURL reads where /metrics is out of the log.
func metricsURL(t *testing.T, log io.Reader) string {
	t.Helper()
	var seen bytes.Buffer
	reader := bufio.NewReader(log)
	for {
		line, err := reader.ReadBytes('\n')
		seen.Write(line)
		var entry struct{ Metrics string }
		if json.Unmarshal(line, &entry) == nil && entry.Metrics != "" {
			return entry.Metrics
		}
		if err != nil {
			t.Fatalf("the program says no more: %v\n%s", err, seen.Bytes())
		}
	}
}
