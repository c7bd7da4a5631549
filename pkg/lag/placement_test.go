package lag_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// ownerOf says which of the pods owns the one partition of a member's.
func ownerOf(t *testing.T, m lag.Member, d directory) string {
	t.Helper()
	s := compute(lag.Policy{}, observe(0, topic("orders", log(0, 1<<40)), group("g", commits("orders", 0), member(m.ClientHost, m.InstanceID, m.ClientID, of("orders", 0)))))
	all := d.where(func(lag.Pod) bool { return true })
	total, each, err := lag.SumByPod([]*lag.Snapshot{s}, lag.Selection{Groups: []string{"g"}}, all, d, at(0), maxAge)
	if err != nil {
		t.Fatal(err)
	}
	for i, pod := range all {
		if len(all) > 1 && each[i].Lag == total.Lag {
			return pod.Namespace + "/" + pod.Name
		}
	}
	return ""
}

func TestWhereAMemberRuns(t *testing.T) {
	d := pods("web-1", "10.1.2.3", "web-10", "10.1.2.4", "web-1-abc", "10.1.2.5", "six", "fd00::1:2", "dotted.name", "10.1.2.6",
		"host-a", "10.0.0.1", "host-b", "10.0.0.1", "consumer-1", "10.1.2.7", "twin", "10.1.2.8", "kate", "")
	d.add("other", "twin", "10.9.9.9")
	for _, tc := range []struct {
		name, host, instance, client, want string
	}{
		{"an address", "/10.1.2.3", "", "", "default/web-1"},
		{"an address without a slash", "10.1.2.3", "", "", "default/web-1"},
		{"an address behind a name", "node/10.1.2.3", "", "", "default/web-1"},
		{"an address with a port", "10.1.2.3:9092", "", "", "default/web-1"},
		{"IPv4 mapped into IPv6", "/::ffff:10.1.2.3", "", "", "default/web-1"},
		{"IPv6", "/fd00::1:2", "", "", "default/six"},
		{"IPv6 written in full", "/fd00:0:0:0:0:0:1:2", "", "", "default/six"},
		{"IPv6 with a zone", "/fd00:0:0:0:0:0:1:2%eth0", "", "", "default/six"},
		{"IPv6 with a port", "[fd00::1:2]:9092", "", "", "default/six"},
		{"another address", "/10.1.2.30", "", "", ""},
		{"no address", "", "", "", ""},
		{"nonsense", "/10.1.2.3.4:x/", "", "", ""},

		{"a client id", "/192.168.0.1", "", "web-1", "default/web-1"},
		{"an instance id", "/192.168.0.1", "web-10", "", "default/web-10"},
		{"the instance id comes first", "/192.168.0.1", "web-10", "web-1", "default/web-10"},
		{"an instance id that names nothing", "/192.168.0.1", "x", "web-1", "default/web-1"},
		{"a word within", "/192.168.0.1", "", "app:web-1/0", "default/web-1"},
		{"a word with more words", "/192.168.0.1", "", "consumer-web-1-0", "default/web-1"},
		{"not before a digit", "/192.168.0.1", "", "web-11", ""},
		{"not before a letter", "/192.168.0.1", "", "web-1a", ""},
		{"not after a letter", "/192.168.0.1", "", "aweb-1", ""},
		{"not beside a letter beyond ASCII", "/192.168.0.1", "", "web-1é", ""},
		{"the longer name", "/192.168.0.1", "", "web-1-abc", "default/web-1-abc"},
		{"the longer name, within", "/192.168.0.1", "", "x web-1-abc-0 y", "default/web-1-abc"},
		{"the longer name stands later", "/192.168.0.1", "", "web-1.web-10.web-1", "default/web-10"},
		{"a name with a dot", "/192.168.0.1", "", "dotted.name-2", "default/dotted.name"},
		{"case counts", "/192.168.0.1", "", "WEB-1", ""},
		{"a pod without an address", "/192.168.0.1", "", "kate", "default/kate"},
		{"a name in two namespaces", "/192.168.0.1", "", "twin", ""},
		{"the address tells which of two namespaces", "/10.9.9.9", "", "twin", "other/twin"},
		{"too many words", "/192.168.0.1", "", "web-1" + strings.Repeat("-a", 40), ""},
		{"a very long word", "/192.168.0.1", "", "web-1-" + strings.Repeat("a", 30000), "default/web-1"},

		{"the address comes before a name", "/10.1.2.3", "", "consumer-1", "default/web-1"},
		{"a shared address", "/10.0.0.1", "", "", ""},
		{"a shared address, and a name", "/10.0.0.1", "", "host-b-0", "default/host-b"},
		{"a shared address, and the name of a pod behind it", "/10.0.0.1", "", "web-1", "default/web-1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := ownerOf(t, lag.Member{ClientHost: tc.host, InstanceID: tc.instance, ClientID: tc.client}, d); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// FuzzPlacement: whatever a client calls itself, it is found on the pods that are named in it as plain search finds them.
func FuzzPlacement(f *testing.F) {
	for _, id := range []string{"", "-", "web-1", "a-web-1.b", "web-1-abc-0", "web-10/web-1", "\xff-web-1", "web-1é", strings.Repeat("a-", 40)} {
		f.Add("/192.168.0.1", id)
	}
	f.Add("/10.1.2.3%x", "web-1")
	names := []string{"a", "web-1", "web-10", "web-1-abc", "b.c"}
	d := directory{}
	for _, name := range names {
		d.add("default", name, "")
	}
	f.Fuzz(func(t *testing.T, host, id string) {
		words := strings.FieldsFunc(strings.ToValidUTF8(id, "é"), func(r rune) bool { return r < 0x80 && !isAlphanumeric(byte(r)) })
		if len(words) > 32 {
			return
		}
		best := ""
		for _, name := range names {
			if hasWord(id, name) && len(name) > len(best) {
				best = name
			}
		}
		got := strings.TrimPrefix(ownerOf(t, lag.Member{ClientHost: host, ClientID: id}, d), "default/")
		if got != best && (len(got) != len(best) || !hasWord(id, got)) {
			t.Errorf("%q is on %q, want %q", id, got, best)
		}
	})
}

func hasWord(id, name string) bool {
	for i := 0; i+len(name) <= len(id); i++ {
		if id[i:i+len(name)] == name && (i == 0 || !isAlphanumeric(id[i-1])) && (i+len(name) == len(id) || !isAlphanumeric(id[i+len(name)])) {
			return true
		}
	}
	return false
}

func isAlphanumeric(b byte) bool {
	return b >= 0x80 || slices.Contains([]byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), b)
}
