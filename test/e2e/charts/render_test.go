// Package charts renders the Helm charts and the kustomizations, without a cluster, and holds them against one another.
package charts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/helm"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/layout"
	"github.com/kafka-lag-adapter/kafka-lag-adapter/test/e2e/suite"
)

// objects are manifests by "kind namespace/name".
type objects map[string]*unstructured.Unstructured

func where(t *testing.T) layout.Layout {
	t.Helper()
	l, err := layout.Find()
	suite.Try(t, err)
	return l
}

// runHelm runs helm without a cluster.
func runHelm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return helm.Helm{Path: where(t).Tool("helm"), Home: t.TempDir()}.Run(suite.Within(t, time.Minute), args...)
}

// template renders a chart as `helm install` would into an empty cluster, with these --set.
func template(t *testing.T, chart string, sets ...string) (objects, error) {
	t.Helper()
	args := []string{"template", "lag-adapter", filepath.Join(where(t).Manifests(), chart), "--namespace=kafka-lag-adapter"}
	for _, set := range sets {
		args = append(args, "--set="+set)
	}
	text, err := runHelm(t, args...)
	if err != nil {
		return nil, err
	}
	return parse(t, text), nil
}

// kustomize renders a folder of manifests.
func kustomize(t *testing.T, dir string) objects {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, where(t).Tool("kubectl"), "kustomize", dir).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Fatalf("kubectl kustomize %s: %v\n%s", dir, err, exit.Stderr)
	}
	suite.Try(t, err)
	return parse(t, string(out))
}

func parse(t *testing.T, text string) objects {
	t.Helper()
	all := objects{}
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if len(object.Object) == 0 {
			continue // nothing but a comment
		}
		key := fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName())
		if all[key] != nil {
			t.Errorf("%s is rendered twice", key)
		}
		all[key] = object
	}
}

// field returns what is at a path of an object, nil if nothing is.
func (o objects) field(t *testing.T, key string, path ...string) any {
	t.Helper()
	object := o[key]
	if object == nil {
		t.Fatalf("no %s", key)
	}
	value, _, err := unstructured.NestedFieldNoCopy(object.Object, path...)
	suite.Try(t, err)
	return value
}

func toJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	suite.Try(t, err)
	return string(text)
}
