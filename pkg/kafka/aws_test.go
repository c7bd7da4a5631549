package kafka

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/kafka-lag-adapter/kafka-lag-adapter/pkg/lag"
)

// withoutAWS takes away what identity this machine may have.
func withoutAWS(t *testing.T) {
	t.Helper()
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_REGION", "eu-central-1")
}

// msk is a fake Kafka that takes whoever signs with a key that it knows.
type msk struct {
	*fake
	mu    sync.Mutex
	known map[string]awsKeys
	users []string // who connected
	wrong error    // the latest refusal
}

func newMSK(t *testing.T, known map[string]awsKeys) *msk {
	t.Helper()
	m := &msk{fake: securedFake(t), known: known}
	m.answer(kmsg.SASLHandshake, func(req kmsg.Request) kmsg.Response {
		resp := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
		if req.(*kmsg.SASLHandshakeRequest).Mechanism != "AWS_MSK_IAM" {
			resp.ErrorCode = 33
		}
		return resp
	})
	m.answer(kmsg.SASLAuthenticate, func(req kmsg.Request) kmsg.Response {
		m.mu.Lock()
		defer m.mu.Unlock()
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		user, err := verify(req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes, "eu-central-1", m.known, time.Now())
		if err != nil {
			m.wrong = err
			resp.ErrorCode = 58
			return resp
		}
		m.users = append(m.users, user)
		resp.SASLAuthBytes = []byte(`{"version":"2020_10_22","request-id":"1"}`)
		return resp
	})
	return m
}

// connects wants a Reader's new connections to be taken, and to be this user's.
func (m *msk) connects(r *Reader, user string) {
	m.t.Helper()
	age(r)
	m.mu.Lock()
	m.users = nil
	m.mu.Unlock()
	obs := r.Read(m.t.Context(), nil)
	m.mu.Lock()
	defer m.mu.Unlock()
	if obs.MetadataErr != nil || obs.ListingErr != nil {
		m.t.Fatalf("%v, %v: %v", obs.MetadataErr, obs.ListingErr, m.wrong)
	}
	for _, got := range m.users {
		if got != user {
			m.t.Errorf("it was %s who connected, want %s", got, user)
		}
	}
	if len(m.users) == 0 {
		m.t.Error("nobody connected")
	}
}

func (m *msk) mskReader() *Reader {
	return m.reader(func(c *Config) { c.Security.SASL = &SASL{Mechanism: "AWS_MSK_IAM"} })
}

func TestMSKIAMFromTheEnvironment(t *testing.T) {
	withoutAWS(t)
	keys := awsKeys{"canary+/secret", "canary/session=="}
	m := newMSK(t, map[string]awsKeys{"AKID": keys})
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", keys.secret)
	t.Setenv("AWS_SESSION_TOKEN", keys.session)
	r := m.mskReader()
	m.connects(r, "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary-wrong")
	age(r)
	err := r.Read(t.Context(), nil).MetadataErr
	if lag.ClassOf(err) != lag.ClassAuthentication || !strings.Contains(err.Error(), "kafka-cluster:Connect") || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// A Secret that is mounted as AWS's shared credentials file is read again for each connection.
func TestMSKIAMFromTheCredentialsFile(t *testing.T) {
	withoutAWS(t)
	m := newMSK(t, map[string]awsKeys{"ONE": {"one", ""}, "TWO": {"two=", "session"}})
	file := newSecret(t, "[other]\naws_access_key_id=no\n[default]\naws_access_key_id = ONE\naws_secret_access_key=one\n")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file.path)
	r := m.mskReader()
	m.connects(r, "ONE")
	file.write("[default]\nAWS_ACCESS_KEY_ID=TWO\naws_secret_access_key=two=\naws_session_token=session\n[other]\naws_access_key_id=no\n")
	m.connects(r, "TWO")
	file.write("[other]\naws_access_key_id=TWO\naws_secret_access_key=two=\n")
	age(r)
	if err := r.Read(t.Context(), nil).MetadataErr; lag.ClassOf(err) != lag.ClassConnection || !strings.Contains(err.Error(), file.path+" has no aws_access_key_id") {
		t.Error(err)
	}
}

