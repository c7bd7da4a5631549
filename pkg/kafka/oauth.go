package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// OAuth says where the tokens of OAUTHBEARER come from.
type OAuth struct {
	Token        Secret // the token itself; nil to fetch one by what follows
	TokenURL     string // of the token endpoint
	ClientID     string
	ClientSecret Secret
	Scopes       []string
	CAFile       string // PEM: whom to trust as the token endpoint; empty for the system's CAs
	Extensions   map[string]string
}

// tokenTimeout bounds a request of a token endpoint.
const tokenTimeout = 5 * time.Second

func (o *OAuth) identity() (*identity, error) {
	if o.Token != nil {
		mechanism := bearer{extensions: o.Extensions, get: func(context.Context) (string, error) { return read(o.Token) }, refused: func(string) {}}
		return &identity{Mechanism: mechanism, where: fmt.Sprintf("the token in %v: its issuer, audience and expiry must be what the brokers expect", o.Token)}, nil
	}
	if o.CAFile != "" {
		if _, err := readPool(o.CAFile); err != nil { // a mistake that is better found now
			return nil, fmt.Errorf("kafka.sasl.oauth.ca-file: %w", err)
		}
	}
	t := &tokens{from: o, cfg: clientcredentials.Config{ClientID: o.ClientID, TokenURL: o.TokenURL, Scopes: o.Scopes}}
	mechanism := bearer{extensions: o.Extensions, get: t.get, refused: t.forget}
	where := fmt.Sprintf("the tokens that %s gives to client %q: their issuer, audience and scope must be what the brokers expect", o.TokenURL, o.ClientID)
	return &identity{Mechanism: mechanism, where: where, busy: t.busy}, nil
}

// bearer is OAUTHBEARER. It adds to the client's what the broker says when it refuses a token.
type bearer struct {
	extensions map[string]string
	get        func(context.Context) (string, error)
	refused    func(token string)
}

// Name is Kafka's.
func (b bearer) Name() string { return "OAUTHBEARER" }

// Authenticate begins an authentication.
func (b bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	token, err := b.get(ctx)
	if err != nil {
		return nil, nil, err
	}
	_, first, err := oauth.Auth{Token: token, Extensions: b.extensions}.AsMechanism().Authenticate(ctx, host)
	return bearerSession{b, token}, first, err
}

type bearerSession struct {
	bearer
	token string
}

// Challenge takes the broker's answer: nothing, or a JSON text that says why the token was refused (RFC 7628, 3.2.2).
func (s bearerSession) Challenge(answer []byte) (done bool, next []byte, err error) {
	if len(answer) == 0 {
		return true, nil, nil
	}
	s.refused(s.token)
	return false, nil, fmt.Errorf("%w: %.200q", errTokenRefused, answer)
}

var errTokenRefused = errors.New("the broker refused the token")

// tokens fetches tokens by client credentials, and keeps one for all connections.
type tokens struct {
	from    *OAuth
	waiting atomic.Bool // for the token endpoint

	mu    sync.Mutex // one fetches, the others wait for what it gets
	cfg   clientcredentials.Config
	token string
	until time.Time // when to fetch the next
	// failure is why the latest attempt came to nothing, which counts for all that waited for it.
	failure  error
	failedAt time.Time
}

// freshPart is the part of a token's life in which it is used for new connections. Brokers end a session with its token, so that one near its
// end would soon have to be replaced.
const freshPart = 0.8

// get returns a token that is good for a while.
func (t *tokens) get(ctx context.Context) (string, error) {
	began := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	switch {
	case now.Before(t.until):
		return t.token, nil
	case t.failedAt.After(began):
		return "", t.failure
	}
	t.waiting.Store(true)
	got, err := t.fetch(ctx)
	if err != nil {
		err = t.explain(err)
		if ctx.Err() == nil { // else only the one who asked has gone
			t.failure, t.failedAt = err, time.Now()
		}
		return "", err
	}
	t.waiting.Store(false)
	t.token, t.until = got.AccessToken, now
	if !got.Expiry.IsZero() {
		t.until = now.Add(time.Duration(freshPart * float64(got.Expiry.Sub(now))))
	}
	return t.token, nil
}

// forget has a token not used again that a broker refused.
func (t *tokens) forget(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.until = time.Time{}
	}
}

// fetch asks the token endpoint. t.mu is held.
func (t *tokens) fetch(ctx context.Context) (*oauth2.Token, error) {
	secret, err := read(t.from.ClientSecret)
	if err != nil {
		return nil, err
	}
	t.cfg.ClientSecret = secret
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.from.CAFile != "" {
		if cfg.RootCAs, err = readPool(t.from.CAFile); err != nil {
			return nil, fmt.Errorf("kafka.sasl.oauth.ca-file: %w", err)
		}
	}
	// Used once: a token is fetched too seldom to keep a connection for it.
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: cfg, DisableKeepAlives: true, ForceAttemptHTTP2: true}}
	return t.cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
}

// explain says what to do about a token endpoint that gave no token. What it answered is not repeated, as nobody knows what is in it; its error code is.
func (t *tokens) explain(err error) error {
	var answered *oauth2.RetrieveError
	var failed *url.Error
	var explained *connectError
	switch {
	case errors.As(err, &explained):
		return err
	case errors.As(err, &answered) && answered.Response.StatusCode < http.StatusInternalServerError:
		return hinted(lag.ClassAuthentication, fmt.Errorf("%s %.100q", answered.Response.Status, answered.ErrorCode), "the token endpoint %s refused us; check kafka.sasl.oauth.client-id %q, "+
			"the secret in %v and kafka.sasl.oauth.scopes %q", t.from.TokenURL, t.from.ClientID, t.from.ClientSecret, t.from.Scopes)
	case errors.As(err, &answered):
		err = errors.New(answered.Response.Status)
	case errors.As(err, &failed):
		err = failed.Err
	}
	return hinted(lag.ClassConnection, err, "no token from kafka.sasl.oauth.token-url %s; see that it is up, that it can be reached from here, and that "+
		"kafka.sasl.oauth.ca-file has its CA", t.from.TokenURL)
}

// busy says that the token endpoint has not answered yet, or not well the last time.
func (t *tokens) busy() error {
	if !t.waiting.Load() {
		return nil
	}
	return t.explain(context.DeadlineExceeded)
}
