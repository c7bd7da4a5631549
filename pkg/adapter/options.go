package adapter

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/server"
	genericoptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/component-base/tracing"
)

// Options is how the secure port serves: the API server library's own options, with defaults of ours where its defaults do not
// suit a pod that serves metrics and holds no rights to speak of.
type Options struct {
	SecureServing  *genericoptions.SecureServingOptionsWithLoopback
	Authentication *genericoptions.DelegatingAuthenticationOptions
	Authorization  *genericoptions.DelegatingAuthorizationOptions
	Audit          *genericoptions.AuditOptions
	Features       *genericoptions.FeatureOptions

	// ExternalMetrics says whether external.metrics.k8s.io is served, too.
	ExternalMetrics bool

	// ShutdownDelay is for how long requests are still taken after /readyz began to fail, so that the Service's endpoints can
	// leave this replica out before it stops listening.
	ShutdownDelay time.Duration

	// Live, if set, is one more condition of /livez. It must not depend on Kafka.
	Live func() error
	// Ready, if set, is one more condition of /readyz. It must not depend on Kafka.
	Ready func() error
	// Traces, if set, takes the spans of requests. The server shuts it down.
	Traces tracing.TracerProvider
	// Listener, if set, takes the place of --bind-address and --secure-port.
	Listener net.Listener
	// Authorizer, if set, decides in the place of the cluster's SubjectAccessReview; the health paths stay open. With a
	// --client-ca-file and --authentication-skip-lookup besides, the server needs no cluster.
	Authorizer authorizer.Authorizer
}

// requestTimeout bounds one request, and so how long the requests under way can delay the shutdown. The answers come from
// memory; only looking up a workload, a token or an access can wait, for the API server.
const requestTimeout = 5 * time.Second

// allowedFor is for how long a review of access counts that allowed it, before it is made anew.
const allowedFor = 20 * time.Second

// maxShutdownDelay leaves time for the requests under way within the 10 s that a shutdown may take.
const maxShutdownDelay = 5 * time.Second

// NewOptions returns the defaults.
func NewOptions() *Options {
	o := &Options{
		SecureServing:  genericoptions.NewSecureServingOptions().WithLoopback(),
		Authentication: genericoptions.NewDelegatingAuthenticationOptions(),
		Authorization:  genericoptions.NewDelegatingAuthorizationOptions(),
		Audit:          genericoptions.NewAuditOptions(),
		Features:       genericoptions.NewFeatureOptions(),
		ShutdownDelay:  3 * time.Second,
	}
	o.SecureServing.BindPort = 6443 // 443 needs a capability
	o.SecureServing.Required = true
	o.SecureServing.MinTLSVersion = "VersionTLS12"
	o.SecureServing.CipherSuites = cipherSuites()
	o.SecureServing.ServerCert.CertDirectory = "" // a certificate made at start stays in memory: the root file system is read-only
	o.Authorization.AllowCacheTTL = allowedFor
	o.Features.EnableProfiling = false
	o.Features.EnablePriorityAndFairness = false // it needs rights on flow schemas; the limit on requests in flight stays
	return o
}

// AddFlags adds the API server's flags.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.SecureServing.AddFlags(all)
	o.Authentication.AddFlags(all)
	o.Authorization.AddFlags(all)
	o.Audit.AddFlags(all)
	o.Features.AddFlags(all)
	all.BoolVar(&o.ExternalMetrics, "external-metrics", o.ExternalMetrics,
		"Serve external.metrics.k8s.io, too. A cluster has only one server of it, which KEDA may be already; its APIService has to name this one.")
	all.DurationVar(&o.ShutdownDelay, "shutdown-delay-duration", o.ShutdownDelay,
		"For how long requests are still taken after /readyz began to fail at shutdown.")
	all.Lookup("authorization-webhook-cache-authorized-ttl").Usage = "How long access that was allowed is not reviewed anew. " +
		"For as long again it stays allowed while the next request has it reviewed."
	all.VisitAll(func(f *pflag.Flag) {
		switch f.Name {
		case "authentication-tolerate-lookup-failure", // would take everyone for anonymous, quietly
			"profiling", "contention-profiling", // a heap has secrets in it
			"enable-priority-and-fairness", // has no rights
			"debug-socket-path":            // serves without authentication
		default:
			fs.AddFlag(f)
		}
	})
}

