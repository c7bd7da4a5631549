package config

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// Kerberos is who we are to a KDC, for GSSAPI. Both files are read again for every connection.
type Kerberos struct {
	Principal  string // name@REALM, or name for the default realm
	KeytabFile string
	ConfigFile string // krb5.conf
	Service    string // the first part of the brokers' principals
}

const (
	kerberosPrincipal = "kafka.sasl.kerberos.principal"
	kerberosKeytab    = "kafka.sasl.kerberos.keytab-file"
	kerberosConfig    = "kafka.sasl.kerberos.krb5-conf-file"
	kerberosService   = "kafka.sasl.kerberos.service-name"

	defaultKrb5Conf = "/etc/krb5.conf"
	defaultService  = "kafka"
)

func addKerberos(set *pflag.FlagSet, k *Kerberos) {
	set.StringVar(&k.Principal, kerberosPrincipal, "", "Principal of GSSAPI, as name@REALM, or name in the default realm of krb5.conf.")
	set.StringVar(&k.KeytabFile, kerberosKeytab, "", "File with the keys of the principal. It and krb5.conf are read again for every connection.")
	set.StringVar(&k.ConfigFile, kerberosConfig, defaultKrb5Conf, "File that says where the KDCs are. Its include directives are not followed.")
	set.StringVar(&k.Service, kerberosService, defaultService, "First part of the brokers' principals, their sasl.kerberos.service.name; the second is the host that they advertise.")
}

func (k *Kerberos) validate() (errs []error) {
	name, realm, hasRealm := strings.Cut(k.Principal, "@")
	switch {
	case k.Principal == "":
		errs = append(errs, fmt.Errorf("--%s: no value; %s needs one", kerberosPrincipal, GSSAPI))
	case name == "" || hasRealm && realm == "" || strings.ContainsAny(k.Principal, " \t\n") || strings.Contains(realm, "@"):
		errs = append(errs, fmt.Errorf("--%s: %q is no principal; allowed is name@REALM, name/host@REALM, or the same without @REALM", kerberosPrincipal, k.Principal))
	}
	if k.KeytabFile == "" {
		errs = append(errs, fmt.Errorf("--%s: no value; %s needs the keys of its principal in a file", kerberosKeytab, GSSAPI))
	} else {
		errs = append(errs, readable(kerberosKeytab, k.KeytabFile))
	}
	if k.Service == "" || strings.ContainsAny(k.Service, "/@ \t\n") {
		errs = append(errs, fmt.Errorf("--%s: %q is no service name; allowed is what comes before the / in the brokers' principals, such as kafka", kerberosService, k.Service))
	}
	return append(errs, readable(kerberosConfig, k.ConfigFile))
}
