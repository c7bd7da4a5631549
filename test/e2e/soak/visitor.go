package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// visitor is who connects to the products' ports from outside: as a Prometheus would, or as nobody should.
type visitor struct {
	client   *http.Client
	web, all []string // addresses of the ports of /metrics, and with the metrics API's
}

func newVisitor(w *world) *visitor {
	const scrape = 30 * time.Second // on a machine that is busy, everything is late; that is not what is measured
	v := &visitor{client: &http.Client{Timeout: scrape, Transport: &http.Transport{DisableKeepAlives: true}}}
	for _, url := range w.urls() {
		v.web = append(v.web, strings.TrimPrefix(url, "http://"))
	}
	v.all = append([]string{strings.TrimPrefix(w.adapter.URL, "https://")}, v.web...)
	return v
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

// stranger opens connections to all ports on which then comes the beginning of a TLS handshake, of a request, or nothing, and waits
// until the products have closed all of them.
func (v *visitor) stranger(ctx context.Context) error {
	var held []net.Conn
	defer func() {
		for _, conn := range held {
			_ = conn.Close()
		}
	}()
	for _, address := range v.all {
		for _, beginning := range []string{"", "\x16\x03\x01\x02\x00\x01\x00", "GET /metrics HTTP/1.1\r\nHost: ", "\x00\xff\x00"} {
			for range 3 {
				conn, err := v.dial(ctx, address)
				if err != nil {
					return err
				}
				held = append(held, conn)
				if _, err := io.WriteString(conn, beginning); err != nil {
					return fmt.Errorf("beginning to talk to %s: %w", address, err)
				}
			}
		}
	}
	end := time.Now().Add(2 * time.Minute) // the API server's library allows 32 s
	for _, conn := range held {
		err := conn.SetReadDeadline(end)
		if err == nil {
			_, err = io.Copy(io.Discard, conn)
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("%s keeps a connection open on which nothing comes", conn.RemoteAddr())
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
