package secure

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/await"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/series"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/workload"
)

// asUser is a configuration for a user of the listener SCRAM.
func asUser(user string) string {
	return trust + "}\n  sasl: {mechanism: SCRAM-SHA-512, username: " + user + ", password-file: DIR/password}\n"
}

// runCheck runs `lag-exporter check` and keeps what it says beside the logs.
func runCheck(ctx context.Context, t *testing.T, name, listener, security string, args ...string) (code int, text string) {
	t.Helper()
	config, err := shared.config(name, listener, security)
	suite.Try(t, err)
	return runCommand(ctx, t, name, append([]string{"check", "--config=" + config}, args...)...)
}

// runCommand runs a command of lag-exporter and keeps what it says.
func runCommand(ctx context.Context, t *testing.T, name string, args ...string) (code int, text string) {
	t.Helper()
	cmd := exec.CommandContext(ctx, shared.where.Product("lag-exporter"), args...)
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	suite.Try(t, os.WriteFile(filepath.Join(shared.dir, name+".log"), out, 0o600))
	return cmd.ProcessState.ExitCode(), string(out)
}

// The rights that README.md and docs/connect.md list.
func rights(user string) map[string]*kadm.ACLBuilder {
	who := "User:" + user
	return map[string]*kadm.ACLBuilder{
		"groups":  describe(who).Groups("*"),
		"topics":  describe(who).Topics("*"),
		"configs": describe(who).Operations(kadm.OpDescribeConfigs).Groups("*"),
	}
}

// TestCheckOfRights has each right of the README missing in turn, and `check`
// say so; with all of them it finds nothing wrong.
func TestCheckOfRights(t *testing.T) {
	ctx := suite.Within(t, 2*time.Minute)
	const user, shares = "rights", "tasks"
	suite.Try(t, shared.addUser(ctx, user, password))
	joinShareGroup(t, shares)
	all := rights(user)
	suite.Try(t, shared.admin(func(admin *kadm.Client) error {
		return errors.Join(allow(ctx, admin, all["groups"]), allow(ctx, admin, all["topics"]), allow(ctx, admin, all["configs"]))
	}))
	named := []string{"--group=" + group, "--topic=" + topic}
	looks := func(name string, wantCode int, want ...string) error {
		code, text := runCheck(ctx, t, "check-"+name, "SCRAM", asUser(user), named...)
		for _, w := range want {
			if !strings.Contains(text, w) {
				return fmt.Errorf("%q is missing:\n%s", w, text)
			}
		}
		if failed := strings.Contains(text, "FAIL "); code != wantCode || failed != (wantCode != 0) {
			return fmt.Errorf("exit code %d, want %d:\n%s", code, wantCode, text)
		}
		return nil
	}
	says := func(name string, code int, want ...string) {
		t.Helper()
		// ACLs take a moment to get around, and so does a group.
		suite.Try(t, await.Until(ctx, "what check says with "+name, func(context.Context) error { return looks(name, code, want...) }))
	}
	says("all-rights", 0, "connected by TLS, SCRAM-SHA-512 as \"rights\"", "broker 1 at ", ": Kafka v4.", "used: batched_offset_fetch", "billing, tasks", "the newest commit was ", `--group "billing" is there`, `--topic "orders" is there`)
	for missing, c := range map[string]struct {
		code int
		want []string
	}{
		"topics": {1, []string{`group "billing" has no member and no commit that we may see: Describe on its topics is missing`, `FAIL  kafka default: --topic "orders": we are not allowed to`,
			"kafka-acls --add --allow-principal User:… --operation Describe --topic orders"}},
		"groups":  {1, []string{"no consumer group is visible", `FAIL  kafka default: --group "billing": we are not allowed to`, "--operation Describe --group billing"}},
		"configs": {0, []string{`warn  kafka default: where share group "tasks" starts is not known`, "allow DescribeConfigs on the group"}},
	} {
		suite.Try(t, shared.admin(func(admin *kadm.Client) error { return deny(ctx, admin, all[missing]) }))
		says("no-"+missing, c.code, c.want...)
		suite.Try(t, shared.admin(func(admin *kadm.Client) error { return allow(ctx, admin, all[missing]) }))
	}
}

// TestRow11RevokedACLs takes each right away while it is used: what can be
// known no more has no lag, and never one of zero, until it is granted again.
func TestRow11RevokedACLs(t *testing.T) {
	ctx := suite.Within(t, 3*time.Minute)
	const user = "revoked"
	suite.Try(t, shared.addUser(ctx, user, password))
	all := rights(user)
	delete(all, "configs")
	suite.Try(t, shared.admin(func(admin *kadm.Client) error {
		return errors.Join(allow(ctx, admin, all["groups"]), allow(ctx, admin, all["topics"]))
	}))
	e := startExporter(ctx, t, user, "SCRAM", asUser(user))
	for name, acl := range all {
		suite.Try(t, await.Until(ctx, "the lag", func(ctx context.Context) error { return lags(ctx, e, 1) }))
		suite.Try(t, shared.admin(func(admin *kadm.Client) error { return deny(ctx, admin, acl) }))
		suite.Try(t, await.Until(ctx, "no lag without Describe on "+name, func(ctx context.Context) error {
			got, err := e.Scrape(ctx)
			if err != nil {
				return err
			}
			lag, known := got[series.Name("kafka_consumergroup_lag", "consumergroup", group, "topic", topic, "partition", "0")]
			if known && lag != records-committed {
				t.Errorf("without Describe on %s the lag is %v", name, lag)
			}
			if known {
				return errors.New("there is one still")
			}
			return nil
		}))
		suite.Try(t, shared.admin(func(admin *kadm.Client) error { return allow(ctx, admin, acl) }))
	}
	suite.Try(t, await.Until(ctx, "the lag, with all rights again", func(ctx context.Context) error { return lags(ctx, e, 1) }))
}

// joinShareGroup keeps a member of a share group until the test ends.
func joinShareGroup(t *testing.T, name string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(shared.kafka.Bootstrap()), kgo.ShareGroup(name), kgo.ConsumeTopics(topic), kgo.DisableClientMetrics())
	suite.Try(t, err)
	t.Cleanup(client.Close)
}

// admin does something by the admin API, as a superuser.
func (s *stack) admin(do func(*kadm.Client) error) error {
	return workload.Kafka{Bootstrap: s.kafka.Bootstrap()}.Admin(do)
}

// addUser adds a user of SCRAM, or changes its password.
func (s *stack) addUser(ctx context.Context, user, password string) error {
	return s.admin(func(admin *kadm.Client) error {
		altered, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: user, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password}})
		return errors.Join(err, altered.Error())
	})
}

// deny takes back what allow granted.
func deny(ctx context.Context, admin *kadm.Client, acls *kadm.ACLBuilder) error {
	deleted, err := admin.DeleteACLs(ctx, acls)
	for _, d := range deleted {
		err = errors.Join(err, d.Err)
		if d.Err == nil && len(d.Deleted) == 0 {
			err = errors.Join(err, errors.New("no ACL was deleted"))
		}
	}
	return err
}
