package app

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
)

// checked runs `check` with these arguments.
func checked(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	program := Program{Name: "lag-exporter", Commands: []Command{CheckCommand()}}
	code = program.Main(t.Context(), append([]string{"check"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

// shop is a Kafka with a group that has committed on a topic, and an address of it.
func shop(t *testing.T) (*kfake.Cluster, string) {
	t.Helper()
	kafka, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(2, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(kafka.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	var offsets kadm.Offsets
	offsets.AddOffset("orders", 0, 0, -1)
	if err := kadm.NewClient(client).CommitAllOffsets(t.Context(), "billing", offsets); err != nil {
		t.Fatal(err)
	}
	return kafka, kafka.ListenAddrs()[0]
}

func TestCheck(t *testing.T) {
	_, address := shop(t)
	code, text, _ := checked(t, "--brokers="+address, "--group=billing", "--topic=orders")
	for _, want := range []string{
		"ok    kafka default: " + address + " resolves to 127.0.0.1\n", "connected in plain text; the cluster", "has 2 brokers", "broker 1 at 127.0.0.1:", ": Kafka ",
		"used: batched_offset_fetch, ", "1 consumer groups are visible: billing;", "1 topics are visible: orders;", `--group "billing" is there`, `--topic "orders" is there`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if code != exitOK || strings.Contains(text, "FAIL") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
}

func TestCheckFindsWhatIsMissing(t *testing.T) {
	_, address := shop(t)
	code, text, _ := checked(t, "--brokers="+address, "--group=biling", "--topic=order", "-o", "json")
	var report struct {
		OK       bool
		Findings []check.Finding
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil || report.OK || code != exitFailed {
		t.Fatalf("%v, exit code %d: %s", err, code, text)
	}
	var failed []string
	for _, f := range report.Findings {
		if f.Level == check.Fail {
			failed = append(failed, f.Text)
			if f.Do == "" {
				t.Errorf("%q does not say what to do", f.Text)
			}
		}
	}
	if len(failed) != 2 || !strings.Contains(failed[0], `--group "biling" is not there`) || !strings.Contains(failed[1], `--topic "order" is not there`) {
		t.Errorf("%q", failed)
	}
}

// Old brokers are told what they cannot do, and a hidden topic is told of by the group that has no commit then.
func TestCheckOfRights(t *testing.T) {
	kafka, address := shop(t)
	kafka.ControlKey(int16(kmsg.OffsetFetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		kafka.KeepControl()
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		for _, g := range req.(*kmsg.OffsetFetchRequest).Groups { // as Kafka does without Describe on the topics
			one := kmsg.NewOffsetFetchResponseGroup()
			one.Group = g.Group
			resp.Groups = append(resp.Groups, one)
		}
		return resp, nil, true
	})
	code, text, _ := checked(t, "--brokers="+address)
	if want := `group "billing" has no member and no commit that we may see: Describe on its topics is missing`; code != exitFailed || !strings.Contains(text, want) {
		t.Errorf("exit code %d, %q is missing:\n%s", code, want, text)
	}
	if code, text, _ = checked(t, "--brokers="+address, "--topic-include=other"); strings.Contains(text, "Describe on its topics is missing") {
		t.Errorf("exit code %d, and what is left out on purpose counts as hidden:\n%s", code, text)
	}
}

func TestCheckCannotConnect(t *testing.T) {
	kafka, err := kfake.NewCluster(kfake.EnableSASL(), kfake.Superuser("PLAIN", "lag", "right"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	address := kafka.ListenAddrs()[0]
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("canary-51"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, text, _ := checked(t, "--brokers="+address, "--kafka.sasl.mechanism=PLAIN", "--kafka.sasl.username=lag", "--kafka.sasl.password-file="+password)
	if code != exitFailed || !strings.Contains(text, `FAIL  kafka default: cannot connect in plain text, PLAIN as "lag"`) || !strings.Contains(text, "refused our identity") || strings.Contains(text, "canary") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	if code, text, _ = checked(t, "--brokers=nowhere.invalid:1,"+address, "--timeout=2s"); code != exitFailed || !strings.Contains(text, "nowhere.invalid:1 does not resolve") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
}

func TestCheckWrongly(t *testing.T) {
	for _, args := range [][]string{{}, {"--brokers=a", "-o", "yaml"}, {"--brokers=a", "--timeout=1h"}} {
		if code, stdout, stderr := checked(t, args...); code != exitUsage || stdout != "" || stderr == "" {
			t.Errorf("%q: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

// What a broker has stamped cannot be of the future.
func TestCheckOfTheClock(t *testing.T) {
	for ahead, want := range map[time.Duration]string{
		-time.Hour: "the newest commit was 1h0m0s ago", time.Hour: "FAIL  kafka default: a broker's clock is ahead of this machine's by 1h0m0s or more", 0: "the brokers' clocks are not known",
	} {
		now := time.Now()
		f := kafkaFindings{Report: &check.Report{}, area: "kafka default", Inspection: &kafka.Inspection{InspectedAt: now}}
		if ahead != 0 {
			f.NewestCommit = now.Add(ahead)
		}
		var out bytes.Buffer
		f.clock()
		if err := f.Print(&out); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %q", ahead, out.String())
		}
	}
}

// looked is an Extension that can be checked.
type looked struct{ Extension }

func (looked) FlagGroups() []FlagGroup { return nil }
func (looked) Validate() []error       { return nil }
func (looked) Check(_ context.Context, report *check.Report) {
	report.Fail("elsewhere", "change it", "it is wrong")
}

func TestCheckOfAnExtension(t *testing.T) {
	_, address := shop(t)
	var out, errs bytes.Buffer
	program := Program{Name: "lag-adapter", Extension: func() Extension { return looked{} }, Commands: []Command{CheckCommand()}}
	if code := program.Main(t.Context(), []string{"check", "--brokers=" + address}, &out, &errs); code != exitFailed || !strings.Contains(out.String(), "FAIL  elsewhere: it is wrong\n      → change it\n") {
		t.Errorf("exit code %d:\n%s%s", code, out.String(), errs.String())
	}
}
