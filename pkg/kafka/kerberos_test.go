package kafka

import (
	"encoding/binary"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// kerberosOf is us at a KDC at the address.
func kerberosOf(t *testing.T, kdc string) *Kerberos {
	t.Helper()
	tab := keytab.New()
	if err := tab.AddEntry("lag", "KAFKA.TEST", "password", time.Now(), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
		t.Fatal(err)
	}
	keys, err := tab.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	k := &Kerberos{Principal: "lag", KeytabFile: filepath.Join(dir, "keytab"), ConfigFile: filepath.Join(dir, "krb5.conf"), Service: "kafka"}
	conf := "[libdefaults]\ndefault_realm = KAFKA.TEST\ndns_lookup_kdc = false\nudp_preference_limit = 1\n[realms]\nKAFKA.TEST = {\n kdc = " + kdc + "\n}\n"
	for path, text := range map[string]string{k.KeytabFile: string(keys), k.ConfigFile: conf} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// startKDC answers each request with the error of this code, or not at all if it is 0.
func startKDC(t *testing.T, code int32) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusal := messages.NewKRBError(types.NewPrincipalName(1, "krbtgt/KAFKA.TEST"), "KAFKA.TEST", code, "")
	answer, err := refusal.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	t.Cleanup(func() { _ = listener.Close() })
	serving.Go(func() {
		var silent []net.Conn
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			if code == 0 {
				silent = append(silent, conn)
				continue
			}
			_, _ = conn.Read(make([]byte, 1<<16))
			_, _ = conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(answer))), answer...))
			_ = conn.Close()
		}
		for _, conn := range silent {
			_ = conn.Close()
		}
	})
	return listener.Addr().String()
}

// Row 21. What the KDC says against us has a message of its own, with what to change.
func TestRow21KerberosMistakesSayWhatToChange(t *testing.T) {
	for name, c := range map[string]struct {
		code  int32
		class lag.Class
		want  string
	}{
		"clock":     {errorcode.KRB_AP_ERR_SKEW, lag.ClassAuthentication, "this machine's clock and the KDC's differ"},
		"service":   {errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN, lag.ClassConnection, "the KDC knows no principal kafka/127.0.0.1; kafka.sasl.kerberos.service-name"},
		"unknown":   {errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN, lag.ClassAuthentication, `the KDC does not know us; check kafka.sasl.kerberos.principal "lag"`},
		"disabled":  {errorcode.KDC_ERR_CLIENT_REVOKED, lag.ClassAuthentication, `the KDC refuses "lag"; have its account enabled`},
		"no answer": {0, lag.ClassConnection, "no ticket from a KDC; see that those in kafka.sasl.kerberos.krb5-conf-file"},
	} {
		t.Run(name, func(t *testing.T) {
			f := securedFake(t)
			f.answer(kmsg.SASLHandshake, func(req kmsg.Request) kmsg.Response { return req.ResponseKind() })
			k := kerberosOf(t, startKDC(t, c.code))
			r := f.reader(func(cfg *Config) { cfg.Security.SASL = &SASL{Mechanism: "GSSAPI", Kerberos: *k} })
			err := r.Read(t.Context(), nil).MetadataErr
			if lag.ClassOf(err) != c.class || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v", lag.ClassOf(err), err)
			}
		})
	}
}

// Files that make no sense are found at the start.
func TestKerberosFilesAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(k *Kerberos) error
		want   string
	}{
		"no keytab":    {func(k *Kerberos) error { return os.Remove(k.KeytabFile) }, "kafka.sasl.kerberos.keytab-file: open"},
		"not a keytab": {func(k *Kerberos) error { return os.WriteFile(k.KeytabFile, []byte("canary"), 0o600) }, "is no keytab, or holds no key; have it written by kadmin or ktutil"},
		"an empty one": {func(k *Kerberos) error { return os.WriteFile(k.KeytabFile, nil, 0o600) }, "is no keytab"},
		"no krb5.conf": {func(k *Kerberos) error { return os.Remove(k.ConfigFile) }, "kafka.sasl.kerberos.krb5-conf-file: open"},
		"not one":      {func(k *Kerberos) error { return os.WriteFile(k.ConfigFile, []byte("[libdefaults]\nnonsense\n"), 0o600) }, "kafka.sasl.kerberos.krb5-conf-file: "},
		"no realm":     {func(k *Kerberos) error { return os.WriteFile(k.ConfigFile, nil, 0o600) }, `"lag" has no realm`},
	} {
		t.Run(name, func(t *testing.T) {
			k := kerberosOf(t, "127.0.0.1:1")
			if err := c.change(k); err != nil {
				t.Fatal(err)
			}
			_, err := k.identity()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Error(err)
			}
		})
	}
}

// A keytab that is damaged, or cut off as it is just being written, is a mistake that does not tell its keys.
func TestDamagedKeytab(t *testing.T) {
	k := kerberosOf(t, "127.0.0.1:1")
	keys, err := os.ReadFile(k.KeytabFile)
	if err != nil {
		t.Fatal(err)
	}
	const lastKeyByte = 5 // before the 32 bits of the key's version
	if err := os.WriteFile(k.KeytabFile, keys[:len(keys)-lastKeyByte], 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = k.identity()
	if err == nil || strings.Contains(err.Error(), "KAFKA.TEST") {
		t.Errorf("%q", err)
	}
}

// What the library makes of a file is in its hands, but it must not end the program.
func FuzzKeytab(f *testing.F) {
	tab := keytab.New()
	if err := tab.AddEntry("lag/host", "KAFKA.TEST", "password", time.Unix(1, 0), 1, etypeID.AES256_CTS_HMAC_SHA1_96); err != nil {
		f.Fatal(err)
	}
	keys, err := tab.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(keys)
	f.Fuzz(func(_ *testing.T, text []byte) { parseKeytab(text) })
}

// Tickets that a broker refused are fetched anew, and so are all once a file has changed; else what is there is kept.
func TestTicketsAreKept(t *testing.T) {
	k := kerberosOf(t, "127.0.0.1:1")
	tickets := &tickets{from: k}
	current := func() any {
		t.Helper()
		krb, err := tickets.current()
		if err != nil {
			t.Fatal(err)
		}
		return krb
	}
	first := current()
	if current() != first {
		t.Error("nothing has changed, and tickets are fetched anew")
	}
	tickets.forget()
	second := current()
	if second == first {
		t.Error("what a broker refused is used again")
	}
	conf, err := os.ReadFile(k.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(k.ConfigFile, append(conf, "# changed\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if current() == second {
		t.Error("a changed file is not noticed")
	}
}