// stsAnswer are credentials as STS gives them.
const stsAnswer = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>AKID-%[1]s</AccessKeyId><SecretAccessKey>secret-%[1]s</SecretAccessKey><SessionToken>session-%[1]s</SessionToken><Expiration>%[2]s</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`

// startSTS gives credentials that live so long to whoever has the token that is in the file, and counts.
func startSTS(t *testing.T, token secretFile, life time.Duration) (count func() int) {
	t.Helper()
	var mu sync.Mutex
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		want, err := token.Read()
		if got := r.FormValue("WebIdentityToken"); err != nil || r.FormValue("Action") != "AssumeRoleWithWebIdentity" || r.FormValue("RoleArn") != "arn:aws:iam::1:role/lag" || got != want {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>no</Message></Error></ErrorResponse>`)
			return
		}
		_, _ = fmt.Fprintf(w, stsAnswer, want, time.Now().Add(life).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/lag")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token.path)
	return func() int { mu.Lock(); defer mu.Unlock(); return asked }
}

// The projected token is exchanged for credentials, which serve all connections until they are about to expire; then the token is read anew.
func TestMSKIAMByWebIdentity(t *testing.T) {
	known := map[string]awsKeys{"AKID-one": {"secret-one", "session-one"}, "AKID-two": {"secret-two", "session-two"}}
	for name, c := range map[string]struct {
		life    time.Duration
		rotated string
	}{"they last": {time.Hour, "AKID-one"}, "they expire": {awsEarly + time.Second, "AKID-two"}} {
		t.Run(name, func(t *testing.T) {
			withoutAWS(t)
			m := newMSK(t, known)
			token := newSecret(t, "one")
			asked := startSTS(t, token, c.life)
			r := m.mskReader()
			m.connects(r, "AKID-one")
			token.write("two")
			eventually(t, "the credentials that are due", func() bool {
				age(r)
				_ = r.Read(t.Context(), nil)
				m.mu.Lock()
				defer m.mu.Unlock()
				return m.users[len(m.users)-1] == c.rotated
			})
			if n := asked(); c.life == time.Hour && n != 1 {
				t.Errorf("%d requests of STS", n)
			}
		})
	}
}

// EKS Pod Identity and ECS: an endpoint of the container, and a token for it.
func TestMSKIAMFromTheContainer(t *testing.T) {
	withoutAWS(t)
	m := newMSK(t, map[string]awsKeys{"AKID": {"secret", "session"}})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "agent-token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprintf(w, `{"AccessKeyId":"AKID","SecretAccessKey":"secret","Token":"session","Expiration":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL+"/v1/credentials")
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", newSecret(t, "agent-token").path)
	m.connects(m.mskReader(), "AKID")
}

func TestRow21NoAWSCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"none":     {nil, "no AWS credentials for AWS_MSK_IAM from the instance's role; give the pod's ServiceAccount a role"},
		"no token": {map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::1:role/lag", "AWS_WEB_IDENTITY_TOKEN_FILE": filepath.Join(t.TempDir(), "none")}, "from web identity (role arn:aws:iam::1:role/lag, token in"},
	} {
		t.Run(name, func(t *testing.T) {
			withoutAWS(t)
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			err := newMSK(t, nil).mskReader().Read(t.Context(), nil).MetadataErr
			if lag.ClassOf(err) != lag.ClassConnection || !strings.Contains(err.Error(), c.want) {
				t.Error(err)
			}
		})
	}
}

func TestAWSRoleWithoutRegion(t *testing.T) {
	withoutAWS(t)
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/lag")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "token")
	_, err := NewReader(Config{Brokers: []string{"127.0.0.1:1"}, Security: Security{SASL: &SASL{Mechanism: "AWS_MSK_IAM"}}})
	if err == nil || !strings.Contains(err.Error(), "AWS_REGION is not; set all three") {
		t.Error(err)
	}
}
