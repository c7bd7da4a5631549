package secure

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/ports"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/proc"
)

const realm = "KAFKA.TEST"

// kdc is MIT's Kerberos server, with a database of its own.
type kdc struct {
	dir     string
	process *proc.Process
}

// startKDC starts one that knows the broker and us, and writes the files of
// both.
func startKDC(ctx context.Context, dir string) (*kdc, error) {
	free, err := ports.Free(1)
	if err != nil {
		return nil, err
	}
	k := &kdc{dir: dir}
	address := fmt.Sprintf("127.0.0.1:%d", free[0])
	files := map[string]string{
		"krb5.conf": fmt.Sprintf("[libdefaults]\ndefault_realm = %s\ndns_lookup_kdc = false\nrdns = false\n[realms]\n%[1]s = {\n kdc = %s\n}\n", realm, address),
		"kdc.conf": fmt.Sprintf("[kdcdefaults]\nkdc_listen = %[1]s\nkdc_tcp_listen = %[1]s\n[realms]\n%[2]s = {\n database_name = %[3]s/principal\n key_stash_file = %[3]s/stash\n"+
			" max_life = 1h\n}\n[logging]\nkdc = FILE:%[3]s/kdc.log\n", address, realm, dir),
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	if err := k.run(ctx, "kdb5_util", "-r", realm, "create", "-s", "-P", "of the database"); err != nil {
		return nil, err
	}
	for _, principal := range []string{"kafka/127.0.0.1", "lag-krb"} {
		if err := k.admin(ctx, "addprinc -randkey "+principal); err != nil {
			return nil, err
		}
	}
	if err := k.admin(ctx, "ktadd -k "+k.path("broker.keytab")+" kafka/127.0.0.1"); err != nil {
		return nil, err
	}
	if err := k.admin(ctx, "ktadd -k "+k.path("lag.keytab")+" lag-krb"); err != nil {
		return nil, err
	}
	if k.process, err = proc.Start(proc.Spec{Name: "krb5kdc", Path: "/usr/sbin/krb5kdc", Args: []string{"-n", "-r", realm}, Env: k.env(), LogDir: dir}); err != nil {
		return nil, fmt.Errorf("%w; it is in Debian's package krb5-kdc", err)
	}
	return k, k.process.Ready(ctx, func(ctx context.Context) error {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

func (k *kdc) path(name string) string { return filepath.Join(k.dir, name) }

func (k *kdc) env() []string {
	return []string{"KRB5_CONFIG=" + k.path("krb5.conf"), "KRB5_KDC_PROFILE=" + k.path("kdc.conf")}
}

// admin changes the database.
func (k *kdc) admin(ctx context.Context, query string) error {
	return k.run(ctx, "kadmin.local", "-r", realm, "-q", query)
}

func (k *kdc) run(ctx context.Context, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, filepath.Join("/usr/sbin", program), args...)
	cmd.Env = append(os.Environ(), k.env()...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s (of Debian's packages krb5-kdc and krb5-admin-server) %v: %w\n%s", program, args, err, out)
	}
	return nil
}
