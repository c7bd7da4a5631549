package adapter

import (
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

func TestSelectionMatchesAsLabelSelectorsDo(t *testing.T) {
	series := []labels.Set{}
	for _, cluster := range []string{"main", "dr"} {
		for _, group := range []string{"orders", "billing"} {
			for _, topic := range []string{"orders", "invoices"} {
				for _, partition := range []string{"0", "1", "7"} {
					series = append(series, labels.Set{"cluster": cluster, "consumergroup": group, "topic": topic, "partition": partition})
				}
			}
		}
	}
	for _, text := range []string{
		"consumergroup=orders",
		"consumergroup==orders,topic!=invoices",
		"consumergroup in (orders,billing),consumergroup notin (billing)",
		"consumergroup!=orders",
		"consumergroup,cluster=dr",
		"!topic",
		"consumergroup=orders,consumergroup=billing",
		"partition=0,consumergroup=orders",
		"partition in (0,7)",
		"partition notin (0,7)",
		"partition>0,partition<7",
		"partition,cluster notin (main)",
		"topic in (orders),topic in (invoices,orders)",
	} {
		t.Run(text, func(t *testing.T) {
			selector := parse(t, text)
			sel, err := parseSelection(selector)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range series {
				if got, want := selects(sel, s), selector.Matches(s); got != want {
					t.Errorf("selects %v: got %t, want %t", s, got, want)
				}
			}
		})
	}
}

// selects applies the selection as lag.Sum does.
func selects(sel lag.Selection, series labels.Set) bool {
	partition := map[string]int32{"0": 0, "1": 1, "7": 7}[series["partition"]]
	byGroup := sel.Group == nil || sel.Group(series["consumergroup"])
	if len(sel.Groups) > 0 {
		byGroup = false
		for _, name := range sel.Groups {
			byGroup = byGroup || name == series["consumergroup"]
		}
	}
	return byGroup && (sel.Cluster == nil || sel.Cluster(series["cluster"])) &&
		(sel.Topic == nil || sel.Topic(series["topic"])) && (sel.Partition == nil || sel.Partition(partition))
}

func TestSelectionNamesGroupsWhereItCan(t *testing.T) {
	for text, want := range map[string][]string{
		"consumergroup=orders":                              {"orders"},
		"consumergroup in (b,a),topic=t":                    {"a", "b"},
		"consumergroup in (b,a),consumergroup!=b":           {"a"},
		"consumergroup in (a,b,c),consumergroup in (b,c,d)": {"b", "c"},
		"consumergroup!=orders":                             nil,
		"consumergroup":                                     nil,
		"topic=orders":                                      nil,
	} {
		sel, err := parseSelection(parse(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(sel.Groups, want) {
			t.Errorf("%s: groups %q, want %q", text, sel.Groups, want)
		}
	}
}

func TestSelectionPartitionIsANumber(t *testing.T) {
	sel, err := parseSelection(parse(t, "partition=007"))
	if err != nil {
		t.Fatal(err)
	}
	if !sel.Partition(7) || sel.Partition(0) {
		t.Error("partition=007 does not select partition 7 alone")
	}
}

func TestSelectionMistakes(t *testing.T) {
	for text, want := range map[string][]string{
		"group=orders":                    {`"group"`, "cluster, consumergroup, topic or partition"},
		"group=orders,partition=x":        {`"group"`, `"x" is no number of a partition`},
		"partition=":                      {`"" is no number`},
		"partition in (1,two)":            {`"two" is no number`},
		"partition=4294967296":            {`"4294967296" is no number`},
		"partition>99999999999":           {`"99999999999" is no number`},
		"topic>3":                         {"only partition can be compared"},
		"consumergroup=orders,!namespace": {`"namespace"`},
	} {
		_, err := parseSelection(parse(t, text))
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		for _, part := range want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", text, err, part)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q has more than one line", text, err)
		}
	}
	if _, err := parseSelection(labels.Nothing()); err == nil {
		t.Error("the selector of nothing: no error")
	}
}

func parse(t *testing.T, text string) labels.Selector {
	t.Helper()
	selector, err := labels.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return selector
}
