package kafka

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// acceptTokens makes a fake Kafka, which knows no OAUTHBEARER, take whoever comes with a token that is good, and answer all others as Kafka does.
func acceptTokens(f *fake, good func(first []byte) bool) {
	f.answer(kmsg.SASLHandshake, func(req kmsg.Request) kmsg.Response { return req.ResponseKind() })
	f.answer(kmsg.SASLAuthenticate, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		if !good(req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes) {
			resp.SASLAuthBytes = []byte(`{"status":"invalid_token"}`)
		}
		return resp
	})
}

func TestTokenFromAFile(t *testing.T) {
	var mu sync.Mutex
	good := "one"
	valid := func(token string) { mu.Lock(); defer mu.Unlock(); good = token }
	f := securedFake(t)
	acceptTokens(f, func(first []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		return bytes.Equal(first, []byte("n,,\x01auth=Bearer "+good+"\x01identityPoolId=pool-1\x01logicalCluster=lkc-1\x01\x01"))
	})
	token := newSecret(t, "one")
	r := f.reader(func(c *Config) {
		extensions := map[string]string{"logicalCluster": "lkc-1", "identityPoolId": "pool-1"}
		c.Security.SASL = &SASL{Mechanism: "OAUTHBEARER", OAuth: OAuth{Token: token, Extensions: extensions}}
	})
	for i, next := range []string{"one", "two", "three"} {
		valid(next)
		token.write(next)
		age(r)
		if obs := r.Read(t.Context(), nil); obs.MetadataErr != nil || obs.ListingErr != nil {
			t.Fatalf("token %d: %v, %v", i, obs.MetadataErr, obs.ListingErr)
		}
	}
	valid("four")
	age(r)
	err := r.Read(t.Context(), nil).MetadataErr
	for _, want := range []string{"refused our identity", token.path, "issuer, audience and expiry", `invalid_token`} {
		if lag.ClassOf(err) != lag.ClassAuthentication || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "three") {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

// endpoint is a token endpoint that knows one client.
type endpoint struct {
	*httptest.Server
	mu       sync.Mutex
	secret   string
	life     int // of tokens, in seconds
	status   int // if it is not 200
	requests int
	scope    string
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{secret: "canary-old", life: 3600, status: http.StatusOK}
	e.Server = httptest.NewServer(http.HandlerFunc(e.serve))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) serve(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests++
	e.scope = r.FormValue("scope")
	w.Header().Set("Content-Type", "application/json")
	id, secret, _ := r.BasicAuth()
	switch {
	case e.status != http.StatusOK:
		w.WriteHeader(e.status)
		_, _ = fmt.Fprintf(w, "it broke, and %s was sent", secret)
	case r.FormValue("grant_type") != "client_credentials" || id != "lag" || secret != e.secret:
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, `{"error":"invalid_client","error_description":"not %s"}`, secret)
	default:
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":%d}`, e.requests, e.life)
	}
}

func (e *endpoint) set(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
}

func (e *endpoint) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests
}

// One token serves all connections, until it is old or was refused; a client secret that was rotated is used for the next one.
func TestTokensByClientCredentials(t *testing.T) {
	e := newEndpoint(t)
	secret := newSecret(t, "canary-old")
	f := securedFake(t)
	var refuse sync.Map
	acceptTokens(f, func(first []byte) bool {
		_, refused := refuse.Load(string(first))
		return !refused && bytes.HasPrefix(first, []byte("n,,\x01auth=Bearer token-"))
	})
	r := f.reader(func(c *Config) {
		c.Security.SASL = &SASL{Mechanism: "OAUTHBEARER", OAuth: OAuth{TokenURL: e.URL, ClientID: "lag", ClientSecret: secret, Scopes: []string{"kafka", "read"}}}
	})
	read := func(when string, wantRequests int) {
		t.Helper()
		age(r)
		if obs := r.Read(t.Context(), nil); obs.MetadataErr != nil || obs.ListingErr != nil {
			t.Fatalf("%s: %v, %v", when, obs.MetadataErr, obs.ListingErr)
		}
		if got := e.count(); got != wantRequests {
			t.Errorf("%s: %d requests of the token endpoint, want %d", when, got, wantRequests)
		}
	}
	read("at first", 1)
	read("with the same token", 1)
	if e.scope != "kafka read" {
		t.Errorf("scope %q", e.scope)
	}
	e.set(func() { e.secret = "canary-new" })
	secret.write("canary-new")
	refuse.Store("n,,\x01auth=Bearer token-1\x01\x01", true)
	age(r)
	eventually(t, "another token is used", func() bool { return r.Read(t.Context(), nil).MetadataErr == nil })
	if got := e.count(); got != 2 {
		t.Errorf("%d requests of the token endpoint, want 2", got)
	}
}

