// Package ports picks TCP ports for the servers that the tests start.
package ports

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
)

// Below this port numbers belong to well-known services.
const lowest = 10000

// Free returns n distinct ports that nothing listens on at 127.0.0.1. They lie
// below the kernel's ephemeral range: no outgoing connection can take one, so
// a server stopped in a test finds its port free when it starts again.
func Free(n int) ([]int, error) {
	highest, err := ephemeralStart()
	if err != nil {
		return nil, err
	}
	if highest <= lowest+n {
		return nil, fmt.Errorf("ephemeral ports begin at %d, which leaves none above %d for tests: raise net.ipv4.ip_local_port_range", highest, lowest)
	}
	held := make([]net.Listener, 0, n) // all at once, so that they are distinct
	defer func() {
		for _, l := range held {
			_ = l.Close() // nothing was accepted: there is nothing to lose
		}
	}()
	picked := make([]int, 0, n)
	for range 100 * n {
		if len(picked) == n {
			return picked, nil
		}
		port := lowest + rand.IntN(highest-lowest)
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue // taken: the next draw
		}
		held, picked = append(held, l), append(picked, port)
	}
	return nil, fmt.Errorf("no %d free ports between %d and %d on 127.0.0.1", n, lowest, highest)
}

func ephemeralStart() (int, error) {
	const file = "/proc/sys/net/ipv4/ip_local_port_range"
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("finding the ephemeral ports: %w", err)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\t")
	start, err := strconv.Atoi(first)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", file, err)
	}
	return start, nil
}
