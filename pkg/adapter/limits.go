package adapter

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/path"
	"k8s.io/apiserver/pkg/server"
)

// limit sets what bounds requests.
func limit(config *server.Config) {
	config.RequestTimeout = requestTimeout
	config.FlowControl = newFairness()
}

// checkBody refuses requests with a body: nobody who only reads sends one, and none is read.
func checkBody(next http.Handler, serializer runtime.NegotiatedSerializer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close") // rather than reading what comes
			writeStatus(apierrors.NewRequestEntityTooLargeError("this API is only read; send no body"), serializer, w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkTLS returns what in the settings of TLS would let a client agree on less than TLS 1.2 with an AEAD.
func (o *Options) checkTLS() []error {
	var errs []error
	if v := o.SecureServing.MinTLSVersion; v != "VersionTLS12" && v != "VersionTLS13" {
		errs = append(errs, fmt.Errorf("--tls-min-version: %q is not allowed; VersionTLS12 and VersionTLS13 are", v))
	}
	allowed := cipherSuites()
	if len(o.SecureServing.CipherSuites) == 0 { // which would stand for all that Go has
		errs = append(errs, fmt.Errorf("--tls-cipher-suites: no value; leave it out, or name some of %s", strings.Join(allowed, ",")))
	}
	for _, suite := range o.SecureServing.CipherSuites {
		if !slices.Contains(allowed, suite) {
			errs = append(errs, fmt.Errorf("--tls-cipher-suites: %q is not allowed, as it has no authenticated encryption (AEAD) or no forward secrecy; allowed are %s",
				suite, strings.Join(allowed, ",")))
		}
	}
	return errs
}

// cipherSuites are those of TLS 1.2 with AEAD and forward secrecy. Those of TLS 1.3 all are so, and cannot be chosen.
func cipherSuites() []string {
	return []string{
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	}
}

// onlyKnown has nobody pass whom nobody has authenticated, but to the health paths. The cluster's own rules may be laxer (they let
// everybody read /version), and strangers then cost the API server no review.
func onlyKnown(healthPaths []string, others authorizer.Authorizer) (authorizer.Authorizer, error) {
	health, err := path.NewAuthorizer(healthPaths)
	if err != nil {
		return nil, fmt.Errorf("--authorization-always-allow-paths: %w", err)
	}
	return authorizer.AuthorizerFunc(func(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if decision, reason, err := health.Authorize(ctx, a); decision == authorizer.DecisionAllow {
			return decision, reason, err
		}
		if u := a.GetUser(); u == nil || u.GetName() == user.Anonymous || slices.Contains(u.GetGroups(), user.AllUnauthenticated) {
			return authorizer.DecisionDeny, "nobody has authenticated the client", nil
		}
		return others.Authorize(ctx, a)
	}), nil
}
