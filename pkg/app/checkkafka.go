package app

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/check"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/kafka"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// kafkaFindings says what an inspection means to an operator.
type kafkaFindings struct {
	*check.Report
	*kafka.Inspection
	area string
	// narrowed says that the configuration leaves topics out.
	narrowed bool
}

// connected says whether the cluster answered at all.
func (f kafkaFindings) connected(way string) bool {
	for _, seed := range f.Seeds {
		if seed.Err != nil {
			f.Fail(f.area, "look at the setting brokers, and at the DNS of this machine", "%s does not resolve: %v", seed.Address, seed.Err)
			continue
		}
		f.OK(f.area, "%s resolves to %s", seed.Address, strings.Join(seed.Resolved, ", "))
	}
	if f.MetadataErr != nil {
		f.Fail(f.area, "docs/connect.md has a table of what errors mean", "cannot connect %s: %v", way, f.MetadataErr)
		return false
	}
	f.OK(f.area, "connected %s; the cluster %q has %d brokers", way, f.ClusterID, len(f.Brokers))
	return true
}

// brokers tells their versions and what they lack.
func (f kafkaFindings) brokers() {
	lacking := make(map[lag.Capability][]string)
	for _, b := range f.Brokers {
		for _, capability := range b.Lacking {
			lacking[capability] = append(lacking[capability], fmt.Sprint(b.ID))
		}
		version, known := f.Versions[b.ID]
		switch {
		case b.Err != nil:
			f.Fail(f.area, "every broker must be reachable from here at the address that it advertises on this listener", "broker %d at %s: %v", b.ID, b.Address, b.Err)
		case !known:
			f.Warn(f.area, "try again", "broker %d at %s does not tell its version", b.ID, b.Address)
		default:
			f.OK(f.area, "broker %d at %s: Kafka %s, as its requests suggest", b.ID, b.Address, version)
		}
	}
	var used []string
	for _, capability := range lag.Capabilities() {
		if at := lacking[capability]; at != nil {
			f.Warn(f.area, "newer brokers can", "brokers %s cannot do %s: %s", strings.Join(at, ", "), capability, capability.Without())
			continue
		}
		used = append(used, string(capability))
	}
	f.OK(f.area, "used: %s", strings.Join(used, ", "))
}

// maxAhead is by how much brokers may stamp records in the future: as much as clocks that NTP keeps may differ, and more.
const maxAhead = 5 * time.Second

// clock compares the brokers' clocks with ours, as far as Kafka tells: what they have stamped was in the past.
func (f kafkaFindings) clock() {
	ahead := f.NewestCommit.Sub(f.InspectedAt)
	switch {
	case f.NewestCommit.IsZero():
		f.OK(f.area, "the brokers' clocks are not known, as nothing was committed, or Describe on __consumer_offsets is missing")
	case ahead > maxAhead:
		f.Fail(f.area, "set this machine's clock and the brokers' by NTP: tickets, tokens and certificates depend on it", "a broker's clock is ahead of this machine's by %s or more", ahead.Truncate(time.Second))
	default:
		f.OK(f.area, "the brokers' clocks are not ahead of this machine's: the newest commit was %s ago", (-ahead).Truncate(time.Second))
	}
}

// What to allow where brokers refuse.
const (
	allowGroup   = "allow Describe on the group: kafka-acls --add --allow-principal User:… --operation Describe --group %s"
	allowTopic   = "allow Describe on the topic: kafka-acls --add --allow-principal User:… --operation Describe --topic %s"
	allowConfigs = "allow DescribeConfigs on the group, or name it in --earliest-groups if it starts at the beginning"
)

