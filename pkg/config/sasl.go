package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// SASL is how the brokers learn who we are.
type SASL struct {
	Mechanism string // one of the constants below; empty for none
	Username  string // of PLAIN and SCRAM
	Password  Secret
	OAuth     OAuth
	Kerberos  Kerberos
}

// OAuth is where the tokens of OAUTHBEARER come from: from a file, or by client credentials from a token endpoint.
type OAuth struct {
	Token        Secret
	TokenURL     string
	ClientID     string
	ClientSecret Secret
	Scopes       []string
	CAFile       string // whom to trust as the token endpoint; empty for the system's CAs
	Extensions   map[string]string
}

// The mechanisms.
const (
	Plain       = "PLAIN"
	Scram256    = "SCRAM-SHA-256"
	Scram512    = "SCRAM-SHA-512"
	OAuthBearer = "OAUTHBEARER"
	MSKIAM      = "AWS_MSK_IAM" // by the AWS identity of the process
	GSSAPI      = "GSSAPI"      // Kerberos
)

// The names of the settings, which mistakes have to tell as well.
const (
	saslMechanism     = "kafka.sasl.mechanism"
	saslUsername      = "kafka.sasl.username"
	saslPassword      = "kafka.sasl.password-file"
	oauthToken        = "kafka.sasl.oauth.token-file"
	oauthTokenURL     = "kafka.sasl.oauth.token-url"
	oauthClientID     = "kafka.sasl.oauth.client-id"
	oauthClientSecret = "kafka.sasl.oauth.client-secret-file"
	oauthScopes       = "kafka.sasl.oauth.scopes"
	oauthCAFile       = "kafka.sasl.oauth.ca-file"
	oauthExtensions   = "kafka.sasl.oauth.extensions"
)

func addSASL(set *pflag.FlagSet, s *SASL) {
	set.Var(&choice{&s.Mechanism, []string{Plain, Scram256, Scram512, OAuthBearer, MSKIAM, GSSAPI}}, saslMechanism, "How to authenticate to the brokers. Not at all if it is not set. "+
		"AWS_MSK_IAM is by the AWS identity of this process (environment, IRSA, credentials file, Pod Identity, instance).")
	set.StringVar(&s.Username, saslUsername, "", "User name of PLAIN or SCRAM.")
	addSecret(set, &s.Password, saslPassword, "KAFKA_LAG_KAFKA_SASL_PASSWORD", "File with the password of PLAIN or SCRAM.")
	o := &s.OAuth
	addSecret(set, &o.Token, oauthToken, "KAFKA_LAG_KAFKA_SASL_OAUTH_TOKEN", "File with the token of OAUTHBEARER, such as a projected ServiceAccount token.")
	set.StringVar(&o.TokenURL, oauthTokenURL, "", "URL of a token endpoint that gives tokens of OAUTHBEARER for client credentials.")
	set.StringVar(&o.ClientID, oauthClientID, "", "The client's ID at the token endpoint.")
	addSecret(set, &o.ClientSecret, oauthClientSecret, "KAFKA_LAG_KAFKA_SASL_OAUTH_CLIENT_SECRET", "File with the client's secret at the token endpoint.")
	set.Var(&words{&o.Scopes}, oauthScopes, "Scopes to ask the token endpoint for, comma-separated or repeated.")
	set.StringVar(&o.CAFile, oauthCAFile, "", "PEM file with the CAs of the token endpoint. The system's CAs if it is not set.")
	set.Var(&pairs{&o.Extensions}, oauthExtensions, "Extensions of OAUTHBEARER (KIP-342) as key=value, comma-separated or repeated; a mapping in the file. "+
		"Confluent Cloud wants logicalCluster and identityPoolId.")
	addKerberos(set, &s.Kerberos)
}

func (s *SASL) validate() []error {
	var errs []error
	for _, secret := range []*Secret{&s.Password, &s.OAuth.Token, &s.OAuth.ClientSecret} {
		errs = append(errs, secret.resolve())
	}
	errs = append(errs, s.misplaced()...)
	switch s.Mechanism {
	case Plain, Scram256, Scram512:
		if s.Username == "" {
			errs = append(errs, fmt.Errorf("--%s: no value; %s needs one", saslUsername, s.Mechanism))
		}
		if !s.Password.isSet() {
			errs = append(errs, elsewhere{fmt.Errorf("--%s: no value; %s needs a password there, or in the environment variable %s", saslPassword, s.Mechanism, s.Password.env)})
		}
	case OAuthBearer:
		errs = append(errs, s.OAuth.validate()...)
	case GSSAPI:
		errs = append(errs, s.Kerberos.validate()...)
	}
	return errs
}

