package soak

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

// visitor is who connects to the products' ports from outside: as a Prometheus would, or as nobody should.
type visitor struct {
	client   *http.Client
	web, all []string   // addresses of the ports of /metrics, and with the metrics API's
	held     []net.Conn // that of which nothing more comes
}

func newVisitor(w *world) (*visitor, error) {
	v := &visitor{client: &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}}
	for _, url := range w.urls() {
		v.web = append(v.web, strings.TrimPrefix(url, "http://"))
	}
	v.all = append([]string{strings.TrimPrefix(w.adapter.URL, "https://")}, v.web...)
	return v, nil
}

// metrics reads /metrics.
func (v *visitor) metrics(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/metrics", http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := v.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("/metrics answers %s", response.Status)
	}
	return string(body), err
}

// burst scrapes both programs many times at once. Each has to be answered, or to be told that there are too many.
func (v *visitor) burst(ctx context.Context) error {
	const scrapes = 60
	failed := make([]error, scrapes*len(v.web))
	var all sync.WaitGroup
	for i := range failed {
		all.Go(func() {
			_, err := v.metrics(ctx, "http://"+v.web[i%len(v.web)])
			if err != nil && !strings.Contains(err.Error(), http.StatusText(http.StatusServiceUnavailable)) && !strings.Contains(err.Error(), http.StatusText(http.StatusTooManyRequests)) {
				failed[i] = err
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// stranger opens connections to all ports on which then comes the beginning of a TLS handshake, of a request, or nothing. They stay
// open until the next time, unless the products close them.
func (v *visitor) stranger(ctx context.Context) error {
	v.leave()
	for _, address := range v.all {
		for _, beginning := range []string{"", "\x16\x03\x01\x02\x00\x01\x00", "GET /metrics HTTP/1.1\r\nHost: ", "\x00\xff\x00"} {
			for range 3 {
				conn, err := v.dial(ctx, address)
				if err != nil {
					return err
				}
				v.held = append(v.held, conn)
				if _, err := io.WriteString(conn, beginning); err != nil {
					return fmt.Errorf("beginning to talk to %s: %w", address, err)
				}
			}
		}
	}
	return nil
}

// hangUp asks for /metrics and goes before the answer comes, or in its midst.
func (v *visitor) hangUp(ctx context.Context) error {
	for range 10 {
		for i, address := range v.web {
			conn, err := v.dial(ctx, address)
			if err != nil {
				return err
			}
			_, err = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nHost: soak\r\n\r\n")
			if err == nil && i%2 == 0 {
				_, err = conn.Read(make([]byte, 100))
			}
			if err := errors.Join(err, reset(conn)); err != nil {
				return fmt.Errorf("hanging up on %s: %w", address, err)
			}
		}
	}
	return nil
}

func (v *visitor) dial(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp4", address)
}

// reset closes a connection without saying so first.
func reset(conn net.Conn) error {
	if tcp, ok := conn.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			return err
		}
	}
	return conn.Close()
}

// leave closes what stranger has left open.
func (v *visitor) leave() {
	for _, conn := range v.held {
		_ = conn.Close() // perhaps the other side has
	}
	v.held = nil
}

func (v *visitor) close() { v.leave() }
