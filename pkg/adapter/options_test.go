package adapter

import (
	"errors"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func parseFlags(t *testing.T, args ...string) (*Options, *pflag.FlagSet) {
	t.Helper()
	opts := NewOptions()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	opts.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return opts, flags
}

func TestFlags(t *testing.T) {
	_, flags := parseFlags(t)
	for name, want := range map[string]string{
		"secure-port": "6443", "cert-dir": "", "tls-min-version": "VersionTLS12", "shutdown-delay-duration": "3s",
		"bind-address": "0.0.0.0", "tls-cert-file": "", "tls-private-key-file": "", "client-ca-file": "", "requestheader-client-ca-file": "",
		"authentication-kubeconfig": "", "authorization-kubeconfig": "", "authentication-skip-lookup": "false", "audit-log-path": "",
		"authorization-always-allow-paths": "[/healthz,/readyz,/livez]",
	} {
		if f := flags.Lookup(name); f == nil || f.DefValue != want {
			t.Errorf("--%s is %+v, want the default %q", name, f, want)
		}
	}
	for _, name := range []string{"authentication-tolerate-lookup-failure", "enable-priority-and-fairness", "debug-socket-path", "profiling", "contention-profiling"} {
		if flags.Lookup(name) != nil {
			t.Errorf("--%s can be set", name)
		}
	}
	for _, suite := range strings.Split(strings.Trim(flags.Lookup("tls-cipher-suites").DefValue, "[]"), ",") {
		if !strings.Contains(suite, "GCM") && !strings.Contains(suite, "POLY1305") {
			t.Errorf("the cipher suite %s has no AEAD", suite)
		}
	}
}

func TestValidateTellsEveryMistake(t *testing.T) {
	opts, _ := parseFlags(t, "--secure-port=0", "--shutdown-delay-duration=1m", "--requestheader-username-headers= ", "--audit-log-format=txt", "--audit-log-path=x")
	err := errors.Join(opts.Validate()...)
	for _, part := range []string{"--secure-port", "--shutdown-delay-duration 1m0s", "requestheader-username-headers", "audit log format"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not tell of %s", err, part)
		}
	}
	if opts, _ := parseFlags(t); len(opts.Validate()) > 0 {
		t.Errorf("the defaults are refused: %v", opts.Validate())
	}
}

func TestUseKubeconfig(t *testing.T) {
	opts, _ := parseFlags(t, "--authorization-kubeconfig=own")
	opts.UseKubeconfig("shared")
	if opts.Authentication.RemoteKubeConfigFile != "shared" || opts.Authorization.RemoteKubeConfigFile != "own" {
		t.Errorf("authentication by %q, authorization by %q", opts.Authentication.RemoteKubeConfigFile, opts.Authorization.RemoteKubeConfigFile)
	}
}