// misplaced finds what has no effect with the mechanism.
func (s *SASL) misplaced() (errs []error) {
	withPassword, withToken, withTicket := []string{Plain, Scram256, Scram512}, []string{OAuthBearer}, []string{GSSAPI}
	o, k := &s.OAuth, &s.Kerberos
	for _, one := range []struct {
		name  string
		isSet bool
		of    []string
	}{
		{saslUsername, s.Username != "", withPassword}, {saslPassword, s.Password.isSet(), withPassword},
		{oauthToken, o.Token.isSet(), withToken}, {oauthTokenURL, o.TokenURL != "", withToken}, {oauthClientID, o.ClientID != "", withToken},
		{oauthClientSecret, o.ClientSecret.isSet(), withToken}, {oauthScopes, len(o.Scopes) > 0, withToken}, {oauthCAFile, o.CAFile != "", withToken},
		{oauthExtensions, len(o.Extensions) > 0, withToken},
		{kerberosPrincipal, k.Principal != "", withTicket}, {kerberosKeytab, k.KeytabFile != "", withTicket},
		{kerberosConfig, k.ConfigFile != defaultKrb5Conf, withTicket}, {kerberosService, k.Service != defaultService, withTicket},
	} {
		if one.isSet && !slices.Contains(one.of, s.Mechanism) {
			errs = append(errs, fmt.Errorf("--%s: it is set, but has an effect only if --%s is %s (it is %q); set that, or leave this out (also in the environment)",
				one.name, saslMechanism, strings.Join(one.of, ", "), s.Mechanism))
		}
	}
	return errs
}

func (o *OAuth) validate() (errs []error) {
	switch {
	case o.Token.isSet() == (o.TokenURL != ""):
		return []error{fmt.Errorf("--%s, --%s: %s needs exactly one of them, to have tokens from", oauthToken, oauthTokenURL, OAuthBearer)}
	case o.Token.isSet():
		for name, isSet := range map[string]bool{oauthClientID: o.ClientID != "", oauthClientSecret: o.ClientSecret.isSet(), oauthScopes: len(o.Scopes) > 0, oauthCAFile: o.CAFile != ""} {
			if isSet {
				errs = append(errs, fmt.Errorf("--%s: it has an effect only with --%s, not with a token from a file; leave it out", name, oauthTokenURL))
			}
		}
		return errs
	}
	if u, err := url.Parse(o.TokenURL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		errs = append(errs, fmt.Errorf("--%s: not a URL of a token endpoint; allowed is https://HOST/PATH, without a user or password", oauthTokenURL))
	}
	if o.ClientID == "" {
		errs = append(errs, fmt.Errorf("--%s: no value; the token endpoint needs one", oauthClientID))
	}
	if !o.ClientSecret.isSet() {
		errs = append(errs, elsewhere{fmt.Errorf("--%s: no value; the token endpoint needs a secret there, or in the environment variable %s", oauthClientSecret, o.ClientSecret.env)})
	}
	if o.CAFile != "" {
		errs = append(errs, readable(oauthCAFile, o.CAFile))
	}
	return errs
}

// words is a list of words without commas; each setting adds to it.
type words struct{ list *[]string }

func (w *words) String() string {
	if w.list == nil {
		return ""
	}
	return strings.Join(*w.list, ",")
}
func (w *words) Type() string  { return "word,..." }
func (w *words) reset()        { *w.list = nil }
func (w *words) all() []string { return *w.list }

func (w *words) Set(value string) error {
	for word := range strings.SplitSeq(value, ",") {
		if word == "" || strings.ContainsAny(word, " \t\n\"\\") {
			return fmt.Errorf("%q is not a word; allowed are words without spaces and quotes, between commas", word)
		}
		*w.list = append(*w.list, word)
	}
	return nil
}

// pairs is a mapping of names to texts.
type pairs struct{ of *map[string]string }

func (p *pairs) String() string {
	if p.of == nil {
		return ""
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(*p.of)) {
		all = append(all, name+"="+(*p.of)[name])
	}
	return strings.Join(all, ",")
}
func (p *pairs) Type() string { return "key=value,..." }
func (p *pairs) reset()       { *p.of = nil }

func (p *pairs) node() *yaml.Node {
	if len(*p.of) == 0 {
		return nil
	}
	node := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	for name, text := range sorted(*p.of) {
		node.Content = append(node.Content, textNode(name), textNode(text))
	}
	return node
}

func (p *pairs) schema() schema {
	return schema{"type": "object", "propertyNames": schema{"pattern": "^[A-Za-z]+$", "not": schema{"const": "auth"}},
		"additionalProperties": schema{"type": kindText, "pattern": "^[ -~]+$"}}
}

var errNoPairs = errors.New("the value must be a mapping of names to texts, such as {logicalCluster: lkc-1}")

// Set takes pairs as text.
func (p *pairs) Set(value string) error {
	for one := range strings.SplitSeq(value, ",") {
		name, text, _ := strings.Cut(one, "=")
		if err := p.add(name, text); err != nil {
			return err
		}
	}
	return nil
}

// setNode takes the value as it stands in a file.
func (p *pairs) setNode(_, setting string, value *yaml.Node) error {
	all, errs := mapping(value, setting, errNoPairs)
	p.reset()
	for _, one := range all {
		text, err := scalar(one.value, kindText)
		if err == nil {
			err = p.add(one.key.Value, text)
		}
		if err != nil {
			errs.add(one.key, setting, err)
		}
	}
	return errs.err()
}

// add holds names and texts to what RFC 7628 allows in extensions.
func (p *pairs) add(name, text string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	printable := func(r rune) bool { return r >= ' ' && r <= '~' }
	if name == "" || strings.Trim(name, letters) != "" || name == "auth" {
		return fmt.Errorf("%q is no name of an extension; allowed are names of letters, but not auth", name)
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return !printable(r) }) {
		return fmt.Errorf("extension %q: the value is empty, or not printable ASCII; allowed is key=value", name)
	}
	if *p.of == nil {
		*p.of = make(map[string]string)
	}
	(*p.of)[name] = text
	return nil
}