// groups tells which are visible and what about them is not.
func (f kafkaFindings) groups() {
	if f.ListingErr != nil {
		f.Fail(f.area, "see the brokers above", "the list of groups may lack some: %v", f.ListingErr)
	}
	left := "without Describe on the cluster, brokers leave out, and say nothing of, groups that we may not describe (name them by --group)"
	if f.EveryGroup {
		left = "we may describe the cluster, so that is all of them"
	}
	if len(f.Groups) == 0 {
		f.Warn(f.area, fmt.Sprintf(allowGroup, "'*'"), "no consumer group is visible; %s", left)
	} else {
		f.OK(f.area, "%d consumer groups are visible: %s; %s", len(f.Groups), some(f.Groups, func(g lag.GroupObservation) string { return g.Name }), left)
	}
	if n := len(f.Uncollected); n > 0 {
		f.Warn(f.area, "raise --max-groups or --max-partitions, or narrow --group-include", "%d groups are left out, as there are more than the limit", n)
	}
	for i := range f.Groups {
		f.group(&f.Groups[i])
	}
}

func (f kafkaFindings) group(g *lag.GroupObservation) {
	for what, err := range map[string]error{"members": g.MembersErr, "commits": g.CommitsErr} {
		if err != nil {
			f.refused(fmt.Sprintf("the %s of group %q", what, g.Name), err, fmt.Sprintf(allowGroup, g.Name))
		}
	}
	if err := g.Start.Err; err != nil {
		f.Warn(f.area, allowConfigs, "where share group %q starts is not known: %v", g.Name, err)
	}
	if g.MembersErr == nil && g.CommitsErr == nil && len(g.Commits) == 0 && len(g.Members) == 0 && g.Type != lag.GroupShare && !f.narrowed {
		// A group without members exists only because of its commits.
		f.Fail(f.area, fmt.Sprintf(allowTopic, "'*'"), "group %q has no member and no commit that we may see: Describe on its topics is missing, and brokers say nothing of it", g.Name)
	}
}

// topics tells which are visible. Those that members are assigned or subscribe to were asked for by name.
func (f kafkaFindings) topics() {
	var visible []lag.Topic
	for i := range f.Topics {
		t := &f.Topics[i]
		if t.Err == nil {
			visible = append(visible, *t)
			continue
		}
		f.refused(fmt.Sprintf("topic %q, which members of groups consume", t.Name), t.Err, fmt.Sprintf(allowTopic, t.Name))
	}
	if len(visible) == 0 {
		f.Fail(f.area, fmt.Sprintf(allowTopic, "'*'"), "no topic is visible: either there is none, or Describe on topics is missing")
		return
	}
	f.OK(f.area, "%d topics are visible: %s; brokers leave out, and say nothing of, topics that we may not describe (name them by --topic)", len(visible),
		some(visible, func(t lag.Topic) string { return t.Name }))
}

// named tells what the brokers said of the groups and topics that were asked for by name.
func (f kafkaFindings) named(groups, topics []string) {
	for _, name := range groups {
		if err := f.GroupErrs[name]; err != nil {
			f.refused(fmt.Sprintf("--group %q", name), err, fmt.Sprintf(allowGroup, name))
			continue
		}
		f.OK(f.area, "--group %q is there, and we may describe it", name)
	}
	for _, name := range topics {
		if err := f.TopicErrs[name]; err != nil {
			f.refused(fmt.Sprintf("--topic %q", name), err, fmt.Sprintf(allowTopic, name))
			continue
		}
		f.OK(f.area, "--topic %q is there, and we may describe it", name)
	}
}

// refused tells why something could not be read.
func (f kafkaFindings) refused(what string, err error, allow string) {
	switch lag.ClassOf(err) {
	case lag.ClassAuthorization:
		f.Fail(f.area, allow, "%s: we are not allowed to: %v", what, err)
	case lag.ClassNotFound:
		f.Fail(f.area, "look at the name; a group is there as long as it has members or commits", "%s is not there: %v", what, err)
	default:
		f.Fail(f.area, "if it stays so, see the troubleshooting page", "%s: %v", what, err)
	}
}

// some names the first few.
func some[T any](list []T, name func(T) string) string {
	const most = 10
	var names []string
	for _, one := range list[:min(len(list), most)] {
		names = append(names, name(one))
	}
	if slices.Sort(names); len(list) > most {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}
