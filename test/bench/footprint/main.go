// Command footprint measures what lag-exporter weighs: the size of both stripped binaries, and the resident memory of
// lag-exporter polling an in-process Kafka with 100 groups of 20 partitions. `make bench` runs it after `make build`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	bin := flag.String("bin", "bin", "folder of the binaries")
	groups := flag.Int("groups", 100, "consumer groups")
	partitions := flag.Int("partitions", 20, "partitions of each group")
	polls := flag.Int("polls", 30, "polls of lag-exporter before its memory is read")
	flag.Parse()
	if err := run(*bin, *groups, *partitions, *polls); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "footprint:", err)
		os.Exit(1)
	}
}

func run(bin string, groups, partitions, polls int) error {
	for _, name := range []string{"lag-exporter", "lag-adapter"} {
		info, err := os.Stat(bin + "/" + name)
		if err != nil {
			return fmt.Errorf("%w; run make build", err)
		}
		fmt.Printf("%-30s %6.1f MB\n", name+", stripped", float64(info.Size())/1e6)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(int32(partitions), "orders"))
	if err != nil {
		return err
	}
	defer kafka.Close()
	if err := commit(ctx, kafka, groups, partitions); err != nil {
		return err
	}
	rss, err := measure(ctx, bin+"/lag-exporter", kafka.ListenAddrs(), polls)
	if err != nil {
		return err
	}
	fmt.Printf("%-30s %6.1f MiB  (%d groups × %d partitions, after %d polls and scrapes)\n", "lag-exporter, resident", rss, groups, partitions, polls)
	return nil
}

// commit gives each group a committed offset on each partition.
func commit(ctx context.Context, kafka *kfake.Cluster, groups, partitions int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...))
	if err != nil {
		return err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	var offsets kadm.Offsets
	for p := range partitions {
		offsets.AddOffset("orders", int32(p), 0, -1)
	}
	for g := range groups {
		if err := admin.CommitAllOffsets(ctx, fmt.Sprintf("group-%d", g), offsets); err != nil {
			return err
		}
	}
	return nil
}

// measure runs the exporter for the given number of polls, scraping it after each, and returns its resident memory in MiB.
func measure(ctx context.Context, program string, brokers []string, polls int) (float64, error) {
	address, err := freeAddress()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, program, "--brokers="+strings.Join(brokers, ","), "--web.listen-address="+address, "--poll-interval=200ms", "--log-level=error")
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	rss, err := observe(ctx, cmd.Process.Pid, address, polls)
	return rss, errors.Join(err, cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
}

func observe(ctx context.Context, pid int, address string, polls int) (float64, error) {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for scraped := 0; scraped < polls; {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-ticker.C:
		}
		body, err := scrape(ctx, address)
		if err == nil && strings.Contains(body, "\nkafka_consumergroup_lag{") {
			scraped++
		}
	}
	return residentMiB(pid)
}

func scrape(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// residentMiB reads VmRSS.
func residentMiB(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for _, line := range strings.Split(string(status), "\n") {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, err := strconv.ParseFloat(fields[1], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("no VmRSS in /proc")
}

func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
