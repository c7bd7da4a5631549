package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// service stands in for kube-proxy at a Service's address: each connection goes to one of the adapters that are ready, in turn.
type service struct {
	listener net.Listener
	stop     context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex
	all   []*Adapter
	ready map[*Adapter]bool
	turn  int
	open  map[net.Conn]bool
}

// probePeriod is the readiness probe's, five times as quick as in the manifests.
const probePeriod = time.Second

func listen(address string) (*service, error) {
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return nil, fmt.Errorf("%w\nwhere port 443 is refused: run as root, or set sysctl net.ipv4.ip_unprivileged_port_start=443", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &service{listener: listener, stop: cancel, ready: map[*Adapter]bool{}, open: map[net.Conn]bool{}}
	s.running.Go(func() { s.probe(ctx) })
	s.running.Go(s.accept)
	return s, nil
}

// add makes a ready adapter one of those behind the service.
func (s *service) add(a *Adapter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all, s.ready[a] = append(s.all, a), true
}

func (s *service) probe(ctx context.Context) {
	tick := time.NewTicker(probePeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		all := s.all
		s.mu.Unlock()
		for _, a := range all {
			ready := a.Ready(ctx) == nil
			s.mu.Lock()
			s.ready[a] = ready
			s.mu.Unlock()
		}
	}
}

// Ready asks the adapter whether it is ready.
func (a *Adapter) Ready(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s/readyz answers %s", a.URL, response.Status)
	}
	return nil
}

func (s *service) accept() {
	for {
		from, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		s.running.Go(func() { s.forward(from) })
	}
}

func (s *service) forward(from net.Conn) {
	defer from.Close()
	target, ok := s.next()
	if !ok {
		return
	}
	to, err := net.Dial("tcp4", target) //nolint:noctx // to a port of this machine, which answers at once
	if err != nil {
		return
	}
	defer to.Close()
	s.track(true, from, to)
	defer s.track(false, from, to)
	var copying sync.WaitGroup
	for _, pair := range [][2]net.Conn{{from, to}, {to, from}} {
		copying.Go(func() {
			_, _ = io.Copy(pair[1], pair[0]) // its end, for whatever reason, is the other's
			_ = from.Close()
			_ = to.Close()
		})
	}
	copying.Wait()
}

func (s *service) next() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range s.all {
		s.turn++
		if a := s.all[s.turn%len(s.all)]; s.ready[a] {
			return strings.TrimPrefix(a.URL, "https://"), true
		}
	}
	return "", false
}

func (s *service) track(open bool, conns ...net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range conns {
		if open {
			s.open[c] = true
		} else {
			delete(s.open, c)
		}
	}
}

func (s *service) close() error {
	s.stop()
	err := s.listener.Close()
	s.mu.Lock()
	for c := range s.open {
		err = errors.Join(err, c.Close())
	}
	s.mu.Unlock()
	s.running.Wait()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}
