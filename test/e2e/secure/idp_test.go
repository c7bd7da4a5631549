package secure

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"
)

// idp is an identity provider: it has a token endpoint for client credentials
// and publishes the key that it signs tokens with (JWKS).
type idp struct {
	tokens *httptest.Server // by TLS
	jwks   *httptest.Server // in plain text, for the broker
	key    *rsa.PrivateKey
}

const (
	audience  = "kafka"
	clientID  = "lag-oauth"
	tokenLife = 10 * time.Minute
)

func startIDP() (*idp, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	p := &idp{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("POST /token", p.grant)
	p.jwks, p.tokens = httptest.NewServer(mux), httptest.NewTLSServer(mux)
	return p, nil
}

func (p *idp) keysURL() string { return p.jwks.URL + "/keys" }

// certificate is what the token endpoint is to be trusted by.
func (p *idp) certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.tokens.Certificate().Raw})
}

// Close ends both servers.
func (p *idp) Close() {
	p.tokens.Close()
	p.jwks.Close()
}

func encode(bytes []byte) string { return base64.RawURLEncoding.EncodeToString(bytes) }

func (p *idp) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "1",
		"n": encode(p.key.N.Bytes()), "e": encode(big.NewInt(int64(p.key.E)).Bytes()),
	}}})
}

func (p *idp) grant(w http.ResponseWriter, r *http.Request) {
	id, encoded, _ := r.BasicAuth()
	secret, err := url.QueryUnescape(encoded) // RFC 6749, 2.3.1
	if err != nil || id != clientID || secret != clientSecret || r.FormValue("grant_type") != "client_credentials" {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	token, err := p.token(id, audience)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds())})
}

func answer(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client has gone, then
}

// token signs a token (RS256) for a user.
func (p *idp) token(subject, audience string) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": "1"})
	if err != nil {
		return "", err
	}
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"sub": subject, "aud": audience, "iss": p.tokens.URL, "scope": "kafka", "iat": now.Unix(), "exp": now.Add(tokenLife).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed := encode(header) + "." + encode(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	return signed + "." + encode(signature), err
}