func TestTokensAreRenewedInTime(t *testing.T) {
	e := newEndpoint(t)
	ts := tokensOf(t, e, "canary-old")
	for range 3 {
		if _, err := ts.get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if e.count() != 1 {
		t.Errorf("%d requests, want 1", e.count())
	}
	if left := time.Until(ts.until); left > 48*time.Minute || left < 46*time.Minute {
		t.Errorf("a token of an hour is used for %s", left)
	}
	e.set(func() { e.life = 0 }) // it does not say
	ts.until = time.Time{}
	for range 3 {
		if _, err := ts.get(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if e.count() != 4 {
		t.Errorf("%d requests, want 4: nobody knows how long such a token is good", e.count())
	}
}

func tokensOf(t *testing.T, e *endpoint, secret string) *tokens {
	t.Helper()
	ts := &tokens{from: &OAuth{TokenURL: e.URL, ClientID: "lag", ClientSecret: newSecret(t, secret), Scopes: []string{"kafka"}}}
	ts.cfg.ClientID, ts.cfg.TokenURL = ts.from.ClientID, ts.from.TokenURL
	return ts
}

// Row 21. What goes wrong at the token endpoint says what to change, and shows nothing that was sent there.
func TestRow21TokenEndpointMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		secret string
		change func(e *endpoint)
		class  lag.Class
		want   []string
	}{
		"wrong secret": {
			"canary-wrong", func(*endpoint) {}, lag.ClassAuthentication,
			[]string{"refused us; check kafka.sasl.oauth.client-id \"lag\", the secret in /", `401 Unauthorized "invalid_client"`},
		},
		"broken": {
			"canary-old", func(e *endpoint) { e.status = http.StatusInternalServerError }, lag.ClassConnection,
			[]string{"no token from kafka.sasl.oauth.token-url http://127.0.0.1:", "500 Internal Server Error"},
		},
		"away": {"canary-old", func(e *endpoint) { e.Close() }, lag.ClassConnection, []string{"no token from kafka.sasl.oauth.token-url", "connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			c.change(e)
			ts := tokensOf(t, e, c.secret)
			_, err := ts.get(t.Context())
			if got := classify(err); got != c.class {
				t.Errorf("class %s, want %s", got, c.class)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing from: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the secret is shown: %v", err)
			}
		})
	}
}

// A token endpoint that hangs is named as what is waited for, and those that wait for it wait once.
func TestTokenEndpointHangs(t *testing.T) {
	release := make(chan struct{})
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(hung.Close)
	t.Cleanup(func() { close(release) })
	f := securedFake(t)
	acceptTokens(f, func([]byte) bool { return true })
	r := f.reader(func(c *Config) {
		c.Security.SASL = &SASL{Mechanism: "OAUTHBEARER", OAuth: OAuth{TokenURL: hung.URL, ClientID: "lag", ClientSecret: newSecret(t, "x")}}
	})
	err := r.Read(t.Context(), nil).MetadataErr
	if err == nil || !strings.Contains(err.Error(), "no token from kafka.sasl.oauth.token-url "+hung.URL) {
		t.Error(err)
	}
}
