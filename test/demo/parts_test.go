package main

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

func TestAuthorize(t *testing.T) {
	resource := func(name, verb, group string) authorizer.Attributes {
		return authorizer.AttributesRecord{User: &user.DefaultInfo{Name: name}, Verb: verb, APIGroup: group, Resource: "pods", ResourceRequest: true}
	}
	path := func(name, verb, path string) authorizer.Attributes {
		return authorizer.AttributesRecord{User: &user.DefaultInfo{Name: name}, Verb: verb, Path: path}
	}
	tests := []struct {
		name  string
		ask   authorizer.Attributes
		allow bool
	}{
		{"the autoscaler's request", resource(autoscalerUser, "get", "custom.metrics.k8s.io"), true},
		{"a list", resource(autoscalerUser, "list", "custom.metrics.k8s.io"), true},
		{"a write", resource(autoscalerUser, "create", "custom.metrics.k8s.io"), false},
		{"another API", resource(autoscalerUser, "get", "external.metrics.k8s.io"), false},
		{"another user", resource("stranger", "get", "custom.metrics.k8s.io"), false},
		{"nobody", authorizer.AttributesRecord{Verb: "get", APIGroup: "custom.metrics.k8s.io", ResourceRequest: true}, false},
		{"discovery", path(autoscalerUser, "get", "/apis"), true},
		{"discovery of the group", path(autoscalerUser, "get", "/apis/custom.metrics.k8s.io"), true},
		{"discovery by another user", path("stranger", "get", "/apis"), false},
		{"the server's own metrics", path(autoscalerUser, "get", "/metrics"), false},
		{"a name that only begins so", path(autoscalerUser, "get", "/apisecret"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			decision, reason, err := authorize(t.Context(), tt.ask)
			if err != nil || (decision == authorizer.DecisionAllow) != tt.allow || (reason == "") != tt.allow {
				t.Errorf("got %v, %q, %v", decision, reason, err)
			}
		})
	}
}

func TestLogReader(t *testing.T) {
	var got []string
	reader := newLogReader("adapter")
	logger := slog.New(slog.NewJSONHandler(reader, nil))
	logger.Error("before anyone follows")
	reader.follow(fakeDisplay{NoteFunc: func(level slog.Level, text string) { got = append(got, level.String()+" "+text) }})
	logger.Warn("it fails", "group", "orders", "err", "no broker")
	logger.Info("started", "metrics", "http://127.0.0.1:1/metrics")
	logger.Info("started", "metrics", "again")
	if _, err := reader.Write([]byte("not JSON\n")); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"WARN adapter: it fails err=no broker group=orders", "INFO adapter: started metrics=http://127.0.0.1:1/metrics",
		"INFO adapter: started metrics=again", "INFO adapter: not JSON",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if url := <-reader.metrics; url != "http://127.0.0.1:1/metrics" {
		t.Errorf("metrics at %q", url)
	}
	for range 2 * tailLength {
		logger.Info("again")
	}
	if end := reader.end(); strings.Count(end, "\n")+1 != tailLength || !strings.HasSuffix(end, "INFO again") {
		t.Errorf("the end is\n%s", end)
	}
}

func TestQuote(t *testing.T) {
	if got := quote(`it's $HOME`); got != `'it'\''s $HOME'` {
		t.Error(got)
	}
}

func TestBarBlock(t *testing.T) {
	tests := []struct {
		env  map[string]string
		want string
	}{
		{nil, "#"},
		{map[string]string{"LANG": "C"}, "#"},
		{map[string]string{"LANG": "de_DE.UTF-8"}, "▇"},
		{map[string]string{"LANG": "C.utf8"}, "▇"},
		{map[string]string{"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, "#"},
	}
	for _, tt := range tests {
		if got := barBlock(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%v: %q", tt.env, got)
		}
	}
}
