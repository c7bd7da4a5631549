package kafka

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// withoutAWS takes away what identity this machine may have.
func withoutAWS(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"} {
		t.Setenv(name, "")
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_REGION", "eu-central-1")
}

// What is sent is what AWS's own signer makes of the same request.
func TestMSKIAM(t *testing.T) {
	withoutAWS(t)
	const secret, session = "canary+/secret", "canary/session=="
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_SESSION_TOKEN", session)
	f := securedFake(t)
	refuse := make(chan struct{})
	f.answer(kmsg.SASLHandshake, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind()
		if req.(*kmsg.SASLHandshakeRequest).Mechanism != "AWS_MSK_IAM" {
			resp.(*kmsg.SASLHandshakeResponse).ErrorCode = 33
		}
		return resp
	})
	f.answer(kmsg.SASLAuthenticate, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.SASLAuthBytes = []byte(`{"version":"2020_10_22","request-id":"1"}`)
		select {
		case <-refuse:
			resp.ErrorCode = 58
		default:
			if !signed(t, req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes, secret, session) {
				resp.ErrorCode = 58
			}
		}
		return resp
	})
	r := f.reader(func(c *Config) { c.Security.SASL = &SASL{Mechanism: "AWS_MSK_IAM"} })
	if obs := r.Read(t.Context(), nil); obs.MetadataErr != nil || obs.ListingErr != nil {
		t.Fatal(obs.MetadataErr, obs.ListingErr)
	}
	close(refuse)
	age(r)
	err := r.Read(t.Context(), nil).MetadataErr
	if lag.ClassOf(err) != lag.ClassAuthentication || !strings.Contains(err.Error(), "kafka-cluster:Connect") || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// signed says whether a request to connect is signed as AWS wants it.
func signed(t *testing.T, sent []byte, secret, session string) bool {
	t.Helper()
	var got map[string]string
	if err := json.Unmarshal(sent, &got); err != nil {
		t.Error(err)
		return false
	}
	at, err := time.Parse("20060102T150405Z", got["x-amz-date"])
	if err != nil {
		t.Error(err)
		return false
	}
	asked := url.URL{Scheme: "kafka", Host: got["host"], Path: "/", RawQuery: "Action=kafka-cluster%3AConnect&X-Amz-Expires=300"}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, asked.String(), http.NoBody)
	if err != nil {
		t.Error(err)
		return false
	}
	credentials := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: secret, SessionToken: session}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // the SHA-256 of nothing
	uri, _, err := signer.NewSigner().PresignHTTP(t.Context(), credentials, request, empty, "kafka-cluster", "eu-central-1", at)
	if err != nil {
		t.Error(err)
		return false
	}
	presigned, err := url.Parse(uri)
	if err != nil {
		t.Error(err)
		return false
	}
	want := map[string]string{"host": "127.0.0.1", "version": "2020_10_22", "user-agent": clientID}
	for name, values := range presigned.Query() {
		want[strings.ToLower(name)] = values[0]
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	return len(got) == len(want) && !t.Failed()
}

func TestRow21NoAWSCredentials(t *testing.T) {
	withoutAWS(t)
	f := securedFake(t)
	f.answer(kmsg.SASLHandshake, func(req kmsg.Request) kmsg.Response { return req.ResponseKind() })
	r := f.reader(func(c *Config) { c.Security.SASL = &SASL{Mechanism: "AWS_MSK_IAM"} })
	err := r.Read(t.Context(), nil).MetadataErr
	if lag.ClassOf(err) != lag.ClassConnection || !strings.Contains(err.Error(), "no AWS credentials for AWS_MSK_IAM; give the pod's ServiceAccount a role") {
		t.Error(err)
	}
}