// UseKubeconfig makes authentication and authorization use the file, where they were not given one of their own.
func (o *Options) UseKubeconfig(path string) {
	for _, file := range []*string{&o.Authentication.RemoteKubeConfigFile, &o.Authorization.RemoteKubeConfigFile} {
		if *file == "" {
			*file = path
		}
	}
}

// Validate returns every mistake in the options.
func (o *Options) Validate() []error {
	var errs []error
	if o.Listener == nil {
		errs = append(errs, o.SecureServing.Validate()...)
	}
	errs = append(errs, o.checkTLS()...)
	errs = append(errs, o.Authentication.Validate()...)
	errs = append(errs, o.Authorization.Validate()...)
	errs = append(errs, o.Audit.Validate()...)
	errs = append(errs, o.Features.Validate()...)
	if o.ShutdownDelay < 0 || o.ShutdownDelay > maxShutdownDelay {
		errs = append(errs, fmt.Errorf("--shutdown-delay-duration %s must be between 0s and %s", o.ShutdownDelay, maxShutdownDelay))
	}
	return errs
}

// applyTo listens and fills in the server's configuration. After an error the listener is closed.
func (o *Options) applyTo(config *server.Config) error {
	if o.Listener != nil {
		o.SecureServing.Listener = o.Listener
	}
	err := o.applyServing(config)
	if err == nil {
		err = o.applyAccess(config)
	}
	if err != nil && o.SecureServing.Listener != nil {
		return errors.Join(err, o.SecureServing.Listener.Close())
	}
	return err
}

func (o *Options) applyServing(config *server.Config) error {
	if err := o.SecureServing.MaybeDefaultWithSelfSignedCerts("localhost", nil, []net.IP{net.IPv4(127, 0, 0, 1)}); err != nil {
		return fmt.Errorf("make a certificate for the secure port: %w", err)
	}
	if err := o.SecureServing.ApplyTo(&config.SecureServing, &config.LoopbackClientConfig); err != nil {
		return fmt.Errorf("set up the secure port (see --bind-address, --secure-port, --tls-cert-file and --tls-private-key-file): %w", err)
	}
	return nil
}

func (o *Options) applyAccess(config *server.Config) error {
	// Who forgoes the lookup can live without a cluster: bearer tokens are then refused.
	o.Authentication.RemoteKubeConfigFileOptional = o.Authentication.SkipInClusterLookup
	if err := o.Authentication.ApplyTo(&config.Authentication, config.SecureServing, nil); err != nil {
		return fmt.Errorf("set up authentication (it needs the API server, by --kubeconfig or in a pod, and the role "+
			"extension-apiserver-authentication-reader in kube-system): %w", err)
	}
	if err := o.applyAuthorization(&config.Authorization); err != nil {
		return fmt.Errorf("set up authorization (it needs the API server, by --kubeconfig or in a pod): %w", err)
	}
	if err := o.Audit.ApplyTo(config); err != nil {
		return fmt.Errorf("set up the audit log: %w", err)
	}
	if err := o.Features.ApplyTo(config, nil, nil); err != nil {
		return fmt.Errorf("set up the API server's features: %w", err)
	}
	return nil
}

func (o *Options) applyAuthorization(info *server.AuthorizationInfo) error {
	info.Authorizer = o.Authorizer
	if info.Authorizer == nil {
		reviews := *o.Authorization
		reviews.AllowCacheTTL = 0 // the reviewer remembers them
		if err := reviews.ApplyTo(info); err != nil {
			return err
		}
		info.Authorizer = authorizer.AuthorizerFunc(newReviewer(info.Authorizer, o.Authorization.AllowCacheTTL).Authorize)
	}
	var err error
	info.Authorizer, err = onlyKnown(o.Authorization.AlwaysAllowPaths, info.Authorizer)
	return err
}
