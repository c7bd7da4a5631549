// Package lies rewrites the product's answers in the ways in which software of
// this kind is known to lie, to show that the checker notices.
package lies

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Lie rewrites the body of an answer that came at a time.
type Lie interface {
	Rewrite(path string, at time.Time, body []byte) []byte
}

// Transport lies about every answer that base gives.
func Transport(base http.RoundTripper, lie Lie) http.RoundTripper {
	return &transport{base: base, lie: lie}
}

type transport struct {
	base http.RoundTripper
	mu   sync.Mutex // lies remember
	lie  Lie
}

func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.base.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if err := response.Body.Close(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	body = t.lie.Rewrite(request.URL.Path, time.Now(), body)
	t.mu.Unlock()
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return response, nil
}
